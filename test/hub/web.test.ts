/** Files on the web, as any server may have them. */
import { once } from 'node:events'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { Folder, lines, names } from '../support/command.js'
import type { PlainFile } from '../support/hub/index.js'
import { BODY, MADE, madeOf, meanwhile, ROWS, rows, type Setting, settingWith } from './setting.js'

const folder = new Folder()

async function siteWith(file: PlainFile, name = 'train.jsonl'): Promise<Setting> {
  const site = await settingWith(folder, {})
  site.hub.put(name, file)
  return site
}

const args = (site: Setting, name = 'train.jsonl') => [
  'run',
  'x.yaml',
  '--input',
  `rows=${site.hub.files(name)}`,
]

/** Servers of all kinds. */
const SERVERS: Readonly<Record<string, Omit<PlainFile, 'content'>>> = {
  'with ranges and an ETag': {},
  'with ranges and no ETag': { etag: false },
  'with an ETag and no ranges': { ranges: false },
  'with nothing': { ranges: false, etag: false, length: false },
  'that sends to another host': { redirect: 'cdn' },
}

/** A server that tells all there is to be told, and one that tells nothing. */
const EXTREMES = Object.entries(SERVERS).filter(([how]) => /and an ETag|nothing/.test(how))

test.each(Object.entries(SERVERS))('a server %s', async (_, kind) => {
  const site = await siteWith({ ...kind, content: BODY })
  const { status, stderr } = await site.run(args(site))
  expect(status).toBe(0)
  expect(stderr).toContain(`rows: ${site.hub.files('train.jsonl')}, `)
  expect(site.made()).toBe(MADE)
  // The next run sees what is there then.
  site.hub.put('train.jsonl', { ...kind, content: lines(ROWS[7]) })
  expect(await site.run([...args(site), '--force'])).toMatchObject({ status: 0 })
  expect(site.made()).toBe(madeOf([ROWS[7]]))
})

test('gzip, by its first bytes', async () => {
  const site = await siteWith({ content: gzipSync(BODY) }, 'no.name')
  expect(await site.run(args(site, 'no.name'))).toMatchObject({ status: 0 })
  expect(site.made()).toBe(MADE)
})

/** Begins, and breaks the connection off when records have come of what was read. */
async function brokenOff(
  site: Setting,
  change: () => void = () => {},
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  // Twice: before it reads, it may look whether the file is there.
  const held = site.hub.fault({ path: /train/, kind: { hold: 800_000 }, times: 2 })
  const running = site.start(['template', '--dataset', 'helpsteer2', site.hub.files('train.jsonl')])
  await meanwhile(running, once(running.process.stdout, 'data'))
  change()
  held.break()
  return running.ended
}

test.each(Object.entries(SERVERS))('a cut connection to a server %s', async (how, kind) => {
  const site = await siteWith({ ...kind, content: BODY })
  const whole = await site.run(['template', '--dataset', 'helpsteer2', site.hub.files('train.jsonl')])
  const { status, stdout } = await brokenOff(site)
  expect(status).toBe(0)
  expect(stdout === whole.stdout).toBe(true)
  const ranged = site.hub.bodies(/train/).filter(({ status: each }) => each === 206)
  const last = site.hub.bodies(/train/).at(-1)
  if (how === 'with ranges and an ETag' || how === 'that sends to another host') {
    // Nothing that was read is asked for twice.
    expect(last?.headers['if-range']).toMatch(/^"/)
    expect(last).toMatchObject({ status: 206, headers: { range: expect.stringMatching(/^bytes=[1-9]\d*-/) } })
  } else {
    expect(ranged.filter(({ headers }) => headers.range !== 'bytes=0-0')).toEqual([])
  }
})

test.each(Object.entries(SERVERS))('a file that changes behind a cut, on a server %s', async (_, kind) => {
  const site = await siteWith({ ...kind, content: BODY })
  const other = Buffer.from(lines(...rows(2500, 5000)))
  const { status, stdout, stderr } = await brokenOff(site, () => {
    site.hub.put('train.jsonl', { ...kind, content: other })
  })
  expect([status, stderr]).toEqual([1, expect.stringContaining('[DOWNLOAD_DAMAGED]')])
  expect(/Question [567]\d\d\d\?/.test(stdout)).toBe(false)
})

test('a file that is not there, or not for everybody', async () => {
  const site = await siteWith({ content: BODY })
  const missing = await site.run(args(site, 'none.jsonl'))
  expect([missing.status, missing.stderr]).toEqual([2, expect.stringContaining('[NO_SUCH_INPUT]')])
  site.hub.fault({ path: /train/, kind: { status: 403 }, times: 9 })
  const refused = await site.run(args(site))
  expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('[DOWNLOAD_REFUSED]')])
  await site.hub.stop()
  const away = await site.run(args(site))
  expect([away.status, away.stderr]).toEqual([1, expect.stringContaining('[UNREACHABLE]')])
  expect(names(site.cwd)).toEqual(['x.yaml'])
})

test('what may pass is tried again', async () => {
  const site = await siteWith({ content: BODY })
  site.hub.fault({ path: /train/, kind: { status: 429, headers: { 'retry-after': '1' } } })
  site.hub.fault({ path: /train/, kind: 'reset' })
  site.hub.fault({ path: /train/, kind: { status: 503 } })
  expect(await site.run(args(site))).toMatchObject({ status: 0 })
  expect(site.made()).toBe(MADE)
})

async function stopped(site: Setting): Promise<readonly string[]> {
  const more = [...args(site), '--checkpoint-every', '10ms']
  const held = site.hub.fault({ path: /train/, kind: { hold: 900_000 }, times: 2 })
  const running = site.start(more)
  await meanwhile(running, () => names(site.cwd).includes('out.jsonl.checkpoint'))
  running.process.kill('SIGINT')
  expect(await running.ended).toMatchObject({ status: 130 })
  site.hub.lift(held)
  return [...more, '--resume']
}

test.each(EXTREMES)('--resume goes on with a file on a server %s', async (_, kind) => {
  const site = await siteWith({ ...kind, content: BODY })
  const resume = await stopped(site)
  expect(await site.run(resume)).toMatchObject({ status: 0 })
  expect(site.made()).toBe(MADE)
})

test.each(Object.entries(SERVERS))(
  '--resume never mixes what has changed on a server %s',
  async (_, kind) => {
    const site = await siteWith({ ...kind, content: BODY })
    const resume = await stopped(site)
    site.hub.put('train.jsonl', { ...kind, content: lines(...rows(2500, 5000)) })
    const { status, stderr } = await site.run(resume)
    expect([status, stderr]).toEqual([2, expect.stringContaining('[RESUME_REFUSED]')])
    expect(names(site.cwd)).not.toContain('out.jsonl')
  },
)

test('with HF_HUB_OFFLINE the web is what it is', async () => {
  const site = await siteWith({ content: BODY })
  expect(await site.run(args(site), { HF_HUB_OFFLINE: '1' })).toMatchObject({ status: 0 })
  expect(site.made()).toBe(MADE)
})
