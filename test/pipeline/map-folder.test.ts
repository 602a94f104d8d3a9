/**
 * Where `map` modules may lie: a pipeline file that somebody else wrote loads no code but what came with it.
 */
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { lintFile, prepareFile } from '../../src/pipeline/check.js'
import { runPipeline } from '../../src/pipeline/run.js'
import { brief, type Given, prompts, put, rows, settings, useWorkFolder } from './support.js'

const GOOD = 'export default (row) => (row.prompt === "p1" ? row : null)\n'
/** Leaves a trace when it is only loaded. */
const EVIL = `import { writeFileSync } from 'node:fs'\nwriteFileSync('trace', '')\n${GOOD}`

useWorkFolder()
beforeEach(() => {
  put({
    'in.jsonl': rows(1, 2),
    'recipes/good.mjs': GOOD,
    'recipes/deep/good.mjs': GOOD,
    'recipes-of-others/evil.mjs': EVIL,
    'evil.mjs': EVIL,
    'recipes/..good/good.mjs': GOOD,
  })
})

/** What lint says of a definition in `recipes` whose `map` is this, with its vars. */
async function lintMap(map: string, { vars = '{}', allow, ...given }: Using = {}): Promise<string[]> {
  writeFileSync(
    'recipes/p.yaml',
    `name: x\nvars: ${vars}\ninputs: { "../evil": in.jsonl }\nstages:\n  - map: ${map}\n  - write: out.jsonl\n`,
  )
  return (await lintFile('recipes/p.yaml', { ...settings(given), ...(allow && { allow }) })).map(brief)
}

interface Using extends Given {
  readonly vars?: string
  readonly allow?: readonly string[]
}

/** What is said of a module outside. */
const refused = (path: string, at = path) =>
  `5:10 MAP_MODULE the module ${path} lies outside the folder of the pipeline file, at ${resolve(at)}`

describe('beside the pipeline file, or below it', () => {
  test.each(['good.mjs', './deep/good.mjs', 'deep/../good.mjs', '../recipes/good.mjs', '..good/good.mjs'])(
    '%s is loaded',
    async (map) => {
      expect(await lintMap(map)).toEqual([])
      await runPipeline(await prepareFile('recipes/p.yaml', settings()), {})
      expect(prompts('out.jsonl')).toEqual(['p1'])
    },
  )

  test('and by its whole path', async () => {
    expect(await lintMap(resolve('recipes/good.mjs'))).toEqual([])
  })

  test('with the folder reached by a link', async () => {
    await lintMap('good.mjs')
    symlinkSync('recipes', 'link')
    expect(await lintFile('link/p.yaml', settings())).toEqual([])
  })
})

describe('elsewhere', () => {
  test.each<[string, string, Using?]>([
    ['../evil.mjs', 'evil.mjs'],
    ['../recipes-of-others/evil.mjs', 'recipes-of-others/evil.mjs'],
    ['deep/../../evil.mjs', 'evil.mjs'],
    ['${m}', 'evil.mjs', { vars: '{ m: ../evil.mjs }' }],
    // A default and a variable of the environment are chosen by who wrote the file; these are from the working folder.
    ['${m:-evil.mjs}', 'evil.mjs'],
    ['${env.M}', 'evil.mjs', { env: { M: 'evil.mjs' } }],
    // A folder is not the file.
    ['${d}/evil.mjs', 'evil.mjs', { vars: '{ d: x }', set: { d: '..' } }],
    // Here the input is called `../evil`.
    ['./${input}.mjs', 'recipes/../evil.mjs'],
    ['*a', 'evil.mjs', { vars: '{ m: &a ../evil.mjs }' }],
  ])('%s is refused, and not loaded', async (map, path, given) => {
    expect(await lintMap(map, given)).toEqual([refused(path, path.replace('recipes/../', ''))])
    await expect(prepareFile('recipes/p.yaml', settings(given))).rejects.toMatchObject({
      errors: [{ code: 'MAP_MODULE', exitCode: 2 }],
    })
    expect(existsSync('trace')).toBe(false)
  })

  test('behind a link it is as far away', async () => {
    symlinkSync('../evil.mjs', 'recipes/link.mjs')
    symlinkSync('..', 'recipes/up')
    expect(await lintMap('link.mjs')).toEqual([refused('recipes/link.mjs', 'evil.mjs')])
    expect(await lintMap('up/evil.mjs')).toEqual([refused('recipes/up/evil.mjs', 'evil.mjs')])
    expect(existsSync('trace')).toBe(false)
  })

  test('the name of another input than the first may lead there', async () => {
    put({ 'recipes/a.mjs': GOOD })
    writeFileSync(
      'recipes/p.yaml',
      'name: x\ninputs: { a: in.jsonl, "../evil": in.jsonl }\nstages:\n  - map: ./${input}.mjs\n  - write: out-${input}.jsonl\n',
    )
    mkdirSync('out-..')
    const run = async () => runPipeline(await prepareFile('recipes/p.yaml', settings()), {})
    await expect(run()).rejects.toMatchObject({ code: 'MAP_MODULE' })
    expect(existsSync('trace')).toBe(false)
  })

  test('what is wrong elsewhere in the file does not make it load', async () => {
    expect(await lintMap('../evil.mjs\n  - no-such-stage')).toHaveLength(2)
    expect(existsSync('trace')).toBe(false)
  })

  test('the error says what to do', async () => {
    await lintMap('../evil.mjs')
    const [error] = await lintFile('recipes/p.yaml', settings())
    expect(error).toMatchObject({
      place: { input: 'recipes/p.yaml', line: 5, column: 10 },
      expected: 'a module beside the pipeline file or below',
      fix: `Put it there, or allow its folder: \`--allow ${resolve('.')}\`.`,
    })
  })
})

describe('who runs the file may allow more', () => {
  test('a folder, and what is below it', async () => {
    expect(await lintMap('../evil.mjs', { allow: ['.'] })).toEqual([])
    expect(await lintMap('../recipes-of-others/evil.mjs', { allow: ['.'] })).toEqual([])
    expect(
      await lintMap('../recipes-of-others/evil.mjs', { allow: ['recipes/deep', 'recipes-of-others'] }),
    ).toEqual([])
  })

  test('one that is not allowed stays refused', async () => {
    expect(await lintMap('../evil.mjs', { allow: ['recipes-of-others'] })).toEqual([refused('evil.mjs')])
  })

  test('a file that they name themselves', async () => {
    expect(await lintMap('${m}', { vars: '{ m: null }', set: { m: 'evil.mjs' } })).toEqual([])
    // Also where a var stands between.
    const vars = '{ m: null, n: "${m}" }'
    expect(await lintMap('${n}', { vars, set: { m: 'evil.mjs' } })).toEqual([])
  })
})
