/** What goes wrong on the way: what may pass is tried again, and what is wrong is never used. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Folder, names } from '../support/command.js'
import type { FaultRule } from '../support/hub/index.js'
import { BODY, MADE, meanwhile, NAME, type Setting, setting } from './setting.js'

const folder = new Folder()

const ANY = /./

const PASSING: Readonly<Record<string, readonly FaultRule[]>> = {
  'the hub is busy and says for how long': [
    { on: 'hub', path: /\/revision\//, kind: { status: 429, headers: { 'retry-after': '1' } } },
  ],
  'the hub fails with each call': [
    { on: 'hub', path: /\/revision\//, kind: { status: 500 } },
    { on: 'hub', path: /\/paths-info\//, kind: { status: 502 } },
    { on: 'hub', path: /\/resolve\//, kind: { status: 503 } },
  ],
  'the hub hangs up on each call': [
    { on: 'hub', path: /\/revision\//, kind: 'reset' },
    { on: 'hub', path: /\/paths-info\//, kind: 'reset' },
    { on: 'hub', path: /\/resolve\//, kind: 'reset' },
  ],
  'the other host is busy': [
    { on: 'cdn', path: ANY, kind: { status: 429, headers: { 'retry-after': '0' } }, times: 2 },
  ],
  'the other host fails': [{ on: 'cdn', path: ANY, kind: { status: 500 }, times: 2 }],
  'the other host hangs up': [{ on: 'cdn', path: ANY, kind: 'reset', times: 2 }],
  'the connection is cut twice': [{ on: 'cdn', path: ANY, kind: { cut: 400_000 }, times: 2 }],
  'the connection is cut at the first byte': [{ on: 'cdn', path: ANY, kind: { cut: 0 } }],
  'the connection is cut at the last byte': [{ on: 'cdn', path: ANY, kind: { cut: BODY.length - 1 } }],
  'less comes than the hub has promised': [{ on: 'cdn', path: ANY, kind: { short: 700_000 } }],
  'it is cut, and what goes on gives all': [
    { on: 'cdn', path: ANY, kind: { cut: 700_000 } },
    { on: 'cdn', path: ANY, kind: 'no-ranges', times: 9 },
  ],
  'it is cut, and what goes on has another ETag there': [
    { on: 'cdn', path: ANY, kind: { cut: 700_000 } },
    { on: 'cdn', path: ANY, kind: { etag: '"other"' }, times: 9 },
  ],
  'it is cut, and what goes on has no ETag there': [
    { on: 'cdn', path: ANY, kind: { cut: 700_000 } },
    { on: 'cdn', path: ANY, kind: { etag: null }, times: 9 },
  ],
}

test.each(Object.entries(PASSING))('%s: it is tried again, and the bytes are right', async (_, rules) => {
  const site = await setting(folder)
  const faults = rules.map((rule) => site.hub.fault(rule))
  expect(await site.run(['run', 'x.yaml'])).toMatchObject({ status: 0, stdout: '' })
  expect(faults.every(({ hits }) => hits > 0)).toBe(true)
  expect(site.made()).toBe(MADE)
  expect(site.inCache()).toEqual(site.whole('train.jsonl'))
})

/** Bytes of what is not whole in the cache. */
function partial(site: Setting): number {
  const blobs = join(site.cached(), 'blobs')
  if (!existsSync(blobs)) return 0
  const sizes = readdirSync(blobs)
    .filter((name) => name.endsWith('.incomplete'))
    .map((name) => statSync(join(blobs, name)).size)
  return Math.max(0, ...sizes)
}

test('a body that is cut is gone on with from where it was', async () => {
  const site = await setting(folder)
  const held = site.hub.fault({ on: 'cdn', path: ANY, kind: { hold: 800_000 } })
  const running = site.start(['run', 'x.yaml'])
  await meanwhile(running, () => partial(site) === 800_000)
  held.break()
  expect(await running.ended).toMatchObject({ status: 0 })
  expect(site.made()).toBe(MADE)
  const blobs = site.hub.bodies(/blobs/).slice(-1)
  expect(blobs).toMatchObject([{ headers: { range: expect.stringMatching(/^bytes=800000-/) }, status: 206 }])
  expect(site.inCache()).toEqual(site.whole('train.jsonl'))
})

/** Where a run was killed in the middle of a download. */
async function killed(): Promise<Setting> {
  const site = await setting(folder)
  site.hub.fault({ on: 'cdn', path: ANY, kind: { hold: 800_000 } })
  const running = site.start(['run', 'x.yaml'])
  await meanwhile(running, () => partial(site) === 800_000)
  running.process.kill('SIGKILL')
  await running.ended
  return site
}

test('a run that is killed leaves what the next one goes on with', async () => {
  const site = await killed()
  const before = site.hub.requests.length
  expect(await site.run(['run', 'x.yaml', '--force'])).toMatchObject({ status: 0 })
  const blobs = site.hub.requests.slice(before).filter(({ path }) => path.startsWith('/blobs/'))
  expect(blobs.at(-1)).toMatchObject({ headers: { range: expect.stringMatching(/^bytes=800000-/) } })
  expect(blobs.every(({ status }) => status === 206)).toBe(true)
  expect(site.made()).toBe(MADE)
  expect(site.inCache()).toEqual(site.whole('train.jsonl'))
})

test('what is left behind is not trusted: damaged there, it is begun anew', async () => {
  const site = await killed()
  const blobs = join(site.cached(), 'blobs')
  const [left] = readdirSync(blobs).filter((name) => name.endsWith('.incomplete'))
  const bytes = readFileSync(join(blobs, left))
  bytes[bytes.indexOf('abcdefghij')] ^= 1
  writeFileSync(join(blobs, left), bytes)
  const { status, stderr } = await site.run(['run', 'x.yaml', '--force'])
  expect([status, stderr]).toEqual([1, expect.stringContaining('[DOWNLOAD_DAMAGED]')])
  expect(names(site.cwd)).not.toContain('out.jsonl')
  expect(await site.run(['run', 'x.yaml', '--force'])).toMatchObject({ status: 0 })
  expect(site.made()).toBe(MADE)
  expect(site.inCache()).toEqual(site.whole('train.jsonl'))
})

const DAMAGE: Readonly<Record<string, FaultRule>> = {
  'another byte at the beginning': { on: 'cdn', path: ANY, kind: { flip: BODY.indexOf('abcdefghij') } },
  'another byte at the end': { on: 'cdn', path: ANY, kind: { flip: BODY.lastIndexOf('abcdefghij') } },
  'more than there should be': {
    on: 'cdn',
    path: ANY,
    kind: { instead: Buffer.concat([BODY, Buffer.from('{"prompt":"p","response":"r"}\n')]) },
  },
  'less than there should be, for good': {
    on: 'cdn',
    path: ANY,
    kind: { instead: BODY.subarray(0, BODY.lastIndexOf('{"prompt"')) },
  },
  'other bytes': { on: 'cdn', path: ANY, kind: { instead: Buffer.alloc(BODY.length, '{}\n') } },
  nothing: { on: 'cdn', path: ANY, kind: { instead: '' } },
}

test.each(Object.entries(DAMAGE))('%s: it is never used', async (_, rule) => {
  const site = await setting(folder)
  const fault = site.hub.fault({ ...rule, times: 99 })
  const { status, stdout, stderr } = await site.run(['run', 'x.yaml', '--on-error', 'skip'])
  expect([status, stdout]).toEqual([1, ''])
  expect(stderr).toContain('[DOWNLOAD_DAMAGED]')
  expect(names(site.cwd)).not.toContain('out.jsonl')
  expect(Object.keys(site.inCache())).toEqual([])
  site.hub.lift(fault)
  expect(await site.run(['run', 'x.yaml', '--force'])).toMatchObject({ status: 0 })
  expect(site.made()).toBe(MADE)
  expect(site.inCache()).toEqual(site.whole('train.jsonl'))
})

test('a small file, which git names by its bytes, is looked at too', async () => {
  const site = await setting(folder)
  const fault = site.hub.fault({ on: 'hub', path: /val\.jsonl/, kind: { flip: 2 }, times: 99 })
  const args = ['run', 'x.yaml', '--set', 'file=small/val.jsonl', '--on-error', 'skip', '--force']
  const { status, stderr } = await site.run(args)
  expect([status, stderr]).toEqual([1, expect.stringContaining('[DOWNLOAD_DAMAGED]')])
  expect(Object.keys(site.inCache())).toEqual([])
  site.hub.lift(fault)
  expect(await site.run(args)).toMatchObject({ status: 0 })
  expect(site.inCache()).toEqual(site.whole('small/val.jsonl'))
})

test('a server that never gets well is given up', async () => {
  const site = await setting(folder)
  const fault = site.hub.fault({ on: 'cdn', path: ANY, kind: { status: 500 }, times: 99 })
  const { status, stderr } = await site.run(['run', 'x.yaml'])
  expect([status, stderr]).toEqual([1, expect.stringContaining('[UNREACHABLE]')])
  expect(fault.hits).toBeLessThan(20)
  expect(names(site.cwd)).not.toContain('out.jsonl')
})

test('nobody waits for a server that asks for an hour', async () => {
  const site = await setting(folder)
  const kind = { status: 429, headers: { 'retry-after': '3600' } }
  const fault = site.hub.fault({ on: 'hub', path: /\/revision\//, kind, times: 99 })
  const { status, stderr } = await site.run(['run', 'x.yaml'])
  expect([status, stderr]).toEqual([1, expect.stringContaining('[UNREACHABLE]')])
  expect(stderr).toContain('3600')
  expect(fault.hits).toBe(1)
})

test('a signature that has run out is asked for anew', async () => {
  const site = await setting(folder)
  site.hub.fault({ on: 'cdn', path: ANY, kind: { cut: 700_000 } })
  expect(await site.run(['run', 'x.yaml'])).toMatchObject({ status: 0 })
  const resolved = site.hub.requests.filter(({ path }) => path.includes(`/datasets/${NAME}/resolve/`))
  const blobs = site.hub.requests.filter(({ path }) => path.startsWith('/blobs/'))
  // Each time the hub says where: that address does not last.
  expect(resolved.length).toBe(blobs.length)
})
