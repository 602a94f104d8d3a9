import { beforeEach, describe, expect, test } from 'vitest'
import { explainFile } from '../../src/pipeline/check.js'
import { explainPipeline } from '../../src/pipeline/explain.js'
import { lint, put, refusals, rows, useWorkFolder } from './support.js'

useWorkFolder()
beforeEach(() => put({ 'in.jsonl': rows(1, 3) }))

describe('vars without a value', () => {
  const text = `name: x
vars:
  in: null
  root: null
  out: \${root}/deep
  unused: null
  group: null
  set: ~
inputs: \${in}
attributes: [quality, { name: "\${set}", min: "\${group}" }]
stages:
  - parse: { group: "\${group}" }
  - template: { mapping: { prompt: p, response: r, scores: ["\${set}", anything] } }
  - label-format
  - write: \${out}/x.jsonl
overwrite: \${group}
`
  const unset = [
    ['3:3', 'in'],
    ['4:3', 'root'],
    ['7:3', 'group'],
    ['8:3', 'set'],
  ]

  test('lint accepts them, run names each that is used', async () => {
    expect(await lint(text)).toEqual([])
    expect(await refusals(text)).toEqual(
      unset.map(([place, name]) => `${place} VAR_UNSET the var \`${name}\` has no value`),
    )
  })

  test('those that are set are not named', async () => {
    const set = { in: 'in.jsonl', group: '1', set: 'anything' }
    expect(await refusals(text, { set })).toEqual([
      '4:3 VAR_UNSET the var `root` has no value',
      '16:12 DEFINITION_INVALID `overwrite` is "1"',
    ])
  })

  test('what hangs on one is skipped, and all else is told', async () => {
    const wrong = `name: x
vars: { g: null, d: null, out: null }
inputs: { a: none.jsonl, b: "\${out}" }
stages:
  - parse: { group: "\${g}", format: jsnl, feild: x }
  - template: { mapping: { prompt: "\${d}", respnse: r, scores: 3 } }
  - regression-expand: { tokens: { user: "\${d}", end: 3 }, range: kep }
  - tempalte: \${d}
  - write: \${out}
`
    expect(await lint(wrong)).toEqual([
      '3:14 NO_SUCH_INPUT the input none.jsonl does not exist',
      '5:37 BAD_OPTION `parse`: `format` is "jsnl" (did you mean `jsonl`?)',
      '5:43 BAD_OPTION `parse` has no option `feild` (did you mean `field`?)',
      '6:44 BAD_OPTION `template` has no option `mapping.respnse` (did you mean `response`?)',
      '6:64 BAD_OPTION `template`: `mapping.scores` is 3',
      '7:55 BAD_OPTION `regression-expand`: `tokens.end` is 3',
      '7:67 BAD_OPTION `regression-expand`: `range` is "kep" (did you mean `keep`?)',
      '8:5 UNKNOWN_STAGE there is no stage `tempalte` (did you mean `template`?)',
    ])
  })

  test('wires are checked where they do not hang on one', async () => {
    const stages = (template: string) =>
      `name: x\nvars: { v: null }\ninputs: in.jsonl\nstages: [template: ${template}, regression-expand, write: x]\n`
    expect(await lint(stages('{ dataset: "${v}" }'))).toEqual([])
    expect(await lint(stages('{ dataset: helpsteer2, system: "${v}" }'))).toEqual([
      '4:61 WIRE_MISFIT `regression-expand` cannot take conversations with scores',
    ])
  })

  test('explain shows them as they stand', async () => {
    put({
      'p.yaml':
        'name: x\nvars: { in: null, out: null }\ninputs: ${in}\nstages: [write: "${out}/${input}.jsonl"]\n',
    })
    const { pipeline, inputs } = await explainFile('p.yaml', { env: {} })
    const text = await explainPipeline(pipeline, inputs)
    expect(text).toContain('\n    ${in}\n')
    expect(text).toContain('\n  ${out}/input.jsonl  (input)\n')
  })
})
