/** What a run reads of the hub stays in the cache, and is read from there. */
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { Folder, lines, put } from '../support/command.js'
import { BODY, FILES, MADE, madeOf, meanwhile, NAME, ROWS, SET, setting, settingWith } from './setting.js'

const folder = new Folder()

test('the first run downloads, the second asks for the revision only, and offline nothing is asked', async () => {
  const site = await setting(folder)
  const { hub } = site
  put(site.cwd, { 'train.jsonl': BODY })
  expect(await site.run(['run', 'x.yaml', '--set', 'source=.', '--set', 'out=local.jsonl'])).toMatchObject({
    status: 0,
  })
  expect(hub.requests).toEqual([])

  expect(await site.run(['run', 'x.yaml'])).toMatchObject({ status: 0, stdout: '' })
  expect(site.made()).toBe(MADE)
  expect(site.made()).toBe(site.made('local.jsonl'))
  expect(site.inCache()).toEqual(site.whole('train.jsonl'))
  expect(hub.requests.some(({ host, status }) => host === 'cdn' && status === 200)).toBe(true)

  const before = hub.requests.length
  expect(await site.run(['run', 'x.yaml', '--force'])).toMatchObject({ status: 0 })
  expect(site.made()).toBe(MADE)
  const more = hub.requests.slice(before).map(({ path }) => path.replace(/\?.*/, ''))
  expect(more).toEqual([`/api/datasets/${NAME}/revision/main`])

  expect(await site.run(['run', 'x.yaml', '--force'], { HF_HUB_OFFLINE: '1' })).toMatchObject({ status: 0 })
  expect(site.made()).toBe(MADE)
  expect(hub.requests.length).toBe(before + 1)
})

test('a file that a new commit leaves as it was is not downloaded again', async () => {
  const site = await setting(folder)
  const { hub } = site
  const old = hub.commit(NAME)
  expect(await site.run(['run', 'x.yaml'])).toMatchObject({ status: 0 })
  hub.push(NAME, { 'README.md': '# Another\n' })
  const before = hub.requests.length
  expect(await site.run(['run', 'x.yaml', '--force'])).toMatchObject({ status: 0 })
  expect(site.made()).toBe(MADE)
  expect(hub.requests.slice(before).filter(({ host }) => host === 'cdn')).toEqual([])
  const link = site.whole('train.jsonl')[`snapshots/${hub.commit(NAME)}/train.jsonl`]
  expect(site.inCache()).toEqual({
    ...site.whole('train.jsonl'),
    [`snapshots/${old}/train.jsonl`]: link,
  })
})

test('when the hub is away, what the cache has is read, and said to be', async () => {
  const site = await setting(folder)
  await site.run(['run', 'x.yaml'])
  await site.hub.stop()
  const { status, stderr } = await site.run(['run', 'x.yaml', '--force'])
  expect(status).toBe(0)
  expect(site.made()).toBe(MADE)
  expect(stderr).toContain(site.hub.commit(NAME))
})

test.each(['straight', 'by way of another path'])('small files, given %s, and in folders', async (how) => {
  const site = await settingWith(folder, FILES, { resolveCache: how !== 'straight' })
  expect(await site.run(['run', 'x.yaml', '--set', 'file=small/val.jsonl'])).toMatchObject({ status: 0 })
  expect(site.made()).toBe(madeOf(ROWS.slice(0, 10)))
  expect(site.inCache()).toEqual(site.whole('small/val.jsonl'))
})

test.each(['a b.jsonl', 'ä/#1?.jsonl', '50%25.jsonl', '[x] & {y}.jsonl'])(
  'a file that is called %s',
  async (path) => {
    const content = lines(...ROWS.slice(0, 10))
    const site = await settingWith(folder, { [path]: content, [`big/${path}`]: { content, lfs: true } })
    for (const file of [path, `big/${path}`]) {
      const args = ['run', 'x.yaml', '--force', '--set', `file=${file}`]
      expect((await site.run(args)).stderr).not.toContain('error')
      expect(site.made()).toBe(madeOf(ROWS.slice(0, 10)))
    }
    expect(site.inCache()).toEqual(site.whole(path, `big/${path}`))
  },
)

test('files whose parts could be asked for one by one are read whole', async () => {
  const site = await settingWith(folder, { 'train.jsonl': { content: BODY, xet: true } })
  expect(await site.run(['run', 'x.yaml'])).toMatchObject({ status: 0 })
  expect(site.made()).toBe(MADE)
  expect(site.inCache()).toEqual(site.whole('train.jsonl'))
})

test('gzip is known by its first bytes, as in files', async () => {
  const content = gzipSync(BODY)
  const site = await settingWith(folder, { 'train.jsonl.gz': { content, lfs: true }, 'plain.name': content })
  for (const file of ['train.jsonl.gz', 'plain.name']) {
    const args = ['run', 'x.yaml', '--force', '--set', `file=${file}`]
    expect(await site.run(args)).toMatchObject({ status: 0 })
    expect(site.made()).toBe(MADE)
    expect(await site.run(args, { HF_HUB_OFFLINE: '1' })).toMatchObject({ status: 0 })
    expect(site.made()).toBe(MADE)
  }
})

test.each(['train.jsonl', 'train.jsonl.gz'])('records flow while %s is still on its way', async (file) => {
  // Not to be packed much smaller than it is, so that what comes first holds records.
  const content = file.endsWith('.gz') ? gzipSync(BODY, { level: 0 }) : BODY
  const site = await settingWith(folder, { [file]: { content, lfs: true } })
  const held = site.hub.fault({ on: 'cdn', path: /./, kind: { hold: 800_000 } })
  const running = site.start(['template', '--dataset', 'helpsteer2', `${SET}/${file}`])
  // A record, while the rest is held back.
  await meanwhile(running, once(running.process.stdout, 'data'))
  expect(held.hits).toBe(1)
  held.release()
  const { status, stdout } = await running.ended
  expect(status).toBe(0)
  expect(stdout.split('\n').length - 1).toBe(ROWS.length)
  expect(site.inCache()).toEqual({ ...site.whole(file) })
})

test('a commit, a tag, a branch with slashes; each is what it was named for', async () => {
  const site = await setting(folder)
  const { hub } = site
  const old = hub.commit(NAME)
  hub.pin(NAME, 'v1')
  hub.pin(NAME, 'refs/pr/1')
  hub.push(NAME, { 'train.jsonl': { content: lines(ROWS[7]), lfs: true } })
  const made = async (revision: string) => {
    const args = ['run', 'x.yaml', '--force', '--set', `source=${SET}${revision}`]
    expect(await site.run(args)).toMatchObject({ status: 0 })
    return site.made()
  }
  expect(await made('')).toBe(madeOf([ROWS[7]]))
  expect(await made(`@${old}`)).toBe(MADE)
  expect(await made('@v1')).toBe(MADE)
  expect(await made('@refs%2Fpr%2F1')).toBe(MADE)
  expect(await made('@refs/pr/1')).toBe(MADE)
  expect(await made('@main')).toBe(madeOf([ROWS[7]]))
  expect(hub.bodies(/blobs/).filter(({ status }) => status === 200).length).toBe(2)
  expect(site.inCache()).toMatchObject({
    'refs/main': hub.commit(NAME),
    'refs/v1': old,
    'refs/refs/pr/1': old,
  })
})

test('an address may stand wherever a file may', async () => {
  const site = await setting(folder)
  const address = `${SET}/small/val.jsonl`
  const first = ROWS.slice(0, 10)
  const piped = await site.run(['template', '--dataset', 'helpsteer2', address])
  expect(piped).toMatchObject({ status: 0 })
  expect(piped.stdout.split('\n').length).toBe(11)
  const shown = await site.run(['preview', 'x.yaml', '-n', '1', '--set', 'file=small/val.jsonl'])
  expect(shown).toMatchObject({ status: 0 })
  expect(shown.stdout + shown.stderr).toContain('Question 0?')
  const instead = await site.run(['run', 'x.yaml', '--set', 'source=none', '--input', `rows=${address}`])
  expect(instead).toMatchObject({ status: 0 })
  expect(site.made()).toBe(madeOf(first))
  put(site.cwd, {
    'list.yaml': `name: x\ninputs: { rows: [${address}, ${address}, local.jsonl] }\nstages: [parse, template: helpsteer2, label-format, write: list.jsonl]\n`,
    'local.jsonl': lines(...first),
  })
  expect(await site.run(['run', 'list.yaml'])).toMatchObject({ status: 0 })
  expect(site.made('list.jsonl')).toBe(madeOf([...first, ...first, ...first]))
})

test('lint and explain leave the network alone', async () => {
  const site = await setting(folder)
  for (const verb of ['lint', 'explain']) {
    expect(await site.run([verb, 'x.yaml'])).toMatchObject({ status: 0 })
  }
  expect(site.hub.requests).toEqual([])
})

test('HF_HUB_CACHE says where, and a token may stand in a file', async () => {
  const hub = { token: 'hf_member' }
  const site = await settingWith(folder, {}, hub, { 'owner/secret': { files: FILES, private: true } })
  const cache = folder.fresh()
  const args = ['run', 'x.yaml', '--force', '--set', 'source=hf://datasets/owner/secret']
  expect(await site.run(args)).toMatchObject({ status: 1 })
  mkdirSync(join(site.home, 'elsewhere'))
  const file = join(site.home, 'elsewhere/my-token')
  writeFileSync(file, 'hf_member\n')
  expect(await site.run(args, { HF_TOKEN_PATH: file, HF_HUB_CACHE: cache })).toMatchObject({ status: 0 })
  expect(site.made()).toBe(MADE)
  writeFileSync(join(site.home, 'token'), 'hf_member')
  expect(await site.run(args, { HF_HUB_CACHE: cache })).toMatchObject({ status: 0 })
  const before = site.hub.requests.length
  expect(await site.run(args, { HF_HUB_CACHE: cache, HF_HUB_OFFLINE: '1' })).toMatchObject({ status: 0 })
  expect(await site.run(args, { HF_HUB_OFFLINE: '1' })).toMatchObject({ status: 1 })
  expect(site.hub.requests.length).toBe(before)
})
