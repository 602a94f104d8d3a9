/** The recipes, with the hub as their source, write the same bytes as from a folder. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { Folder } from '../support/command.js'
import { type HubFiles, startHub } from '../support/hub/index.js'
import { hasParity, PARITY, ROOT } from '../support/paths.js'
import { Setting } from './setting.js'

if (!hasParity)
  console.warn('recipes on a hub are not checked: the folder with rows is not beside the project')

const folder = new Folder()

interface Recipe {
  readonly vars: Readonly<Record<string, unknown>>
}

/** Recipes whose source is a data set on the hub, with its name there. */
const RECIPES = readdirSync(join(ROOT, 'pipelines'))
  .filter((name) => name.endsWith('.yaml'))
  .flatMap((name) => {
    const { vars }: Recipe = parse(readFileSync(join(ROOT, 'pipelines', name), 'utf8'))
    const [, repo] = /^hf:\/\/datasets\/(.+)$/.exec(String(vars.source)) ?? []
    return repo === undefined ? [] : [[name.replace('.yaml', ''), repo] as const]
  })

/** The files of a folder, by their paths in it. */
const filesIn = (root: string): HubFiles =>
  Object.fromEntries(
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => {
        const path = join(entry.parentPath, entry.name)
        return [path.slice(root.length + 1), { content: readFileSync(path), lfs: true }]
      }),
  )

test('every data set has a recipe', () => {
  expect(RECIPES.map(([name]) => name).sort()).toEqual([
    'helpsteer',
    'helpsteer2',
    'helpsteer2-helpfulness',
    'helpsteer2-preference',
    'oasst',
  ])
})

test.skipIf(!hasParity).each(RECIPES)('%s', async (name, repo) => {
  const hub = await startHub({ [repo]: { files: filesIn(join(PARITY, repo.split('/')[1])) } })
  onTestFinished(() => hub.stop())
  const site = new Setting(hub, folder)
  const run = (out: string, more: readonly string[]) =>
    site.run(['run', join(ROOT, 'pipelines', `${name}.yaml`), '--set', `out=${out}`, ...more])
  expect(await run('default', [])).toMatchObject({ status: 0 })
  expect(await run('pinned', ['--set', `source=hf://datasets/${repo}@${hub.commit(repo)}`])).toMatchObject({
    status: 0,
  })
  for (const part of ['train.jsonl', 'val.jsonl']) {
    const expected = readFileSync(join(PARITY, 'expected', name, part))
    for (const out of ['default', 'pinned']) {
      expect(readFileSync(join(site.cwd, out, part)).equals(expected), `${out} ${part}`).toBe(true)
    }
  }
})
