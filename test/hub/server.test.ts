/** The hub of these tests, asked by the real clients: what they can use, the tests can trust. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  datasetInfo,
  downloadFile,
  fileDownloadInfo,
  HubApiError,
  listFiles,
  pathsInfo,
  snapshotDownload,
} from '@huggingface/hub'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Folder } from '../support/command.js'
import { type Hub, startHub } from '../support/hub/index.js'
import { useHubPython } from '../support/hub/python.js'

const NAME = 'owner/set'
const REPO = { type: 'dataset', name: NAME } as const
const BIG = Buffer.from(Array.from({ length: 5000 }, (_, i) => i % 251))
const TOKEN = 'hf_member'
const STRANGER = 'hf_stranger'

const folder = new Folder()
const python = useHubPython()
let hub: Hub

beforeEach(async () => {
  const files = {
    'README.md': '# A set\n',
    'train.bin': { content: BIG, lfs: true },
    'deep/er/val.bin': { content: BIG.subarray(1000), xet: true },
    'deep/a.txt': 'a',
    'deep/b.txt': 'b',
  }
  hub = await startHub(
    { [NAME]: { files }, 'owner/gated': { files, gated: true }, 'owner/private': { files, private: true } },
    { token: TOKEN, stranger: STRANGER },
  )
})

afterEach(async () => {
  vi.restoreAllMocks()
  await hub.stop()
})

const PATHS = ['README.md', 'deep/a.txt', 'deep/b.txt', 'deep/er/val.bin', 'train.bin']

async function paths(revision?: string): Promise<string[]> {
  const found: string[] = []
  const wanted = { repo: REPO, recursive: true, hubUrl: hub.endpoint, ...(revision && { revision }) }
  for await (const { type, path } of listFiles(wanted)) if (type === 'file') found.push(path)
  return found
}

async function bytes(path: string, revision?: string): Promise<Buffer | undefined> {
  const wanted = { repo: REPO, path, hubUrl: hub.endpoint, xet: false, ...(revision && { revision }) }
  const blob = await downloadFile(wanted)
  return blob ? Buffer.from(await blob.arrayBuffer()) : undefined
}

test('the revision, the files page by page, and what is known of them', async () => {
  const info = await datasetInfo({ name: NAME, hubUrl: hub.endpoint, additionalFields: ['sha'] })
  expect(info).toMatchObject({ name: NAME, sha: hub.commit(NAME), private: false, gated: false })
  expect(await paths()).toEqual(PATHS)
  expect(hub.requests.filter(({ path }) => path.includes('/tree/')).length).toBeGreaterThan(1)
  const known = await pathsInfo({
    repo: REPO,
    paths: ['README.md', 'train.bin', 'none'],
    hubUrl: hub.endpoint,
    expand: true,
  })
  expect(known).toMatchObject([
    { path: 'README.md', oid: hub.etag(NAME, 'README.md'), size: 8 },
    { path: 'train.bin', lfs: { oid: hub.etag(NAME, 'train.bin'), size: 5000 } },
  ])
})

test('old commits and names of commits stay readable when main moves', async () => {
  const old = hub.commit(NAME)
  hub.pin(NAME, 'refs/pr/1')
  const now = hub.push(NAME, { 'README.md': 'other', 'more.txt': 'more' })
  expect(now).not.toBe(old)
  expect(hub.commit(NAME)).toBe(now)
  expect(String(await bytes('README.md'))).toBe('other')
  expect(String(await bytes('README.md', old))).toBe('# A set\n')
  expect(String(await bytes('README.md', 'refs/pr/1'))).toBe('# A set\n')
  expect(await paths(old)).toEqual(PATHS)
  const [{ lastCommit }] = await pathsInfo({
    repo: REPO,
    paths: ['train.bin'],
    hubUrl: hub.endpoint,
    expand: true,
  })
  expect(lastCommit.id).toBe(old)
})

test('the bytes of files, and where they come from', async () => {
  expect(await bytes('train.bin')).toEqual(BIG)
  expect(await bytes('deep/er/val.bin')).toEqual(BIG.subarray(1000))
  expect(String(await bytes('deep/a.txt'))).toBe('a')
  expect(await bytes('none')).toBeUndefined()
  expect(
    hub.requests.filter(({ host }) => host === 'cdn').every(({ path }) => path.startsWith('/blobs/')),
  ).toBe(true)
  const info = await fileDownloadInfo({ repo: REPO, path: 'deep/er/val.bin', hubUrl: hub.endpoint })
  expect(info).toMatchObject({
    size: 4000,
    etag: `"${hub.etag(NAME, 'deep/er/val.bin')}"`,
    xet: { hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
  })
})

test('a whole data set goes into the cache of the JavaScript client', async () => {
  vi.spyOn(console, 'debug').mockImplementation(() => {}) // it tells of each file
  const cacheDir = folder.fresh()
  const path = await snapshotDownload({ repo: REPO, cacheDir, hubUrl: hub.endpoint, fetch: withoutXet })
  expect(readFileSync(join(path, 'train.bin'))).toEqual(BIG)
  expect(readFileSync(join(path, 'deep/a.txt'), 'utf8')).toBe('a')
})

/** The store for the parts of files is not there. */
const withoutXet: typeof fetch = (input, init) => {
  const headers = new Headers(init?.headers)
  headers.delete('accept')
  return fetch(input, { ...init, headers })
}

test('who may not have what', async () => {
  const { endpoint: hubUrl } = hub
  const refused = async (name: string, accessToken?: string, path = 'README.md') => {
    const credentials = accessToken === undefined ? {} : { accessToken }
    try {
      await fileDownloadInfo({ repo: { type: 'dataset', name }, path, hubUrl, ...credentials })
      return undefined
    } catch (error) {
      return error instanceof HubApiError ? error.statusCode : error
    }
  }
  expect(await refused('owner/none')).toBe(401)
  expect(await refused('owner/none', TOKEN)).toBe(404)
  expect(await refused('owner/private')).toBe(401)
  expect(await refused('owner/private', STRANGER)).toBe(404)
  expect(await refused('owner/private', TOKEN)).toBeUndefined()
  expect(await refused('owner/gated')).toBe(401)
  expect(await refused('owner/gated', STRANGER)).toBe(403)
  expect(await refused('owner/gated', TOKEN, 'train.bin')).toBeUndefined()
  expect(await refused(NAME, 'hf_unknown')).toBe(401)
})

test('Python’s client finds all of it, and its words for what it may not have', async (context) => {
  const ask = python(context)
  const env = { HF_ENDPOINT: hub.endpoint, HF_HOME: folder.fresh() }
  const found = await ask(
    `
import json, os
from huggingface_hub import HfApi, hf_hub_download, snapshot_download, scan_cache_dir
from huggingface_hub.errors import EntryNotFoundError, GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError
def refused(*args, **options):
    try:
        hf_hub_download(*args, repo_type='dataset', **options)
    except (EntryNotFoundError, GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError) as error:
        return type(error).__name__
path = snapshot_download('${NAME}', repo_type='dataset')
print(json.dumps({
    'files': sorted(os.path.relpath(os.path.join(at, name), path) for at, _, names in os.walk(path) for name in names),
    'commit': os.path.basename(path),
    'size': os.path.getsize(hf_hub_download('${NAME}', 'train.bin', repo_type='dataset')),
    'paths': [info.path for info in HfApi().get_paths_info('${NAME}', ['deep/a.txt', 'none'], repo_type='dataset')],
    'warnings': len(scan_cache_dir().warnings),
    'refused': [
        refused('${NAME}', 'none'),
        refused('${NAME}', 'README.md', revision='none'),
        refused('owner/none', 'README.md'),
        refused('owner/private', 'README.md'),
        refused('owner/gated', 'README.md'),
        refused('owner/gated', 'README.md', token='${STRANGER}'),
        refused('owner/gated', 'train.bin', token='${TOKEN}'),
    ],
}))`,
    env,
  )
  expect(JSON.parse(found)).toEqual({
    files: PATHS,
    commit: hub.commit(NAME),
    size: 5000,
    paths: ['deep/a.txt'],
    warnings: 0,
    refused: [
      'RemoteEntryNotFoundError',
      'RevisionNotFoundError',
      'RepositoryNotFoundError',
      'RepositoryNotFoundError',
      'GatedRepoError',
      'GatedRepoError',
      null,
    ],
  })
})

test('ranges, and what comes between', async () => {
  hub.put('a.txt', { content: '0123456789' })
  hub.put('b.txt', { content: '0123456789', ranges: false, etag: false, length: false, redirect: 'cdn' })
  const get = async (url: string, headers: Record<string, string> = {}) => {
    const response = await fetch(url, { headers })
    return [response.status, await response.text()]
  }
  const range = { range: 'bytes=4-' }
  expect(await get(hub.files('a.txt'), range)).toEqual([206, '456789'])
  expect(await get(hub.files('a.txt'), { ...range, 'if-range': '"other"' })).toEqual([200, '0123456789'])
  expect(await get(hub.files('a.txt'), { range: 'bytes=10-' })).toEqual([416, ''])
  expect(await get(hub.files('b.txt'), range)).toEqual([200, '0123456789'])
  expect(hub.requests.at(-1)).toMatchObject({ host: 'cdn', path: '/files/b.txt', status: 200 })
})

test('what goes wrong on demand, as often as was ordered', async () => {
  hub.put('a.txt', { content: '0123456789' })
  const get = async () => {
    const response = await fetch(hub.files('a.txt'))
    return `${response.status} ${await response.text()}`
  }
  const path = /a\.txt/
  hub.fault({ path, kind: { status: 429, headers: { 'retry-after': '7' } } })
  expect(await get()).toBe('429 fault 429')
  hub.fault({ path, kind: { cut: 4 } })
  await expect(get()).rejects.toThrow('terminated')
  hub.fault({ path, kind: 'reset' })
  await expect(get()).rejects.toThrow('fetch failed')
  hub.fault({ path, kind: { short: 4 }, times: 2 })
  expect([await get(), await get()]).toEqual(['200 0123', '200 0123'])
  hub.fault({ path, kind: { flip: 4 } })
  expect(await get()).toBe('200 0123556789')
  hub.fault({ path, kind: { instead: 'abc' } })
  expect(await get()).toBe('200 abc')
  const held = hub.fault({ path, kind: { hold: 4 } })
  const reading = get()
  await held.struck()
  held.release()
  expect(await reading).toBe('200 0123456789')
  expect(await get()).toBe('200 0123456789')
})
