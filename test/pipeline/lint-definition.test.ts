import { beforeEach, describe, expect, test } from 'vitest'
import { lintFile } from '../../src/pipeline/check.js'
import { lint, lintErrors, put, rows, useWorkFolder } from './support.js'

useWorkFolder()
beforeEach(() => put({ 'in.jsonl': rows(1, 3) }))

const BAD = 'DEFINITION_INVALID'

describe('every mistake at once', () => {
  const text = `nam: all
attributes: [helpfulness, { name: quality, min: low }]
vars:
  out: \${ouut}
inputs:
  train: in.jsonl
  val: { form: in.jsonl }
  test: missing.jsonl
stages:
  - pars
  - template: { dataset: helpster2, sytem: x }
  - label-format: { range: 3 }
  - regression-expand: { tokens: { usr: x } }
  - write: in.jsonl
  - { write: a.jsonl, parse: json }
overwrite: perhaps
`
  test('each has its line, its column, its code and the nearest name', async () => {
    expect(await lint(text)).toEqual([
      `1:1 ${BAD} unknown key \`nam\` (did you mean \`name\`?)`,
      `2:49 ${BAD} \`attributes.1.min\` is "low"`,
      '4:8 UNKNOWN_NAME `${ouut}` is not known (did you mean `out`?)',
      `7:10 ${BAD} unknown key \`inputs.val.form\` (did you mean \`from\`?)`,
      '8:9 NO_SUCH_INPUT the input missing.jsonl does not exist',
      '10:5 UNKNOWN_STAGE there is no stage `pars` (did you mean `parse`?)',
      '11:26 BAD_OPTION `template`: `dataset` is "helpster2" (did you mean `helpsteer2`?)',
      '11:37 BAD_OPTION `template` has no option `sytem` (did you mean `system`?)',
      '12:28 BAD_OPTION `label-format`: `range` is 3',
      '13:36 BAD_OPTION `regression-expand` has no option `tokens.usr` (did you mean `user`?)',
      '14:12 OUTPUT_CONFLICT the output in.jsonl is also an input',
      `15:5 ${BAD} \`write\` and \`parse\` in one stage`,
      `16:12 ${BAD} \`overwrite\` is "perhaps"`,
    ])
  })

  test('each names the file, and says what to do', async () => {
    for (const { message, place, fix } of await lintErrors(text)) {
      expect(place?.input).toBe('p.yaml')
      expect(message).toMatch(/^p\.yaml:\d+:\d+(, write)?: .* \[[A-Z_]+\]$/)
      expect(fix.length).toBeGreaterThan(10)
    }
  })

  test('what is expected is named', async () => {
    const messages = (await lintErrors(text)).map(({ message }) => message).join('\n')
    expect(messages).toContain('expected name, description, vars, attributes, inputs, stages, overwrite')
    expect(messages).toContain('expected parse, template, ')
    expect(messages).toContain('expected keep, error, clamp')
    expect(messages).toContain('expected `true` or `false`')
    expect(messages).toContain('expected system, user, assistant, label, end')
  })
})

/** A definition with other lines in the place of its own. */
const definition = (lines: Readonly<Record<string, string>>): string =>
  Object.values({
    name: 'name: x',
    inputs: 'inputs: in.jsonl',
    stages: 'stages: [write: out.jsonl]',
    ...lines,
  })
    .filter(Boolean)
    .join('\n')

test('the definition that the tables below are made from is well', async () => {
  expect(await lint(definition({}))).toEqual([])
})

test.each<[string, Readonly<Record<string, string>>, string[]]>([
  ['no name', { name: '' }, [`1:1 ${BAD} no \`name\``]],
  [
    'an empty name',
    { name: 'name: ""' },
    [`1:7 ${BAD} \`name\`: too small: expected string to have >=1 characters`],
  ],
  ['a name that is no text', { name: 'name: [x]' }, [`1:7 ${BAD} \`name\` is a list`]],
  ['no inputs', { inputs: '' }, [`1:1 ${BAD} no \`inputs\``]],
  ['inputs without a value', { inputs: 'inputs:' }, [`2:8 ${BAD} \`inputs\` is empty`]],
  ['no input in the map', { inputs: 'inputs: {}' }, [`2:9 ${BAD} \`inputs\` is empty`]],
  ['no input in the list', { inputs: 'inputs: []' }, [`2:9 ${BAD} \`inputs\` is empty`]],
  ['inputs that are a number', { inputs: 'inputs: 3' }, [`2:9 ${BAD} \`inputs\` is 3`]],
  [
    'an input that is a number',
    { inputs: 'inputs: { a: in.jsonl, b: 3 }' },
    [`2:27 ${BAD} \`inputs.b\` is 3`],
  ],
  ['an entry that is a number', { inputs: 'inputs: [in.jsonl, 3]' }, [`2:20 ${BAD} \`inputs.1\` is 3`]],
  [
    'an input without from',
    { inputs: 'inputs: { a: { stages: [] } }' },
    [`2:14 ${BAD} \`inputs.a.from\` is missing`],
  ],
  [
    'an unknown key in an entry',
    { inputs: 'inputs: { a: { from: [{ from: in.jsonl, stage: [] }] } }' },
    [`2:41 ${BAD} unknown key \`inputs.a.from.0.stage\` (did you mean \`stages\`?)`],
  ],
  ['no stages', { stages: '' }, [`1:1 ${BAD} no \`stages\``]],
  ['an empty list of stages', { stages: 'stages: []' }, [`3:9 ${BAD} \`stages\` is empty`]],
  ['stages without a value', { stages: 'stages:' }, [`3:8 ${BAD} \`stages\` is empty`]],
  ['stages that are a map', { stages: 'stages: { write: x }' }, [`3:9 ${BAD} \`stages\` is a map`]],
  ['a description that is no text', { more: 'description: 3' }, [`4:14 ${BAD} \`description\` is 3`]],
  ['a var that is a list', { more: 'vars: { a: [1] }' }, [`4:12 ${BAD} \`vars.a\` is a list`]],
  [
    'a var with a name that cannot be used',
    { more: 'vars: { a b: 1 }' },
    [`4:9 ${BAD} \`vars.a b\`: a name is letters, digits, \`_\` and \`-\``],
  ],
  [
    'a var with the name of something that is always there',
    { more: 'vars: { input: 1 }' },
    [`4:9 ${BAD} the var \`input\` has the name of something that is always there`],
  ],
])('%s', async (_, lines, expected) => {
  expect(await lint(definition(lines))).toEqual(expected)
})

test.each<[string, string, string]>([
  ['an empty file', '', `1:1 ${BAD} the file is empty`],
  ['nothing but a comment', '# to do\n', `1:1 ${BAD} the file is empty`],
  ['a list', '- parse\n', `1:1 ${BAD} this is no pipeline`],
  ['a text', 'helpsteer2\n', `1:1 ${BAD} this is no pipeline`],
])('%s is no pipeline', async (_, text, expected) => {
  expect(await lint(text)).toEqual([expected])
})

test.each([
  ['is not there', 'none.yaml', 'no such file or directory (ENOENT)'],
  ['is a folder', '.', 'illegal operation on a directory (EISDIR)'],
])('a pipeline file that %s', async (_, path, reason) => {
  const [error, ...more] = await lintFile(path, { env: {} })
  expect(more).toEqual([])
  expect(error.code).toBe('NO_SUCH_INPUT')
  expect(error.place).toEqual({ input: path })
  expect(error.found).toBe(`the pipeline file cannot be read: ${reason}`)
})
