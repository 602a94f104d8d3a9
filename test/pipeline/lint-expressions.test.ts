/**
 * Mistakes that the stages find in their own options: the expressions of `filter`, at their columns.
 */
import { beforeEach, expect, test } from 'vitest'
import { lint, lintErrors, put, refusals, rows, useWorkFolder } from './support.js'

useWorkFolder()
beforeEach(() => put({ 'in.jsonl': rows(1, 3) }))

/** A definition with a stage in its fifth line. */
const withStage = (stage: string): string =>
  `name: x\nvars: { min: 3, bad: "humor > 1 && humr < 2", none: null }\ninputs: in.jsonl\nstages:\n  - ${stage.replaceAll('\n', '\n    ')}\n  - write: out.jsonl\n`

const HUMR = 'BAD_EXPRESSION there is no `humr` (did you mean `humor`?)'

test.each([
  'filter: humor >= 3.0 && verbosity <= 2.0',
  'filter: { where: "has(source.x) && source.x == 1", match: any, name: "x is 1" }',
  'filter: humor >= ${min}',
  'filter: part == "${input}"',
  'filter: part == "$${x}"',
  'filter: ${none}',
  'filter: { where: "tone > 1", attributes: [tone] }',
  'dedupe: meta.id',
  'length: { max-chars: 3, on: cut-turns }',
])('%s is well', async (stage) => {
  expect(await lint(withStage(stage))).toEqual([])
})

test.each<[string, string]>([
  ['filter: humor > 1 && humr < 2', `5:26 ${HUMR}`],
  ['filter: { where: humor > 1 && humr < 2 }', `5:35 ${HUMR}`],
  ["filter: 'part == ''x'' && humr < 2'", `5:31 ${HUMR}`],
  ['filter: "part == \'x\' && humr < 2"', `5:29 ${HUMR}`],
  ['filter: |\n  humor > 1 &&\n  humr < 2', `7:7 ${HUMR}`],
  ['filter:\n  where: >-\n    humor > 1\n    &&   humr < 2\n  name: x', `8:14 ${HUMR}`],
  ['filter: humor > 1 &&\n  humr < 2', `6:7 ${HUMR}`],
  ['filter: "humor > 1 &&"', '5:26 BAD_EXPRESSION the expression ends too early'],
  [
    'filter: { where: tone > 1, attributes: [tome] }',
    '5:22 BAD_EXPRESSION there is no `tone` (did you mean `tome`?)',
  ],
  // Where it cannot be told exactly, the option's place and the character.
  ['filter: "part == \\"x\\" && humr < 2"', `5:13 ${HUMR}, at character 16 of \`where\``],
  ['filter: humor > ${min} && humr < 2', `5:13 ${HUMR}, at character 14 of \`where\``],
  ['filter: ${bad}', `5:13 ${HUMR}, at character 14 of \`where\``],
  ['filter: part == "${input}" && humr < 2', `5:13 ${HUMR}, at character 20 of \`where\``],
])('%s', async (stage, expected) => {
  expect(await lint(withStage(stage))).toEqual([expected])
  expect(await refusals(withStage(stage))).toContain(expected)
})

test('what --set gives has the option’s place', async () => {
  const [error] = await lintErrors(withStage('filter: ${bad}'), { set: { bad: 'x' } })
  expect(error.message).toBe(
    'p.yaml:5:13, filter: there is no `x`, at character 1 of `where`; expected quality, toxicity, humor, creativity, helpfulness, correctness, coherence, complexity, verbosity, turns, speakers, system, mask, source, part, chars, scores. A field of the record that was read is `source.NAME`; text stands in quotes. [BAD_EXPRESSION]',
  )
})

test('the attributes of the definition are those of its filters', async () => {
  const text = withStage('filter: tone > 1 && humor > 1').replace('vars', 'attributes: [tone]\nvars')
  expect(await lint(text)).toEqual(['6:25 BAD_EXPRESSION there is no `humor`'])
})

test('stages of inputs and of their entries are looked at, each once', async () => {
  const text = `name: x
inputs:
  a:
    from:
      - in.jsonl
      - { from: in.jsonl, stages: [filter: humr > 1] }
    stages:
      - filter: humor > 1 || humr > 1
  b: { from: in.jsonl, stages: [filter: humr < 1] }
stages:
  - filter: humr == 1
  - write: "\${input}.jsonl"
`
  expect(await lint(text)).toEqual([`6:44 ${HUMR}`, `8:30 ${HUMR}`, `9:41 ${HUMR}`, `11:13 ${HUMR}`])
})
