/** A run reads one commit from its beginning to its end, says which, and goes on with it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { Folder, lines, names, put, type Running, read } from '../support/command.js'
import {
  BODY,
  MADE,
  madeOf,
  meanwhile,
  NAME,
  ROWS,
  rows,
  SET,
  type Setting,
  setting,
  settingWith,
} from './setting.js'

const folder = new Folder()

test('the summary and the report name the commit', async () => {
  const site = await setting(folder)
  const { status, stderr } = await site.run(['run', 'x.yaml', '--report', 'r.json'])
  const pinned = `hf://datasets/${NAME}@${site.hub.commit(NAME)}/train.jsonl`
  expect(status).toBe(0)
  expect(stderr).toContain(`rows: ${pinned}, `)
  expect(JSON.parse(read(site.cwd, 'r.json'))).toMatchObject({ inputs: [{ files: [pinned] }] })
})

test('places in what is set aside name the commit, and replay finds the way back', async () => {
  const bad = Buffer.concat([Buffer.from('{"prompt": 3}\n'), BODY])
  const site = await settingWith(folder, { 'train.jsonl': { content: bad, lfs: true } })
  const { status } = await site.run(['run', 'x.yaml', '--on-error', 'dead-letter=letters.jsonl'])
  expect(status).toBe(3)
  const pinned = `hf://datasets/${NAME}@${site.hub.commit(NAME)}/train.jsonl`
  const letter = JSON.parse(read(site.cwd, 'letters.jsonl'))
  expect(letter).toMatchObject({ input: pinned, line: 1, offset: 0 })
  const [mendedRow] = rows(1, 9000)
  const mended = JSON.stringify({ ...letter, raw: JSON.stringify(mendedRow) })
  put(site.cwd, { 'mended.jsonl': `${mended}\n` })
  const replayed = await site.run(['replay', 'mended.jsonl', 'x.yaml', '--merge-into'])
  expect(replayed.stderr).not.toContain('error')
  expect(replayed).toMatchObject({ status: 0, stdout: '' })
  expect(site.made()).toBe(madeOf([mendedRow, ...ROWS]))
})

const CHECKPOINTS = ['--checkpoint-every', '10ms']

/** Stops a run in the middle of a download, behind its first checkpoint. */
async function stopped({ hub, cwd }: Setting, path: RegExp, start: () => Running): Promise<void> {
  const held = hub.fault({ on: 'cdn', path, kind: { hold: 900_000 } })
  const running = start()
  await meanwhile(running, () => held.hits > 0 && names(cwd).includes('out.jsonl.checkpoint'))
  running.process.kill('SIGINT')
  expect(await running.ended).toMatchObject({ status: 130 })
  expect(names(cwd)).toContain('out.jsonl.partial')
  hub.lift(held)
}

test.each(['train.jsonl', 'train.jsonl.gz'])(
  'stopped while %s comes, a run goes on with the commit that it began with though main has moved',
  async (file) => {
    const content = file.endsWith('.gz') ? gzipSync(BODY, { level: 0 }) : BODY
    const site = await settingWith(folder, { [file]: { content, lfs: true } })
    const { hub } = site
    const args = ['run', 'x.yaml', '--set', `file=${file}`, ...CHECKPOINTS]
    await stopped(site, /blobs/, () => site.start(args))
    const began = hub.commit(NAME)
    hub.push(NAME, { [file]: { content: 'other\n', lfs: true } })
    const resumed = await site.run([...args, '--resume', '--report', 'r.json'])
    expect(resumed).toMatchObject({ status: 0 })
    expect(site.made()).toBe(MADE)
    expect(resumed.stderr).toContain(`hf://datasets/${NAME}@${began}/${file}`)
    expect(names(site.cwd)).toEqual(['out.jsonl', 'r.json', 'x.yaml'])
    // What had come of it is not asked for again.
    expect(hub.bodies(/blobs/).at(-1)).toMatchObject({
      status: 206,
      headers: { range: expect.stringMatching(/^bytes=[1-9]\d*-/) },
    })
  },
)

test('stopped behind a file that is in the cache, a run goes on with the commit that it began with', async () => {
  const more = rows(2500, 2500)
  const files = {
    'train.jsonl': { content: BODY, lfs: true },
    'more.jsonl': { content: lines(...more), lfs: true },
  }
  const site = await settingWith(folder, files)
  const { hub } = site
  put(site.cwd, {
    'two.yaml': `name: x\ninputs: { rows: [${SET}/train.jsonl, ${SET}/more.jsonl] }\nstages: [parse, template: helpsteer2, label-format, write: out.jsonl]\n`,
  })
  expect(await site.run(['parse', `${SET}/train.jsonl`])).toMatchObject({ status: 0 })
  const args = ['run', 'two.yaml', ...CHECKPOINTS]
  await stopped(site, new RegExp(hub.etag(NAME, 'more.jsonl')), () => site.start(args))
  hub.push(NAME, { 'train.jsonl': 'other\n', 'more.jsonl': 'other\n' })
  expect(await site.run([...args, '--resume'])).toMatchObject({ status: 0 })
  expect(site.made()).toBe(madeOf([...ROWS, ...more]))
})

test('all inputs of a run are of one commit though main moves between them', async () => {
  const site = await setting(folder)
  const { hub } = site
  const other = Buffer.from('{"prompt": "new", "response": "new"}\n')
  put(site.cwd, {
    'two.yaml': `name: x\ninputs: { a: ${SET}/train.jsonl, b: ${SET}/small/val.jsonl }\nstages: [parse, write: "\${input}.jsonl"]\n`,
  })
  const began = hub.commit(NAME)
  const held = hub.fault({ on: 'cdn', path: /./, kind: { hold: 100_000 } })
  const running = site.start(['run', 'two.yaml', '--report', 'r.json'])
  await meanwhile(running, held.struck())
  hub.push(NAME, { 'small/val.jsonl': other })
  held.release()
  expect(await running.ended).toMatchObject({ status: 0 })
  // It was asked once.
  expect(hub.requests.filter(({ path }) => path.includes('/revision/')).length).toBe(1)
  const report: unknown = JSON.parse(read(site.cwd, 'r.json'))
  expect(report).toMatchObject({
    inputs: ['train.jsonl', 'small/val.jsonl'].map((path) => ({
      files: [`hf://datasets/${NAME}@${began}/${path}`],
    })),
  })
  expect(readFileSync(join(site.cwd, 'b.jsonl')).equals(other)).toBe(false)
})
