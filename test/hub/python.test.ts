/** The cache is one with that of Python's `huggingface_hub`. */
import { expect, test } from 'vitest'
import { Folder } from '../support/command.js'
import { useHubPython } from '../support/hub/python.js'
import { BODY, brief, MADE, madeOf, NAME, ROWS, SET, setting } from './setting.js'

const folder = new Folder()
const python = useHubPython()

const FOUND = ['train.jsonl', 'small/val.jsonl']

test('what steerpipe has cached Python finds, without the network, byte for byte', async (context) => {
  const ask = python(context)
  const site = await setting(folder)
  const { hub } = site
  for (const file of FOUND) {
    expect(await site.run(['run', 'x.yaml', '--force', '--set', `file=${file}`])).toMatchObject({ status: 0 })
  }
  const { cwd } = site
  const commit = hub.commit(NAME)
  const before = hub.requests.length
  await hub.stop()
  const said = await ask(
    `
import json, os, shutil
from huggingface_hub import hf_hub_download, scan_cache_dir, snapshot_download, try_to_load_from_cache
paths = ${JSON.stringify(FOUND)}
for path in paths:
    shutil.copy(hf_hub_download('${NAME}', path, repo_type='dataset'), os.path.join('${cwd}', os.path.basename(path)))
scan = scan_cache_dir()
print(json.dumps({
    'pinned': [os.path.exists(hf_hub_download('${NAME}', path, repo_type='dataset', revision='${commit}')) for path in paths],
    'tried': [isinstance(try_to_load_from_cache('${NAME}', path, repo_type='dataset'), str) for path in paths],
    'snapshot': os.path.basename(snapshot_download('${NAME}', repo_type='dataset', local_files_only=True)),
    'warnings': [str(warning) for warning in scan.warnings],
    'repos': [[repo.repo_id, repo.repo_type, repo.nb_files, repo.size_on_disk] for repo in scan.repos],
    'revisions': [[revision.commit_hash, sorted(revision.refs)] for repo in scan.repos for revision in repo.revisions],
}))`,
    { HF_HOME: site.home, HF_ENDPOINT: hub.endpoint, HF_HUB_OFFLINE: '1' },
  )
  const small = hub.content(NAME, 'small/val.jsonl')
  expect(JSON.parse(said)).toEqual({
    pinned: [true, true],
    tried: [true, true],
    snapshot: commit,
    warnings: [],
    repos: [[NAME, 'dataset', 2, BODY.length + small.length]],
    revisions: [[commit, ['main']]],
  })
  expect(site.made('train.jsonl')).toBe(brief(BODY))
  expect(site.made('val.jsonl')).toBe(brief(small))
  expect(hub.requests.length).toBe(before)
})

test('Python asks for nothing but what has changed when it is back on the network', async (context) => {
  const ask = python(context)
  const site = await setting(folder)
  expect(await site.run(['run', 'x.yaml'])).toMatchObject({ status: 0 })
  const before = site.hub.requests.length
  await ask(
    `from huggingface_hub import hf_hub_download; hf_hub_download('${NAME}', 'train.jsonl', repo_type='dataset')`,
    { HF_HOME: site.home, HF_ENDPOINT: site.hub.endpoint },
  )
  const asked = site.hub.requests.slice(before)
  expect(asked.length).toBeGreaterThan(0)
  expect(asked.map(({ method }) => method)).toEqual(asked.map(() => 'HEAD'))
})

async function readsWhatPythonHas(ask: ReturnType<typeof python>, how: string): Promise<void> {
  const site = await setting(folder)
  const { hub } = site
  const env = { HF_HOME: site.home, HF_ENDPOINT: hub.endpoint }
  const downloads = FOUND.map((path) => `hf_hub_download('${NAME}', '${path}', repo_type='dataset')`)
  await ask(
    `
from huggingface_hub import hf_hub_download, snapshot_download
${how === 'all at once' ? `snapshot_download('${NAME}', repo_type='dataset')` : downloads.join('\n')}`,
    env,
  )
  const before = hub.requests.length
  const commit = hub.commit(NAME)
  await hub.stop()
  const offline = { HF_HUB_OFFLINE: '1' }
  expect(await site.run(['run', 'x.yaml'], offline)).toMatchObject({ status: 0 })
  expect(site.made()).toBe(MADE)
  const small = [
    'run',
    'x.yaml',
    '--force',
    '--set',
    `source=${SET}@${commit}`,
    '--set',
    'file=small/val.jsonl',
  ]
  expect(await site.run(small, offline)).toMatchObject({ status: 0 })
  expect(site.made()).toBe(madeOf(ROWS.slice(0, 10)))
  expect(hub.requests.length).toBe(before)
}

test('what Python has cached one by one steerpipe reads, without the network', async (context) => {
  await readsWhatPythonHas(python(context), 'one by one')
})

test('what Python has cached all at once steerpipe reads, without the network', async (context) => {
  await readsWhatPythonHas(python(context), 'all at once')
})
