import { mkdirSync, symlinkSync } from 'node:fs'
import { resolve } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { brief, lint, lintErrors, prepare, put, refusals, rows, useWorkFolder } from './support.js'

useWorkFolder()
beforeEach(() => put({ 'in.jsonl': rows(1, 3) }))

const over = (inputs: string): string => `name: x\ninputs: ${inputs}\nstages: [write: "out/\${input}"]\n`

/** The files of each input, by its name. */
async function filesOf(inputs: string): Promise<Record<string, readonly string[][]>> {
  const checked = await prepare(over(inputs))
  return Object.fromEntries(
    checked.inputs.map(({ name, sources }) => [name, sources.map(({ files }) => [...files])]),
  )
}

describe('a pattern', () => {
  beforeEach(() =>
    put({
      'd/b.jsonl': '',
      'd/a.jsonl': '',
      'd/a10.jsonl': '',
      'd/a2.jsonl': '',
      'd/Z.jsonl': '',
      'd/é.jsonl': '',
      'd/.hidden.jsonl': '',
      'd/c.json': '',
      'd/deep/e.jsonl': '',
      'd/[x].jsonl': '',
    }),
  )

  test.each<[string, string[]]>([
    [
      'd/*.jsonl',
      ['d/Z.jsonl', 'd/[x].jsonl', 'd/a.jsonl', 'd/a10.jsonl', 'd/a2.jsonl', 'd/b.jsonl', 'd/é.jsonl'],
    ],
    ['d/a*.jsonl', ['d/a.jsonl', 'd/a10.jsonl', 'd/a2.jsonl']],
    ['d/{b,a}.jsonl', ['d/a.jsonl', 'd/b.jsonl']],
    ['d/[ab].jsonl', ['d/a.jsonl', 'd/b.jsonl']],
    ['d/**/e.jsonl', ['d/deep/e.jsonl']],
    ['d/**/{e,é,a2}.jsonl', ['d/a2.jsonl', 'd/deep/e.jsonl', 'd/é.jsonl']],
    ['d/?.json', ['d/c.json']],
    // A file of that very name is that file.
    ['d/[x].jsonl', ['d/[x].jsonl']],
  ])('%s: its files in the order of their code units', async (pattern, files) => {
    expect(await filesOf(JSON.stringify(pattern))).toEqual({ input: [files] })
  })

  test('an absolute one gives absolute paths', async () => {
    expect(await filesOf(resolve('d/a?.jsonl'))).toEqual({ input: [[resolve('d/a2.jsonl')]] })
  })

  test('one that nothing matches', async () => {
    expect(await lint(over('d/*.parquet'))).toEqual([
      '2:9 NO_SUCH_INPUT no file matches the pattern d/*.parquet',
    ])
    // Folders are none.
    expect(await lint(over('d/de*'))).toEqual(['2:9 NO_SUCH_INPUT no file matches the pattern d/de*'])
  })
})

test.each<[string, Record<string, string[][]>]>([
  ['in.jsonl', { input: [['in.jsonl']] }],
  ['[in.jsonl, in.jsonl]', { input: [['in.jsonl'], ['in.jsonl']] }],
  ['{ a: in.jsonl, b: [in.jsonl, "i*.jsonl"] }', { a: [['in.jsonl']], b: [['in.jsonl'], ['in.jsonl']] }],
  ['{ a: { from: in.jsonl } }', { a: [['in.jsonl']] }],
  ['{ a: { from: [in.jsonl, { from: in.jsonl }] } }', { a: [['in.jsonl'], ['in.jsonl']] }],
  ['"-"', { input: [['-']] }],
  ['{ in.jsonl: "${input}", in: "${input}.jsonl" }', { 'in.jsonl': [['in.jsonl']], in: [['in.jsonl']] }],
])('inputs: %s', async (inputs, files) => {
  expect(await filesOf(inputs)).toEqual(files)
})

test('inputs and their sources keep their order, whatever their names', async () => {
  const checked = await prepare(over('{ z: in.jsonl, a: in.jsonl, m: in.jsonl }'))
  expect(checked.inputs.map(({ name }) => name)).toEqual(['z', 'a', 'm'])
})

describe('what is not there is told where it is named', () => {
  test.each<[string, string[]]>([
    ['none.jsonl', ['2:9 NO_SUCH_INPUT the input none.jsonl does not exist']],
    ['""', ['2:9 NO_SUCH_INPUT the input "" is no path']],
    ['[in.jsonl, none.jsonl]', ['2:20 NO_SUCH_INPUT the input none.jsonl does not exist']],
    ['{ a: in.jsonl, b: none.jsonl }', ['2:27 NO_SUCH_INPUT the input none.jsonl does not exist']],
    ['{ a: { from: none.jsonl } }', ['2:22 NO_SUCH_INPUT the input none.jsonl does not exist']],
    ['{ a: { from: [{ from: none.jsonl }] } }', ['2:31 NO_SUCH_INPUT the input none.jsonl does not exist']],
    ['in.jsonl/x', ['2:9 NO_SUCH_INPUT the input in.jsonl/x does not exist']],
    [
      '[one.jsonl, two.jsonl]',
      [
        '2:10 NO_SUCH_INPUT the input one.jsonl does not exist',
        '2:21 NO_SUCH_INPUT the input two.jsonl does not exist',
      ],
    ],
    ['dangling', ['2:9 NO_SUCH_INPUT the input dangling does not exist']],
  ])('%s', async (inputs, expected) => {
    symlinkSync('nowhere', 'dangling')
    expect(await lint(over(inputs))).toEqual(expected)
  })

  test.each(['folder', 'folder/'])('a folder: %s', async (path) => {
    mkdirSync('folder')
    const [error, ...more] = await lintErrors(over(path))
    expect(more).toEqual([])
    expect(brief(error)).toBe(`2:9 NO_SUCH_INPUT the input ${path} is a folder`)
    expect(error.fix).toBe('Name its files, or a pattern such as `folder/*.jsonl`.')
  })
})

describe('a remote address', () => {
  const addresses = ['hf://datasets/nvidia/HelpSteer2/train.jsonl.gz', 'https://example.com/a?b={c}']

  test.each(addresses)('%s is not opened before the run', async (address) => {
    const text = over(`[in.jsonl, "${address}"]`)
    expect(await lint(text)).toEqual([])
    expect(await refusals(text)).toEqual([])
  })

  test.each(['S3://bucket/*', 'hf://models/a/b', 'https://', 'https://name:secret@example.com/a'])(
    '%s is refused where it stands',
    async (address) => {
      const text = over(`[in.jsonl, "${address}"]`)
      for (const found of [await lint(text), await refusals(text)]) {
        expect(found).toEqual([expect.stringMatching(/^2:20 BAD_ADDRESS /)])
        expect(found.join()).not.toContain('secret')
      }
    },
  )
})

test('stdin can be an input once', async () => {
  expect(await lint(over('{ a: "-", b: in.jsonl }'))).toEqual([])
  expect(await lint(over('{ a: "-", b: ["-"] }'))).toEqual([
    '2:23 DEFINITION_INVALID stdin (`-`) is an input already',
  ])
})
