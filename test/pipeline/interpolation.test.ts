import { beforeEach, describe, expect, test } from 'vitest'
import { lint, lintErrors, optionsOf, prepare, put, rows, useWorkFolder } from './support.js'

useWorkFolder()
beforeEach(() => put({ 'in.jsonl': rows(1, 3) }))

/** A definition with vars in its first line, and stages from its fifth. */
const withVars = (vars: string, stages: string, head = ''): string =>
  `vars: ${vars}\nname: x\n${head || 'inputs: in.jsonl'}\nstages:\n${stages
    .split('\n')
    .map((stage) => `  - ${stage}\n`)
    .join('')}`

/** The `field` that a `parse` with this value has. */
async function field(
  value: string,
  vars = '{}',
  env: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const text = withVars(vars, `parse: { field: ${JSON.stringify(value)} }\nwrite: out.jsonl`)
  return (await optionsOf(text, { env })).get('parse')?.field
}

const VARS = '{ a: one, b: "${a}/two", c: "${b}:${a}", n: 7, t: true, empty: "", none: null }'

test.each<[string, string]>([
  ['${a}', 'one'],
  ['x${a}y${a}z', 'xoneyonez'],
  ['${b}', 'one/two'],
  ['${c}', 'one/two:one'],
  ['${n} and ${t}', '7 and true'],
  ['<${empty}>', '<>'],
  ['${a:-default}', 'one'],
  ['${unknown:-default}', 'default'],
  ['${none:-default}', 'default'],
  ['${unknown:-}', ''],
  ['${unknown:-a:b - c}', 'a:b - c'],
  ['${unknown:-x}${a}', 'xone'],
  ['no reference: $a {a} $ {a}', 'no reference: $a {a} $ {a}'],
])('%s is %s', async (value, expected) => {
  expect(await field(value, VARS)).toBe(expected)
})

describe('a scalar that is nothing but one reference keeps the var’s type', () => {
  test('a number is one for `group`, and none inside a text', async () => {
    const options = await optionsOf(
      withVars('{ n: 2 }', 'parse: { group: "${n}", field: "f${n}" }\nwrite: x.jsonl'),
    )
    expect(options.get('parse')).toMatchObject({ group: 2, field: 'f2' })
  })

  test('a boolean is one for `overwrite`', async () => {
    const { pipeline } = await prepare(
      withVars('{ t: true }', 'write: x.jsonl', 'inputs: in.jsonl\noverwrite: ${t}'),
    )
    expect(pipeline.overwrite).toBe(true)
  })

  test('it passes through other vars', async () => {
    const options = await optionsOf(
      withVars('{ n: 2, m: "${n}" }', 'parse: { group: "${m}" }\nwrite: x.jsonl'),
    )
    expect(options.get('parse')?.group).toBe(2)
  })

  test('text that spells a number is still text', async () => {
    const text = withVars('{ n: "2" }', 'parse: { group: "${n}" }\nwrite: x.jsonl')
    expect(await lint(text)).toEqual(['5:21 BAD_OPTION `parse`: `group` is "2"'])
  })

  test('a number where text belongs is told', async () => {
    const text = withVars('{ n: 2 }', 'parse: { field: "${n}" }\nwrite: x.jsonl')
    expect(await lint(text)).toEqual(['5:21 BAD_OPTION `parse`: `field` is 2'])
  })

  test('a default is read as the option wants', async () => {
    const options = await optionsOf(withVars('{}', 'parse: { group: "${n:-2}" }\nwrite: x.jsonl'))
    expect(options.get('parse')?.group).toBe(2)
  })
})

describe('the environment', () => {
  test.each<[string, string]>([
    ['${env.HOME}', '/home/x'],
    ['a${env.HOME}', 'a/home/x'],
    ['${env.NONE:-d}', 'd'],
    ['${env.EMPTY:-d}', ''],
    ['${v}', '/home/x/data'],
  ])('%s is %s', async (value, expected) => {
    expect(await field(value, '{ v: "${env.HOME}/data" }', { HOME: '/home/x', EMPTY: '' })).toBe(expected)
  })

  test.each(['NONE', 'toString', '__proto__'])('%s is not in it', async (name) => {
    const [error, ...more] = await lintErrors(withVars('{}', `write: "\${env.${name}}"`))
    expect(more).toEqual([])
    expect(error.message).toBe(
      `p.yaml:5:12: the environment has no \`${name}\`. Set it, or write \`\${env.${name}:-default}\` for what to take without it. [UNKNOWN_NAME]`,
    )
  })
})

describe('a name that is not known', () => {
  test('is told at its line, with the nearest one, once for each place', async () => {
    const text = withVars('{ name: a, other: b }', 'parse: { field: "x${nmae}" }\nwrite: "${othr}-${nmae}"')
    expect(await lint(text)).toEqual([
      '5:21 UNKNOWN_NAME `${nmae}` is not known (did you mean `name`?)',
      '6:12 UNKNOWN_NAME `${othr}` is not known (did you mean `other`?)',
      '6:12 UNKNOWN_NAME `${nmae}` is not known (did you mean `name`?)',
    ])
  })

  test('is the only thing that is said about its value', async () => {
    const text = withVars(
      '{}',
      'parse: { group: "${g}" }\ntemplate: "${d}"\nwrite: x.jsonl',
      'inputs: "${i}"',
    )
    expect((await lint(text)).map((line) => line.split(' ')[1])).toEqual(Array(3).fill('UNKNOWN_NAME'))
  })

  test.each<[string, string]>([
    ['{ a: "${b}", b: 1 }', '1:12 UNKNOWN_NAME `${b}` is not known yet'],
    ['{ a: "${a}" }', '1:12 UNKNOWN_NAME `${a}` is not known yet'],
    ['{ abc: 1, d: "${abd}" }', '1:20 UNKNOWN_NAME `${abd}` is not known (did you mean `abc`?)'],
  ])('in vars: %s', async (vars, expected) => {
    expect(await lint(withVars(vars, 'write: x.jsonl'))).toEqual([expected])
  })

  test.each<[string, string]>([
    ['${a:b}', '`${a:b}` is no reference'],
    ['${a', '`${a` is no reference'],
    ['x ${ y', '`${` is no reference'],
    ['${a:-${b}}', '`${a:-${b}` has a reference in its default'],
    ['${}', '`${}` is no reference'],
    ['${ a }', '`${ a }` is not known (did you mean `a`?)'],
  ])('no reference at all: %s', async (value, found) => {
    const text = withVars('{ a: 1, b: 2 }', `write: ${JSON.stringify(value)}`)
    expect(await lint(text)).toEqual([`5:12 UNKNOWN_NAME ${found}`])
  })
})

describe('where it happens', () => {
  test('in nested options, lists, attributes, inputs and texts of several lines', async () => {
    const head = `description: |-
  for \${a}
attributes: ["\${a}", { name: "\${a}2", min: "\${n}" }]
inputs:
  i: { from: ["\${f}", { from: "\${f}", stages: [parse: { format: "\${l}" }] }] }`
    const stages =
      'template: { mapping: { prompt: "${a}", response: r, scores: ["${a}", "${a}2"] } }\nwrite: x.jsonl'
    const text = withVars('{ a: quality, n: -3, f: in.jsonl, l: lines }', stages, head)
    const { pipeline } = await prepare(text)
    expect(pipeline.description).toBe('for quality')
    expect(pipeline.inputs[0].sources.map(({ from }) => from)).toEqual(['in.jsonl', 'in.jsonl'])
    expect(pipeline.inputs[0].sources[1].parse?.options.format).toBe('lines')
    expect(pipeline.stages[0].options).toMatchObject({
      mapping: { prompt: 'quality', scores: ['quality', 'quality2'] },
      attributes: [{ name: 'quality' }, { name: 'quality2', min: -3 }],
    })
  })

  test('not in keys', async () => {
    expect(await lint(withVars('{ s: write }', '"${s}": x'))).toEqual([
      '5:5 UNKNOWN_STAGE there is no stage `${s}`',
    ])
    expect(await lint(withVars('{ o: group }', 'parse: { "${o}": 2 }\nwrite: x'))).toEqual([
      '5:14 BAD_OPTION `parse` has no option `${o}`',
    ])
    const { inputs } = await prepare(withVars('{ i: x }', 'write: x', 'inputs: { "${i}": in.jsonl }'))
    expect(inputs[0].name).toBe('${i}')
  })

  test('an alias is filled in like what it stands for', async () => {
    const text = withVars(
      '{ a: one, b: &b "${a}/x" }',
      'parse: { field: *b }\nwrite: &w "${b}.jsonl"\nwrite: *w',
    )
    expect(await lint(text)).toEqual(['7:12 OUTPUT_CONFLICT two stages write one/x.jsonl'])
    const options = await optionsOf(text.replace('  - write: *w\n', ''))
    expect(options.get('parse')?.field).toBe('one/x')
  })
})
