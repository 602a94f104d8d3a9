import { beforeEach, expect, test } from 'vitest'
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
