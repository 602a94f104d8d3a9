/** What cannot be had: a code, what is there instead, and what to do. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Folder, names } from '../support/command.js'
import { FILES, NAME, SET, type Setting, setting, settingWith } from './setting.js'

const folder = new Folder()

const TOKEN = 'hf_member'
const STRANGER = 'hf_stranger'

const guarded = () =>
  settingWith(
    folder,
    FILES,
    { token: TOKEN, stranger: STRANGER },
    {
      'owner/gated': { files: FILES, gated: true },
      'owner/secret': { files: FILES, private: true },
    },
  )

/** Runs `x.yaml`, which fails: with this code, and nothing under the output's name. */
async function failing(
  site: Setting,
  code: string,
  exit: number,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { status, stdout, stderr } = await site.run(['run', 'x.yaml', ...args], env)
  expect(stderr).toContain(`[${code}]`)
  expect([status, stdout]).toEqual([exit, ''])
  expect(names(site.cwd)).not.toContain('out.jsonl')
  return stderr
}

test('a file that is not there: what is, and the nearest name', async () => {
  const site = await setting(folder)
  const stderr = await failing(site, 'NO_SUCH_INPUT', 2, ['--set', 'file=trian.jsonl'])
  for (const path of Object.keys(FILES)) expect(stderr).toContain(path)
  expect(stderr).toContain('Did you mean `train.jsonl`?')
})

test('a folder, and a data set without a file', async () => {
  const site = await setting(folder)
  expect(await failing(site, 'NO_SUCH_INPUT', 2, ['--set', 'file=small'])).toContain('small/val.jsonl')
  expect(await failing(site, 'NO_SUCH_INPUT', 2, ['--input', `rows=${SET}`])).toContain('train.jsonl')
})

test('a revision that is not there', async () => {
  const site = await setting(folder)
  const stderr = await failing(site, 'NO_SUCH_INPUT', 2, ['--set', `source=${SET}@v9`])
  expect(stderr).toContain('v9')
  expect(stderr).toContain(`${site.hub.endpoint}/datasets/${NAME}`)
})

test('a data set that is not there', async () => {
  const site = await guarded()
  const args = ['--set', 'source=hf://datasets/owner/none']
  // To nobody a hub does not say whether it is not there or only private.
  const said = await failing(site, 'HUB_DENIED', 1, args)
  expect(said).toContain('owner/none')
  expect(said).toContain('HF_TOKEN')
  expect(await failing(site, 'NO_SUCH_INPUT', 2, args, { HF_TOKEN: TOKEN })).toContain('owner/none')
})

test('a gated data set: the page of its terms, and how to set the token', async () => {
  const site = await guarded()
  const args = ['--set', 'source=hf://datasets/owner/gated']
  const page = `${site.hub.endpoint}/datasets/owner/gated`
  const nobody = await failing(site, 'HUB_DENIED', 1, args)
  expect(nobody).toContain(page)
  expect(nobody).toContain('HF_TOKEN=hf_')
  const stranger = await failing(site, 'HUB_DENIED', 1, args, { HF_TOKEN: STRANGER })
  expect(stranger).toContain(page)
  expect(stranger).not.toContain(STRANGER)
  expect(await site.run(['run', 'x.yaml', ...args], { HF_TOKEN: TOKEN })).toMatchObject({ status: 0 })
})

test('a private data set', async () => {
  const site = await guarded()
  const args = ['--set', 'source=hf://datasets/owner/secret']
  expect(await failing(site, 'HUB_DENIED', 1, args)).toContain('HF_TOKEN=hf_')
  await failing(site, 'NO_SUCH_INPUT', 2, args, { HF_TOKEN: STRANGER })
  expect(await site.run(['run', 'x.yaml', ...args], { HF_TOKEN: TOKEN })).toMatchObject({ status: 0 })
})

test('a token that the hub does not know', async () => {
  const site = await guarded()
  const stderr = await failing(site, 'HUB_DENIED', 1, [], { HF_TOKEN: 'hf_unknown' })
  expect(stderr).toContain('token')
  expect(stderr).not.toContain('hf_unknown')
})

test('what cannot be a token is not sent', async () => {
  const site = await guarded()
  await failing(site, 'HUB_DENIED', 1, [], { HF_TOKEN: 'secret\nX-Other: 1' })
  expect(site.hub.requests).toEqual([])
})

test('no network: so it is said, with the ways without', async () => {
  const site = await setting(folder)
  await site.hub.stop()
  const stderr = await failing(site, 'UNREACHABLE', 1)
  expect(stderr).toContain(site.hub.endpoint)
  expect(stderr).toContain('--set source=FOLDER')
  expect(stderr).toContain('hf download')
})

test('a host without a name', async () => {
  const site = await setting(folder)
  const env = { HF_ENDPOINT: 'http://nowhere.invalid' }
  expect(await failing(site, 'UNREACHABLE', 1, [], env)).toContain('http://nowhere.invalid')
})

test('HF_HUB_OFFLINE with nothing in the cache', async () => {
  const site = await setting(folder)
  const stderr = await failing(site, 'HUB_OFFLINE', 1, [], { HF_HUB_OFFLINE: '1' })
  expect(stderr).toContain(site.home)
  expect(site.hub.requests).toEqual([])
})

test('HF_HUB_OFFLINE with another file in the cache', async () => {
  const site = await setting(folder)
  expect(await site.run(['parse', `${SET}/README.md`, '--on-error', 'skip'])).toMatchObject({ status: 3 })
  const before = site.hub.requests.length
  expect(await failing(site, 'HUB_OFFLINE', 1, [], { HF_HUB_OFFLINE: '1' })).toContain('train.jsonl')
  expect(site.hub.requests.length).toBe(before)
})

test.each([
  'hf://models/owner/set/train.jsonl',
  'hf://datasets/owner',
  'hf://datasets/owner/set@/train.jsonl',
  'hf://datasets/owner/set/../other/train.jsonl',
  's3://bucket/train.jsonl',
  'ftp://127.0.0.1/train.jsonl',
  'http://',
])('an address that cannot be read: %s', async (address) => {
  const site = await setting(folder)
  const stderr = await failing(site, 'BAD_ADDRESS', 2, ['--input', `rows=${address}`])
  expect(stderr).toContain('hf://datasets/OWNER/NAME')
  expect(site.hub.requests).toEqual([])
})

test('an address with a password in it, which is not shown', async () => {
  const site = await setting(folder)
  const address = site.hub.files('a.jsonl').replace('//', '//somebody:hunter2@')
  expect(await failing(site, 'BAD_ADDRESS', 2, ['--input', `rows=${address}`])).not.toContain('hunter2')
})

test('an endpoint that is no hub', async () => {
  const site = await setting(folder)
  site.hub.fault({ path: /./, kind: { status: 404 }, times: 9 })
  await failing(site, 'NO_SUCH_INPUT', 2)
  await failing(site, 'BAD_ADDRESS', 2, [], { HF_ENDPOINT: 'no address' })
})

test('a cache that cannot be written to', async () => {
  const site = await setting(folder)
  const { status, stderr } = await site.run(['run', 'x.yaml'], { HF_HUB_CACHE: join(site.cwd, 'x.yaml') })
  expect([status, stderr]).toEqual([1, expect.stringContaining('[WRITE_FAILED]')])
  expect(stderr).toContain('a part of this path is a file')
})
