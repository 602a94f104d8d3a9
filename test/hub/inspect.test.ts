/** `inspect` says of an address what it says of a file, and how it is downloaded. */
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { Folder } from '../support/command.js'
import { BODY, NAME, SET, setting, settingWith } from './setting.js'

const folder = new Folder()

interface Said {
  readonly compression: string
  readonly bytes: number | null
  readonly schema: string
  readonly remote: { readonly path: string; readonly isCached: boolean; readonly resumes: string } | null
}

test('a file on the hub, before and after it is in the cache', async () => {
  const site = await settingWith(folder, { 'train.jsonl.gz': { content: gzipSync(BODY), lfs: true } })
  const address = `${SET}/train.jsonl.gz`
  const bound = `${SET}@${site.hub.commit(NAME)}/train.jsonl.gz`
  const said = async (): Promise<Said> => JSON.parse((await site.run(['inspect', '--json', address])).stdout)
  const known = { compression: 'gzip', bytes: gzipSync(BODY).length, schema: 'helpsteer2' }
  expect(await said()).toMatchObject({
    ...known,
    remote: { path: bound, isCached: false, resumes: 'cache' },
  })
  expect((await site.run(['parse', address, '-o', 'all.jsonl'])).status).toBe(0)
  expect(await said()).toMatchObject({ ...known, remote: { path: bound, isCached: true } })
  const { stdout } = await site.run(['inspect', address])
  expect(stdout).toContain('download     done: it is in the cache\n')
  expect(stdout).toContain(site.hub.commit(NAME))
  expect(stdout).toContain(`steerpipe template --dataset helpsteer2 ${address} |`)
})

test.each([
  ['range', {}, 'what breaks off is gone on with where it was'],
  ['again', { ranges: false, etag: false }, 'what breaks off is read again from the beginning'],
])('a file on the web: %s', async (resumes, options, words) => {
  const site = await setting(folder)
  site.hub.put('rows.jsonl', { content: BODY, ...options })
  const address = site.hub.files('rows.jsonl')
  const { stdout } = await site.run(['inspect', '--json', address])
  expect(JSON.parse(stdout)).toMatchObject({
    bytes: BODY.length,
    schema: 'helpsteer2',
    remote: { isCached: false, resumes },
  })
  expect((await site.run(['inspect', address])).stdout.replace(/\s+/g, ' ')).toContain(words)
})

test('what cannot be had is said as by a run', async () => {
  const site = await setting(folder)
  const { status, stdout, stderr } = await site.run(['inspect', `${SET}/trian.jsonl`])
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
  expect(stderr).toContain('[NO_SUCH_INPUT]')
  expect(stderr).toContain('Did you mean `train.jsonl`?')
})
