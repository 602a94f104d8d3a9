/**
 * `map` in a pipeline file: where its module is, what is wrong with it, and what it does in a run.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { lintFile, prepareFile } from '../../src/pipeline/check.js'
import { previewInput } from '../../src/pipeline/preview.js'
import { runPipeline } from '../../src/pipeline/run.js'
import { ROOT } from '../support/paths.js'
import {
  brief,
  counts,
  lint,
  lintErrors,
  optionsOf,
  prepare,
  prompts,
  put,
  rows,
  run,
  settings,
  textOf,
  useWorkFolder,
} from './support.js'

useWorkFolder()
beforeEach(() => put({ 'in.jsonl': rows(1, 6) }))

const using = (map: string, more = 'write: out.jsonl'): string =>
  `name: x\nvars: { dir: stages, m: ./stages/odd.mjs, none: null }\ninputs: in.jsonl\nstages:\n  - map: ${map}\n  - ${more}\n`

/** Keeps rows with an odd number, and writes them anew. */
const ODD = `export default {
  name: 'even ones',
  pure: true,
  map: (row, { note }) => {
    const n = Number(row.prompt.slice(1))
    if (n === 5) note('a five')
    return n % 2 === 1 ? { ...row, n } : null
  },
}
`

describe('a run', () => {
  test('takes the records through the function of the module', async () => {
    put({ 'odd.mjs': ODD })
    const report = await run(using('./odd.mjs'))
    expect(textOf('out.jsonl')?.split('\n')[0]).toBe(
      '{"prompt": "p1", "response": "r1", "helpfulness": 1, "n": 1}',
    )
    expect(prompts('out.jsonl')).toEqual(['p1', 'p3', 'p5'])
    expect(counts(report)).toEqual(['parse 6 6', 'map 6 3', 'write 3 3'])
    const { dropped, notes } = report.inputs[0].stages[1].counters
    expect([[...dropped], [...notes]]).toEqual([[['even ones', 3]], [['a five', 1]]])
  })

  test('with a function alone, a promise, and stages around it', async () => {
    put({
      'm.mjs': `import { setTimeout } from 'node:timers/promises'
export default async (conversation) => {
  await setTimeout(1)
  if (conversation.system !== '') return [conversation, { ...conversation, system: '' }]
}
`,
    })
    const report = await run(
      using('m.mjs', 'write: out.jsonl').replace(
        '  - map',
        '  - template: helpsteer2\n  - label-format\n  - map',
      ),
    )
    expect(prompts('out.jsonl')).toEqual([
      'p1',
      'p1',
      'p2',
      'p2',
      'p3',
      'p3',
      'p4',
      'p4',
      'p5',
      'p5',
      'p6',
      'p6',
    ])
    const lines = (textOf('out.jsonl') ?? '').split('\n')
    expect(lines[0].replace(/"system": "[^"]+/, '"system": "')).toBe(lines[1])
    expect(counts(report)[3]).toBe('map 6 12')
  })

  test('with what `defineStage` gives, from a module that imports steerpipe', async () => {
    // As it is where the package is installed.
    writeFileSync('index.mjs', `export { defineStage } from ${JSON.stringify(`${ROOT}/src/index.ts`)}\n`)
    put({
      'm.mjs': `import { defineStage } from './index.mjs'
export default defineStage({ map: (row) => row })
`,
    })
    await run(using('m.mjs'))
    expect(textOf('out.jsonl')).toBe(rows(1, 6))
  })

  test('an error of the function is that of its record', async () => {
    put({ 'm.mjs': 'export default (row) => row.prompt === "p4" ? row.no.such : row\n' })
    await expect(run(using('m.mjs'))).rejects.toMatchObject({
      code: 'MAP_FAILED',
      stage: 'map',
      place: { input: 'in.jsonl', line: 4, offset: rows(1, 3).length },
    })
    expect(textOf('out.jsonl.partial')).toBe(rows(1, 3))
    const report = await run(using('m.mjs'), { onError: 'skip' })
    expect(prompts('out.jsonl')).toEqual(['p1', 'p2', 'p3', 'p5', 'p6'])
    expect([...report.inputs[0].stages[1].counters.leftOut]).toEqual([['MAP_FAILED', 1]])
  })

  test('records stay in their parts', async () => {
    const pair = (n: number, split: string) =>
      `{"prompt":"p${n}","response_1":"a","response_2":"b","preference_strength":1,"split":"${split}"}\n`
    put({
      'in.jsonl': pair(1, 'train') + pair(2, 'val') + pair(3, 'train'),
      'm.mjs': 'export default (record, { part }) => ({ ...record, part })\n',
    })
    await run(`name: x
attributes: [quality]
inputs: in.jsonl
stages: [template: helpsteer2-preference, label-format, map: m.mjs, write: "\${part}.jsonl"]
`)
    expect(prompts('train.jsonl')).toEqual(['p1', 'p1', 'p3', 'p3'])
    expect(textOf('val.jsonl')?.match(/"part": "val"/g)).toHaveLength(2)
  })

  test('a preview shows what it makes', async () => {
    put({ 'odd.mjs': ODD })
    const { pipeline, inputs } = await prepare(using('odd.mjs'))
    const shown = await previewInput(pipeline, inputs[0], 3)
    expect(shown.map(({ stage, records }) => [stage, records.length])).toEqual([
      ['parse', 3],
      ['map', 2],
      ['write', 0],
    ])
  })
})

describe('the path', () => {
  test.each<[string, Record<string, string>, string]>([
    ['./odd.mjs', {}, 'odd.mjs'],
    ['{ module: ./deep/../odd.mjs }', {}, 'odd.mjs'],
    ['${m}', {}, 'stages/odd.mjs'],
    ['${dir}/odd.mjs', {}, 'stages/odd.mjs'],
    ['${dir}/odd.mjs', { dir: '/abs' }, '/abs/odd.mjs'],
  ])('%s is from the folder of the pipeline file', async (module, set, expected) => {
    mkdirSync('recipes')
    writeFileSync('recipes/p.yaml', using(module))
    put({ 'recipes/odd.mjs': ODD, 'recipes/stages/odd.mjs': ODD, 'odd.mjs': 'throw 1\n' })
    const path = expected.startsWith('/') ? expected : join('recipes', expected)
    const found = (await lintFile('recipes/p.yaml', settings({ set }))).map(brief)
    expect(found).toEqual(
      expected.startsWith('/') ? [`5:10 MAP_MODULE the module ${path} does not exist`] : [],
    )
    if (found.length > 0) return
    const checked = await prepareFile('recipes/p.yaml', settings({ set }))
    expect(checked.pipeline.stages[0].options).toEqual({ module: path })
    await runPipeline(checked, {})
    expect(prompts('out.jsonl')).toEqual(['p1', 'p3', 'p5'])
  })

  test('of what was set is from the working folder', async () => {
    put({ 'elsewhere/odd.mjs': ODD })
    const options = await optionsOf(using('${m}'), { set: { m: 'elsewhere/odd.mjs' } })
    expect(options.get('map')).toEqual({ module: 'elsewhere/odd.mjs' })
  })

  test('an absolute one stays as it is', async () => {
    put({ 'odd.mjs': ODD })
    const options = await optionsOf(using(resolve('odd.mjs')))
    expect(options.get('map')).toEqual({ module: resolve('odd.mjs') })
  })

  test('that hangs on a var without a value is not looked for', async () => {
    expect(await lint(using('${none}'))).toEqual([])
    expect(await lint(using('${none}/m.mjs'))).toEqual([])
  })
})

describe('what is wrong with the module is found by lint', () => {
  test.each<[string, string | undefined, RegExp]>([
    ['a file that is not there', undefined, /^the module m\.mjs does not exist$/],
    ['no default export', 'export const map = 1\n', /^the module m\.mjs has no default export$/],
    [
      'something else by default',
      'export default 3\n',
      /^the module m\.mjs has a value of type number as its default export$/,
    ],
    [
      'a stage with a key that is not known',
      'export default { map: (row) => row, pur: true }\n',
      /^the module m\.mjs has a stage with the unknown key "pur" \(did you mean `pure`\?\) as its default export$/,
    ],
    [
      'an error at its start',
      'throw new Error("not today\\nnor ever")\n',
      /^the module m\.mjs cannot be loaded: not today$/,
    ],
    ['no JavaScript', 'export default (row => {\n', /^the module m\.mjs cannot be loaded: .+/],
    [
      'an import that fails',
      'import "./nowhere.mjs"\n',
      /^the module m\.mjs cannot be loaded: .*nowhere\.mjs.*/,
    ],
  ])('%s', async (_, text, found) => {
    if (text !== undefined) put({ 'm.mjs': text })
    const errors = await lintErrors(using('m.mjs'))
    expect(errors.map(({ code }) => code)).toEqual(['MAP_MODULE'])
    expect(errors[0]).toMatchObject({ place: { input: 'p.yaml', line: 5, column: 10 }, exitCode: 2 })
    expect(errors[0].found).toMatch(found)
  })

  test('a folder, and an empty path', async () => {
    mkdirSync('m.mjs')
    expect(await lint(using('m.mjs'))).toEqual(['5:10 MAP_MODULE the module m.mjs is a folder'])
    expect(await lint(using('""'))).toEqual([
      '5:10 BAD_OPTION `map`: `module`: too small: expected string to have >=1 characters',
    ])
    expect(await lint(using('{}'))).toEqual(['5:10 BAD_OPTION `map`: `module` is missing'])
  })

  test('and before a run begins, where nothing is written', async () => {
    await expect(run(using('m.mjs'))).rejects.toMatchObject({ errors: [{ code: 'MAP_MODULE' }] })
    expect(textOf('out.jsonl')).toBeUndefined()
  })
})
