import { beforeEach, expect, test } from 'vitest'
import { lint, lintErrors, put, rows, useWorkFolder } from './support.js'

useWorkFolder()
beforeEach(() => put({ 'in.jsonl': rows(1, 3) }))

/** A definition with a stage in its fourth line. */
const withStage = (stage: string): string =>
  `name: x\ninputs: in.jsonl\nstages:\n  - ${stage.replaceAll('\n', '\n    ')}\n  - write: out.jsonl\n`

test.each([
  'parse',
  'parse:',
  'parse: jsonl',
  'parse: { format: lines, field: prompt, max-line-bytes: 100 }',
  'template: helpsteer2',
  'template: { dataset: helpsteer2 }',
  'template: { mapping: { prompt: p, response: r, scores: [quality, humor], system: s } }',
  'template: { mapping: { prompt: p, response: r, scores: { quality: q } } }',
  'label-format: { attributes: [a, { name: b, max: 9 }], round: half-even }',
  'regression-expand: { tokens: { end: "" }, system: record }',
  'write: { to: other.jsonl }',
])('%s is well', async (stage) => {
  expect(await lint(withStage(stage))).toEqual([])
})

const NO_STAGE = 'DEFINITION_INVALID this is no stage'

test.each<[string, string[]]>([
  ['tempalte: helpsteer2', ['4:5 UNKNOWN_STAGE there is no stage `tempalte` (did you mean `template`?)']],
  ['frobnicate', ['4:5 UNKNOWN_STAGE there is no stage `frobnicate`']],
  ['Parse', ['4:5 UNKNOWN_STAGE there is no stage `Parse` (did you mean `parse`?)']],
  ['labelFormat', ['4:5 UNKNOWN_STAGE there is no stage `labelFormat` (did you mean `label-format`?)']],
  ['3', [`4:5 ${NO_STAGE}`]],
  ['[parse]', [`4:5 ${NO_STAGE}`]],
  ['{}', [`4:5 ${NO_STAGE}`]],
  ['null', [`4:5 ${NO_STAGE}`]],
  ['{ parse: json, template: x }', ['4:5 DEFINITION_INVALID `parse` and `template` in one stage']],
  // Options that stand beside the stage's name, not below it, make one map of them all.
  ['parse:\nformat: json\ngroup: 2', ['4:5 DEFINITION_INVALID `parse` and `format`, `group` in one stage']],
])('no stage: %s', async (stage, expected) => {
  expect(await lint(withStage(stage))).toEqual(expected)
})

test.each<[string, string[]]>([
  ['parse: { grup: 2 }', ['4:14 BAD_OPTION `parse` has no option `grup` (did you mean `group`?)']],
  [
    'parse: { maxLineBytes: 9 }',
    ['4:14 BAD_OPTION `parse` has no option `maxLineBytes` (did you mean `max-line-bytes`?)'],
  ],
  [
    'parse: { max_line_bytes: 9 }',
    ['4:14 BAD_OPTION `parse` has no option `max_line_bytes` (did you mean `max-line-bytes`?)'],
  ],
  [
    'parse:\n  grup: 2\n  feild: x',
    [
      '5:7 BAD_OPTION `parse` has no option `grup` (did you mean `group`?)',
      '6:7 BAD_OPTION `parse` has no option `feild` (did you mean `field`?)',
    ],
  ],
  ['parse: jsnl', ['4:12 BAD_OPTION `parse`: `format` is "jsnl" (did you mean `jsonl`?)']],
  ['parse: { format: 3 }', ['4:22 BAD_OPTION `parse`: `format` is 3']],
  ['parse: { group: two }', ['4:21 BAD_OPTION `parse`: `group` is "two"']],
  ['parse: { group: "2" }', ['4:21 BAD_OPTION `parse`: `group` is "2"']],
  ['parse: { group: 2.5 }', ['4:21 BAD_OPTION `parse`: `group` is 2.5']],
  ['parse: { group: 0 }', ['4:21 BAD_OPTION `parse`: `group`: too small: expected number to be >=1']],
  ['parse: { group: }', ['4:21 BAD_OPTION `parse`: `group` is empty']],
  ['parse: { max-line-bytes: x }', ['4:30 BAD_OPTION `parse`: `max-line-bytes` is "x"']],
  ['parse: { path: [a] }', ['4:20 BAD_OPTION `parse`: `path` is a list']],
  [
    'template: { dataset: helpsteer2, speakers: { usr: a, assistnt: b } }',
    [
      '4:50 BAD_OPTION `template` has no option `speakers.usr` (did you mean `user`?)',
      '4:58 BAD_OPTION `template` has no option `speakers.assistnt` (did you mean `assistant`?)',
    ],
  ],
  ['regression-expand: { tokens: x }', ['4:34 BAD_OPTION `regression-expand`: `tokens` is "x"']],
  ['regression-expand: { tokens: { user: 3 } }', ['4:42 BAD_OPTION `regression-expand`: `tokens.user` is 3']],
  ['write: 3', ['4:12 BAD_OPTION `write`: `to` is 3']],
  ['write: ""', ['4:12 BAD_OPTION `write`: `to`: too small: expected string to have >=1 characters']],
  ['parse: { __proto__: 1 }', ['4:14 BAD_OPTION `parse` has no option `__proto__`']],
  ['parse: { constructor: 1 }', ['4:14 BAD_OPTION `parse` has no option `constructor`']],
])('a wrong option: %s', async (stage, expected) => {
  expect(await lint(withStage(stage))).toEqual(expected)
})

test('a value alone is the main option where there is one, and no stage’s where there is none', async () => {
  const [alone] = await lintErrors(withStage('label-format: clamp'))
  expect(alone.message).toBe(
    'p.yaml:4:19: `label-format` has no map of options; expected `{ option: value }`. Mend this line of the definition. [DEFINITION_INVALID]',
  )
  const [list] = await lintErrors(withStage('template: [helpsteer2]'))
  expect(list.message).toBe(
    'p.yaml:4:15: `template` has no map of options; expected `{ option: value }`, or its `dataset` alone. Mend this line of the definition. [DEFINITION_INVALID]',
  )
})

test('the same mistake behind an alias is told once, where it stands', async () => {
  const text = `name: x
inputs: in.jsonl
stages:
  - parse
  - regression-expand: &options { rnge: keep }
  - write: a.jsonl
  - write: b.jsonl
`
  expect(await lint(text)).toEqual([
    '5:35 BAD_OPTION `regression-expand` has no option `rnge` (did you mean `range`?)',
  ])
  const twice = text.replace('- write: a.jsonl', '- regression-expand: *options')
  expect((await lint(twice)).filter((line) => line.includes('rnge'))).toHaveLength(1)
})

test('stages of inputs and of their entries are looked at like the common ones', async () => {
  const text = `name: x
inputs:
  a:
    from:
      - in.jsonl
      - { from: in.jsonl, stages: [tempalte] }
    stages:
      - label-format: { rang: keep }
  b: in.jsonl
stages: [write: "\${input}.jsonl"]
`
  expect(await lint(text)).toEqual([
    '6:36 UNKNOWN_STAGE there is no stage `tempalte` (did you mean `template`?)',
    '8:25 BAD_OPTION `label-format` has no option `rang` (did you mean `range`?)',
  ])
})

test('nothing is said about what follows from an unknown stage', async () => {
  const text = `name: x\ninputs: in.jsonl\nstages: [template: helpsteer2, label-fromat, regression-expand, wriet: x]\n`
  expect(await lint(text)).toEqual([
    '3:32 UNKNOWN_STAGE there is no stage `label-fromat` (did you mean `label-format`?)',
    '3:65 UNKNOWN_STAGE there is no stage `wriet` (did you mean `write`?)',
  ])
})
