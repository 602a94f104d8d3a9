import { beforeEach, describe, expect, test } from 'vitest'
import { lint, lintErrors, put, rows, useWorkFolder } from './support.js'

useWorkFolder()
beforeEach(() => put({ 'in.jsonl': rows(1, 3) }))

const HEAD = 'name: x\ninputs: in.jsonl\n'

test.each<[string, string, string[]]>([
  ['an open list', `${HEAD}stages: [write: x\n`, ['4:1 DEFINITION_SYNTAX flow sequence']],
  ['an open quote', `name: "x\n`, ['2:1 DEFINITION_SYNTAX missing closing "quote']],
  ['two colons', `${HEAD}stages:\n  - write: a: b\n`, ['4:12 DEFINITION_SYNTAX']],
  ['an indentation of its own', `${HEAD}stages:\n   - parse\n  - write: x\n`, ['5:1 DEFINITION_SYNTAX']],
  ['two lines with mistakes', 'name: "\\q"\ninputs: @x\nstages: [write: x]\n', ['1:8', '2:9']],
  [
    'a key that is there twice',
    `name: x\n${HEAD}stages: [write: x]\n`,
    ['2:1 DEFINITION_SYNTAX map keys must be unique'],
  ],
  [
    'an option that is there twice',
    `${HEAD}stages:\n  - parse: { group: 1, group: 2 }\n`,
    ['4:24 DEFINITION_SYNTAX'],
  ],
  ['a stage that is there twice', `${HEAD}stages:\n  - write: a\n    write: b\n`, ['5:5 DEFINITION_SYNTAX']],
  [
    'a second document',
    `${HEAD}stages: [write: x]\n---\nname: y\n`,
    ['4:1 DEFINITION_SYNTAX a second YAML document'],
  ],
  ['an unknown tag', `${HEAD}stages: [write: !path x]\n`, ['3:17 DEFINITION_SYNTAX unresolved tag']],
  ['an unknown version', `%YAML 1.9\n---\n${HEAD}stages: [write: x]\n`, ['1:7 DEFINITION_SYNTAX']],
  [
    'a control character',
    `${HEAD}stages: [write: a\x1b[31m]\n`,
    ['3:18 DEFINITION_SYNTAX the control character U+001B'],
  ],
  [
    'a NUL that is spelled out',
    `${HEAD}stages: [write: "a\\0b"]\n`,
    ['3:17 DEFINITION_SYNTAX a NUL character'],
  ],
  [
    'a tab as indentation',
    `${HEAD}stages:\n\t- write: x\n`,
    ['4:1 DEFINITION_SYNTAX tabs are not allowed as indentation'],
  ],
  [
    'tabs throughout',
    `${HEAD}stages:\n\t- parse\n\t- write: "\${x}"\n`,
    ['4:1 DEFINITION_SYNTAX tabs', '5:1'],
  ],
])('%s', async (_, text, expected) => {
  const found = await lint(text)
  expect(found).toHaveLength(expected.length)
  for (const [index, start] of expected.entries()) expect(found[index]).toContain(start)
})

describe('a reference without quotes inside braces', () => {
  test.each<[string, string, string]>([
    ['a map', `${HEAD}stages:\n  - write: { to: \${out}/x }\n`, '4:19'],
    ['a list', `name: x\ninputs: [\${source}/a, \${source}/b]\nstages: [write: x]\n`, '2:11'],
    ['a map over several lines', `${HEAD}stages:\n  - write: {\n      to: \${out}/x,\n    }\n`, '5:12'],
  ])('%s: one error, which says to quote it', async (_, text, place) => {
    const errors = await lintErrors(text)
    expect(errors).toHaveLength(1)
    expect(errors[0].code).toBe('DEFINITION_SYNTAX')
    expect(`${errors[0].place?.line}:${errors[0].place?.column}`).toBe(place)
    expect(errors[0].fix).toBe('Put the value in quotes: `{ to: "${out}/x.jsonl" }`.')
  })

  test('other mistakes do not say so', async () => {
    const [error] = await lintErrors(`${HEAD}stages: { a: b\n`)
    expect(error.fix).not.toContain('quotes')
  })
})

describe('aliases', () => {
  const nested = ['a: &a [x,x,x,x,x,x,x,x,x,x]']
  for (let i = 1; i < 12; i++) {
    const [before, name] = ['abcdefghijkl'[i - 1], 'abcdefghijkl'[i]]
    nested.push(`${name}: &${name} [${Array(10).fill(`*${before}`).join(',')}]`)
  }

  test.each<[string, string, string]>([
    ['that multiply', nested.join('\n'), 'excessive alias count'],
    [
      'of one big list',
      `${HEAD}x: &x [1]\ny: [${Array(2000).fill('*x').join(',')}]\n`,
      'more than 1000 aliases',
    ],
    ['of themselves', `${HEAD}stages: [parse: &p { group: *p }]\n`, '`*p` stands inside what it stands for'],
    ['of what is round them', `${HEAD}stages: &s\n  - parse\n  - x: [*s]\n`, '`*s` stands inside'],
    ['of nothing', `${HEAD}stages: *s\n`, 'there is no `&s` before `*s`'],
  ])('%s are refused, and quickly', async (_, text, found) => {
    const started = performance.now()
    const errors = await lintErrors(text)
    expect(performance.now() - started).toBeLessThan(1000)
    expect(errors.map(({ code }) => code)).toEqual(['DEFINITION_SYNTAX'])
    expect(errors[0].found).toContain(found)
    expect(errors[0].place?.line).toBeGreaterThan(0)
  })

  test('of stages and of texts are fine', async () => {
    const text = `name: &name both
description: *name
inputs:
  a: { from: in.jsonl, stages: &own [template: helpsteer2, label-format] }
  b: { from: in.jsonl, stages: *own }
stages: [write: "\${input}.jsonl"]
`
    expect(await lint(text)).toEqual([])
  })
})

describe('places', () => {
  const text = `name: x
inputs: in.jsonl
stages:
  - parse: { grup: 2 }
  - write: out.jsonl
`
  const expected = ['4:14 BAD_OPTION `parse` has no option `grup` (did you mean `group`?)']

  test('in a file with CRLF ends', async () => {
    expect(await lint(text.replaceAll('\n', '\r\n'))).toEqual(expected)
    expect(await lint('name: x\r\nname: y\r\n')).toEqual(['2:1 DEFINITION_SYNTAX map keys must be unique'])
  })

  test('in a file with a byte order mark', async () => {
    expect(await lint(`\uFEFF${text}`)).toEqual(expected)
    expect(await lint('\uFEFFname: { a: 1, a: 2 }\n')).toEqual([
      '1:15 DEFINITION_SYNTAX map keys must be unique',
    ])
  })

  test('in a file with other scripts', async () => {
    put({ 'données.jsonl': rows(1, 1) })
    const unicode = `name: дані
vars: { вихід: x, out: вихід }
inputs: { 訓練: données.jsonl, "": none }
stages:
  - write: "\${out}/\${input}-é.jsonl"
  - parsé
`
    expect(await lint(unicode)).toEqual([
      '2:9 DEFINITION_INVALID `vars.вихід`: a name is letters, digits, `_` and `-`',
      '3:34 NO_SUCH_INPUT the input none does not exist',
      '6:5 UNKNOWN_STAGE there is no stage `parsé` (did you mean `parse`?)',
    ])
  })

  test('a key that YAML takes for a number has its own place', async () => {
    expect(
      await lint('name: x\ninputs:\n  2023: in.jsonl\n  2024: none\nstages: [write: "${input}"]\n'),
    ).toEqual(['4:9 NO_SUCH_INPUT the input none does not exist'])
  })
})

test('a file that is not UTF-8 is refused', async () => {
  const [error, ...more] = await lintErrors(Buffer.from(`name: caf\xe9\n${HEAD}`, 'latin1'))
  expect(more).toEqual([])
  expect(error.message).toBe(
    'p.yaml: the pipeline file is not UTF-8. Convert it, for example with `iconv -f latin1 -t utf-8`. [DEFINITION_SYNTAX]',
  )
})
