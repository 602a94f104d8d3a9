import { beforeEach, describe, expect, test } from 'vitest'
import { lint, lintErrors, optionsOf, prepare, put, rows, useWorkFolder } from './support.js'

useWorkFolder()
beforeEach(() => put({ 'in.jsonl': rows(1, 3) }))

/** A definition with a var `v`. */
const using = (stages: string, more = ''): string =>
  `name: x\nvars: { v: 1, out: out.jsonl }\ninputs: in.jsonl\n${more}stages:\n  - ${stages}\n  - write: \${out}\n`

describe('what is set is text, read as the option wants', () => {
  test.each<[string, string, string, unknown]>([
    ['parse: { group: "${v}" }', '2', 'group', 2],
    ['parse: { group: "${v}" }', ' 2 ', 'group', 2],
    ['parse: { group: "${v}" }', '1e1', 'group', 10],
    ['parse: { max-line-bytes: "${v}" }', '100', 'maxLineBytes', 100],
    ['parse: { field: "${v}" }', '2', 'field', '2'],
    ['parse: { field: "${v}" }', 'true', 'field', 'true'],
    ['parse: { field: "${v}" }', '', 'field', ''],
    ['parse: { format: "${v}" }', 'lines', 'format', 'lines'],
    ['parse: ${v}', 'lines', 'format', 'lines'],
  ])('%s, set to "%s"', async (stage, v, option, expected) => {
    expect((await optionsOf(using(stage), { set: { v } })).get('parse')?.[option]).toBe(expected)
  })

  test.each<[string, string, string]>([
    ['parse: { group: "${v}" }', 'two', '5:21 BAD_OPTION `parse`: `group` is "two"'],
    ['parse: { group: "${v}" }', '', '5:21 BAD_OPTION `parse`: `group` is ""'],
    ['parse: { group: "${v}" }', '0x2', '5:21 BAD_OPTION `parse`: `group` is "0x2"'],
    ['parse: { group: "${v}" }', 'Infinity', '5:21 BAD_OPTION `parse`: `group` is "Infinity"'],
    ['parse: { group: "${v}" }', '2.5', '5:21 BAD_OPTION `parse`: `group` is 2.5'],
    [
      'parse: { group: "${v}" }',
      '0',
      '5:21 BAD_OPTION `parse`: `group`: too small: expected number to be >=1',
    ],
    ['parse: { group: "${v}0" }', '2', '5:21 BAD_OPTION `parse`: `group` is "20"'],
    [
      'parse: { format: "${v}" }',
      'jsnl',
      '5:22 BAD_OPTION `parse`: `format` is "jsnl" (did you mean `jsonl`?)',
    ],
    [
      'label-format: { attributes: "${v}" }',
      'a,b:c',
      '5:33 BAD_OPTION `label-format`: `attributes.1`: an attribute',
    ],
  ])('%s, set to "%s", is told where it is used', async (stage, v, expected) => {
    const found = await lint(using(stage), { set: { v } })
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(expected)
  })

  test.each<[string, boolean | string]>([
    ['true', true],
    ['false', false],
    ['yes', '4:12 DEFINITION_INVALID `overwrite` is "yes"'],
    ['TRUE', '4:12 DEFINITION_INVALID `overwrite` is "TRUE"'],
  ])('a boolean: %s', async (v, expected) => {
    const text = using('parse', 'overwrite: ${v}\n')
    if (typeof expected === 'string') expect(await lint(text, { set: { v } })).toEqual([expected])
    else expect((await prepare(text, { set: { v } })).pipeline.overwrite).toBe(expected)
  })

  test('lists and numbers in attributes', async () => {
    const list = await optionsOf(using('label-format', 'attributes: ${v}\n'), { set: { v: 'a, b' } })
    expect(list.get('label-format')).toMatchObject({ attributes: [{ name: 'a' }, { name: 'b' }] })
    const range = await optionsOf(using('label-format', 'attributes: [{ name: a, min: "${v}" }]\n'), {
      set: { v: '-2.5' },
    })
    expect(range.get('label-format')).toMatchObject({ attributes: [{ name: 'a', min: -2.5 }] })
  })

  test('through other vars and behind aliases', async () => {
    const text = `name: x
vars: { v: 1, w: "\${v}" }
inputs: { a: { from: in.jsonl, stages: [parse: { group: &g "\${w}" }] } }
stages: [parse: { group: *g }, write: x.jsonl]
`
    const { pipeline } = await prepare(text, { set: { v: '3' } })
    expect(pipeline.parse.options.group).toBe(3)
    expect(pipeline.inputs[0].sources[0].parse?.options.group).toBe(3)
  })
})

test.each<[Record<string, string>, string]>([
  [{ vv: '1' }, '`--set vv=…`: the definition has no such var (did you mean `v`?)'],
  [{ input: 'x' }, '`--set input=…`: the definition has no such var'],
])('a var that is not there: %j', async (set, found) => {
  const [error, ...more] = await lintErrors(using('parse'), { set })
  expect(more).toEqual([])
  expect(error).toMatchObject({ code: 'USAGE', found, expected: 'v, out', place: { input: 'p.yaml' } })
})
