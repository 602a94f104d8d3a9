import { beforeEach, describe, expect, test } from 'vitest'
import { CheckFailure, explainFile } from '../../src/pipeline/check.js'
import { explainPipeline } from '../../src/pipeline/explain.js'
import { put, rows, settings, useWorkFolder } from './support.js'

useWorkFolder()
beforeEach(() => put({ 'in.jsonl': rows(1, 3), 'd/b.jsonl': rows(1, 1), 'd/a.jsonl': rows(1, 1) }))

async function explain(text: string, set: Record<string, string> = {}): Promise<string> {
  put({ 'p.yaml': text })
  const { pipeline, inputs } = await explainFile('p.yaml', settings({ set }))
  return explainPipeline(pipeline, inputs)
}

/** The heads of the stages: name, what flows, memory and order. */
const heads = (text: string): string[] =>
  text.split('\n').flatMap((line) => (line.includes('memory: ') ? line.trim().replace(/ {2,}/g, ' | ') : []))

const FULL = `name: shown
description: What it is for.
vars: { out: data, source: hf://datasets/x/y }
attributes: [quality, { name: odd, min: -3, max: 3, sentinel: -1 }]
inputs:
  near:
    from:
      - d/*.jsonl
      - { from: in.jsonl, stages: [parse: { format: lines, field: prompt }, template: { mapping: { prompt: prompt, response: prompt } }] }
    stages: [label-format]
  far: \${source}/train.jsonl.gz
stages:
  - parse: { max-line-bytes: 100 }
  - write: "\${out}/\${input}-$\${x}.jsonl"
  - regression-expand
  - write: "-"
`

test('all of it, in order', async () => {
  const text = await explain(FULL)
  const order = [
    'shown: What it is for.\n\n',
    'inputs, one after the other\n  near\n',
    '    d/a.jsonl, d/b.jsonl\n    in.jsonl\n      parse ',
    'format: "lines"',
    'field: "prompt"',
    'mapping: { prompt: "prompt", response: "prompt" }',
    '    then\n      label-format ',
    'attributes: [quality, odd -3 to 3, else -1]',
    '  far\n    hf://datasets/x/y/train.jsonl.gz\n\n',
    'stages\n  parse ',
    'max-line-bytes: 100',
    '      to: "data/${input}-$${x}.jsonl"\n',
    'tokens: { system: "<extra_id_0>System\\n"',
    '\n\noutputs\n  data/near-${x}.jsonl  (near)\n  stdout  (near)\n  data/far-${x}.jsonl  (far)\n  stdout  (far)\n',
    '  replaced if they are there: no, unless --force\n',
  ]
  let at = 0
  for (const part of order) {
    const next = text.indexOf(part, at)
    expect(next, `${part} after\n${text.slice(0, at)}`).toBeGreaterThanOrEqual(at)
    at = next + part.length
  }
  expect(at).toBe(text.length)
})

test('what flows between the stages, with what each holds', async () => {
  expect(heads(await explain(FULL))).toEqual([
    'parse | bytes → records as they were read | memory: constant, order kept',
    'template | records as they were read → conversations with scores | memory: constant, order kept',
    // One source gives rows and the other conversations.
    'label-format | not known yet | memory: constant, order kept',
    'parse | bytes → records as they were read | memory: constant, order kept',
    'write | not known yet | memory: constant, order kept',
    'regression-expand | not known yet | memory: constant, order kept',
    'write | not known yet | memory: constant, order kept',
  ])
  const plain =
    'name: x\ninputs: in.jsonl\nstages: [template: helpsteer2, label-format, write: a, regression-expand, write: b]\n'
  expect(heads(await explain(plain))).toEqual([
    'parse | bytes → records as they were read | memory: constant, order kept',
    'template | records as they were read → conversations with scores | memory: constant, order kept',
    'label-format | conversations with scores → conversations with labels | memory: constant, order kept',
    'write | conversations with labels | memory: constant, order kept',
    'regression-expand | conversations with labels → samples | memory: constant, order kept',
    'write | samples | memory: constant, order kept',
  ])
})

test('stages of an input take what those of its sources give', async () => {
  const text = await explain(`name: x
inputs: { a: { from: [{ from: in.jsonl, stages: [template: helpsteer2] }], stages: [label-format] } }
stages: [regression-expand, write: x]
`)
  expect(heads(text).slice(1, 4)).toEqual([
    'label-format | conversations with scores → conversations with labels | memory: constant, order kept',
    'parse | bytes → records as they were read | memory: constant, order kept',
    'regression-expand | conversations with labels → samples | memory: constant, order kept',
  ])
})

test('parts, overwriting, and a pipeline without a description', async () => {
  const text = await explain(
    'name: x\ninputs: in.jsonl\nstages: [template: helpsteer2-preference, label-format, write: "${part}.jsonl"]\noverwrite: true\n',
  )
  expect(text).toMatch(/^x\n\n/)
  expect(text).toContain(
    'outputs\n  train.jsonl  (input)\n  val.jsonl  (input)\n  replaced if they are there: yes\n',
  )
})

test('what was set is shown resolved', async () => {
  expect(await explain(FULL, { out: 'elsewhere' })).toContain('  elsewhere/near-${x}.jsonl  (near)\n')
})

test('a definition with mistakes is not explained', async () => {
  await expect(explain('name: x\ninputs: none\nstages: [write: x]\n')).rejects.toBeInstanceOf(CheckFailure)
})

describe('which stages threads do', () => {
  const threads = async (stages: string, inputs = 'in.jsonl', more = '') => {
    const text = await explain(`name: x\n${more}inputs: ${inputs}\nstages: [${stages}]\n`)
    const [, section] = text.split('threads, from 64 MB of input on, if --workers does not say otherwise\n')
    return section.split('\n\n')[0].trim()
  }

  test.each([
    ['{ template: helpsteer2 }, label-format, regression-expand, { write: o }', 'all stages'],
    ['{ shuffle: {} }, { template: helpsteer2 }, { write: o }', 'behind `shuffle`: template, write'],
    [
      '{ shuffle: {} }, { split: { parts: { a: 0.5, b: 0.5 } } }, { write: "${part}" }',
      'behind `shuffle`: split, write',
    ],
    [
      '{ shuffle: {} }, { template: oasst }, { write: o }',
      'behind `shuffle`: template, write; if each record that is read stands alone',
    ],
    ['{ limit: 3 }, { write: o }', 'none, since what `limit` does with a record hangs on others'],
    ['{ template: oasst }, { write: o }', 'none, since what `template` does with a record hangs on others'],
    ['{ parse: { format: lines } }, { write: o }', 'none, since `parse` reads the format `lines`'],
    ['{ parse: { group: 2 } }, { write: o }', 'none, since `parse` binds records to groups'],
  ])('%s', async (stages, expected) => {
    expect(await threads(stages)).toBe(`input: ${expected}`)
  })

  test.each([
    ['pure', '{ pure: true, map: (row) => row }', 'all stages'],
    ['a function', '(row) => row', 'none, since what `map` does with a record hangs on others'],
  ])('a module that is %s', async (_, code, expected) => {
    put({ 'm.mjs': `export default ${code}` })
    expect(await threads('{ map: ./m.mjs }, { write: o }')).toBe(`input: ${expected}`)
  })

  test('of each input, and what is mixed', async () => {
    const inputs =
      '{ one: in.jsonl, two: { from: [{ from: in.jsonl }, { from: d/a.jsonl }], order: interleave } }'
    expect(await threads('{ write: "${input}" }', inputs)).toBe(
      'one: all stages\n  two: none, since its sources are interleaved',
    )
  })

  test('with options that are not known yet', async () => {
    expect(
      await threads('{ shuffle: { algorithm: "${a}" } }, { write: o }', 'in.jsonl', 'vars: { a: null }\n'),
    ).toBe('input: not known yet')
  })
})
