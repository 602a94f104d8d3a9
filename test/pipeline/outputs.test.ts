import { linkSync, mkdirSync, symlinkSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { CheckFailure, refuseExisting } from '../../src/pipeline/check.js'
import { plannedOutputs } from '../../src/pipeline/outputs.js'
import { brief, lint, lintErrors, prepare, put, rows, useWorkFolder } from './support.js'

useWorkFolder()
beforeEach(() => put({ 'in.jsonl': rows(1, 3), 'd/in.jsonl': rows(1, 3) }))

const writing = (to: string, inputs = 'in.jsonl'): string =>
  `name: x\ninputs: ${inputs}\nstages:\n  - write: ${JSON.stringify(to)}\n`

describe('an output that is also an input', () => {
  test.each<[string, string, string]>([
    ['by its name', 'in.jsonl', 'in.jsonl'],
    ['by another name for the folder', 'in.jsonl', './in.jsonl'],
    ['by a way round', 'in.jsonl', 'd/../in.jsonl'],
    ['by two slashes', 'd/in.jsonl', 'd//in.jsonl'],
    ['through a link to the file', 'in.jsonl', 'link.jsonl'],
    ['when the input is a link', 'link.jsonl', 'in.jsonl'],
    ['through a link to the folder', 'd/in.jsonl', 'to-d/in.jsonl'],
    ['as one of the files of a pattern', '"d/*.jsonl"', 'd/in.jsonl'],
    ['as one of several inputs', '{ a: d/in.jsonl, b: in.jsonl }', '${input}/../d/in.jsonl'],
  ])('%s', async (_, inputs, to) => {
    symlinkSync('in.jsonl', 'link.jsonl')
    symlinkSync('d', 'to-d')
    mkdirSync('a')
    mkdirSync('b')
    const found = await lint(writing(to, inputs))
    expect(found[0]).toMatch(/^4:12 OUTPUT_CONFLICT the output .* is also an input$/)
    expect(found[0]).toContain(to.replace('${input}', 'a'))
  })

  test.each([
    ['absolute and relative', 'in.jsonl', () => resolve('in.jsonl')],
    ['relative and absolute', () => resolve('in.jsonl'), 'in.jsonl'],
    ['relative by the root', 'in.jsonl', () => `${relative(process.cwd(), '/')}${resolve('in.jsonl')}`],
  ])('%s', async (_, input, output) => {
    const [inputs, to] = [input, output].map((path) => (typeof path === 'string' ? path : path()))
    expect(await lint(writing(to, inputs))).toEqual([
      `4:12 OUTPUT_CONFLICT the output ${to} is also an input`,
    ])
  })

  test('an input of the name that an output has until it is whole', async () => {
    put({ 'out.jsonl.partial': rows(1, 1) })
    expect(await lint(writing('out.jsonl', 'out.jsonl.partial'))).toEqual([
      '4:12 OUTPUT_CONFLICT the input out.jsonl.partial is what the output out.jsonl is called until it is whole',
    ])
  })

  test('a file of its own is fine, though it has the same bytes by a hard link', async () => {
    linkSync('in.jsonl', 'hard.jsonl')
    expect(await lint(writing('hard.jsonl'))).toEqual([])
  })
})

describe('two outputs of one name', () => {
  const two = '{ a: in.jsonl, b: d/in.jsonl }'

  test('of two inputs', async () => {
    const [error, ...more] = await lintErrors(writing('out.jsonl', two))
    expect(more).toEqual([])
    expect(brief(error)).toBe('4:12 OUTPUT_CONFLICT the inputs `a` and `b` both write out.jsonl')
    expect(error.fix).toContain('`${input}`')
    expect(await lint(writing('${input}.jsonl', two))).toEqual([])
  })

  test('of two inputs, by other names for it', async () => {
    mkdirSync('b')
    symlinkSync('b', 'a')
    expect(await lint(writing('${input}/out.jsonl', two))).toEqual([
      '4:12 OUTPUT_CONFLICT the inputs `a` and `b` both write b/out.jsonl',
    ])
  })

  test.each<[string, string]>([
    ['out.jsonl', '- write: { to: out.jsonl }'],
    ['out.jsonl', '- write: { to: ./out.jsonl }'],
  ])('of two stages: %s and %s', async (first, second) => {
    expect(await lint(`${writing(first)}  ${second}\n`)).toEqual([
      `5:18 OUTPUT_CONFLICT two stages write ${second.slice(15, -2)}`,
    ])
  })

  test('of two stages of several inputs: each mistake once', async () => {
    expect(await lint(`${writing('${input}', two)}  - write: "\${input}"\n  - write: same\n`)).toEqual([
      '5:12 OUTPUT_CONFLICT two stages write a',
      '5:12 OUTPUT_CONFLICT two stages write b',
      '6:12 OUTPUT_CONFLICT the inputs `a` and `b` both write same',
    ])
  })

  test('of two sources of an input', async () => {
    const own = '&own [write: mine.jsonl]'
    const inputs = `[{ from: in.jsonl, stages: ${own} }, { from: d/in.jsonl, stages: *own }]`
    expect(await lint(writing('out.jsonl', inputs))).toEqual([
      '2:49 OUTPUT_CONFLICT two stages write mine.jsonl',
    ])
  })

  test('stdout once for each input, devices as often as one likes', async () => {
    expect(await lint(writing('-', two))).toEqual([])
    expect(await lint(`${writing('-')}  - write: "-"\n`)).toEqual([
      '5:12 OUTPUT_CONFLICT two stages write to stdout',
    ])
    expect(await lint(`${writing('/dev/null', two)}  - write: /dev/null\n`)).toEqual([])
  })
})

test.each<[string, string]>([
  ['hf://datasets/me/mine', 'the output hf://datasets/me/mine is an address'],
  ['d', 'the output d is a folder'],
  ['d/', 'the output d/ is a folder'],
  ['new/', 'the output new/ is a folder'],
])('%s is no file', async (to, found) => {
  expect(await lint(writing(to))).toEqual([`4:12 OUTPUT_CONFLICT ${found}`])
})

test('the parts of a path are all planned', async () => {
  const text = `name: x
inputs: { a: in.jsonl, $&: d/in.jsonl }
stages: [template: helpsteer2-preference, write: "o/\${input}-\${part}-\${part}.jsonl", label-format, write: "\${input}"]
`
  const { pipeline, inputs } = await prepare(text)
  const paths = plannedOutputs(pipeline, inputs).map(({ path, input }) => `${input}: ${path}`)
  expect(paths).toEqual([
    'a: o/a-train-train.jsonl',
    'a: o/a-val-val.jsonl',
    'a: a',
    '$&: o/$&-train-train.jsonl',
    '$&: o/$&-val-val.jsonl',
    '$&: $&',
  ])
  expect(await lint(text.replace('write: "${input}"]', 'write: "o/${input}-val-val.jsonl"]'))).toContain(
    '3:107 OUTPUT_CONFLICT two stages write o/a-val-val.jsonl',
  )
})

describe('an output that is there already', () => {
  test('is refused, each one, unless the definition says otherwise', async () => {
    put({ 'o/a': '', 'o/b': '' })
    const text = writing('o/${input}', '{ a: in.jsonl, b: d/in.jsonl, c: in.jsonl }')
    expect(await lint(text)).toEqual([])
    const checked = await prepare(text)
    let failure: unknown
    try {
      refuseExisting(checked)
    } catch (error) {
      failure = error
    }
    if (!(failure instanceof CheckFailure)) throw failure
    expect(failure.errors.map(({ code, place }) => [code, place?.input])).toEqual([
      ['OUTPUT_EXISTS', 'o/a'],
      ['OUTPUT_EXISTS', 'o/b'],
    ])
    expect((await prepare(`${text}overwrite: true\n`)).pipeline.overwrite).toBe(true)
    expect(checked.pipeline.overwrite).toBe(false)
  })

  test('is nothing against stdout and devices', async () => {
    refuseExisting(await prepare(writing('-')))
    refuseExisting(await prepare(writing('/dev/null')))
  })
})
