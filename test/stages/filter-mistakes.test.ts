/**
 * filter: expressions that are refused before anything runs, with what is wrong with them.
 */
import { describe, expect, test } from 'vitest'
import { filter } from '../../src/index.js'
import { thrown } from './support.js'

const refused = (where: string) => thrown(() => filter({ where }))

test.each<[string, string, number]>([
  ['helpfulnes >= 3', 'there is no `helpfulnes` (did you mean `helpfulness`?)', 1],
  ['humor > 1 && (verbosty) <= 2', 'there is no `verbosty` (did you mean `verbosity`?)', 15],
  ['humor != verbosty', 'there is no `verbosty` (did you mean `verbosity`?)', 10],
  ['(humor > 1 || has(verbosity)) != foo', 'there is no `foo`', 34],
  ['\n  humor > 1\n  && x', 'there is no `x`', 19],
  ['turns.exists(t, t.valu == "x")', 'there is no `valu` (did you mean `value`?)', 19],
  ['turns[0].scores.humr > 1', 'there is no `humr` (did you mean `humor`?)', 17],
  ['scores["humr"] > 1', 'there is no `scores["humr"]`', 1],
  ['turns.exist(t, t.from == "x")', 'there is no function `exist` (did you mean `exists`?)', 7],
  ['siz(turns) > 1', 'there is no function `siz` (did you mean `size`?)', 1],
  ['humor >= "3"', 'no such overload: double >= string', 1],
  ['part == "x" && system > 3', 'no such overload: string > int', 16],
  ['humor in [1, 2]', 'no such overload: double in list<int>', 1],
  ['humor', 'the expression gives double', 1],
  ['part', 'the expression gives string', 1],
  ['turns', 'the expression gives list<Turn>', 1],
  ['humor && true', "logical operator requires bool operands, got 'double'", 1],
  ['humor >=', 'the expression ends too early', 9],
  [' ', 'the expression ends too early', 2],
  ['(humor > 1', 'expected `)`, got the end', 11],
  ['part == "x', 'unterminated string', 9],
  ['humor = 1', 'unexpected character: =', 7],
  ['humor >>= 1', '`>=` where it does not belong', 8],
  ['part.matches("a(?=b)")', 'the pattern has `(?=` in it, which CEL’s patterns do not have', 14],
  [
    'part.matches("[(?!]\\\\(?(a)\\\\1")',
    'the pattern has `\\1` in it, which CEL’s patterns do not have',
    14,
  ],
  ['part.matches("(")', 'the pattern is no regular expression: /(/: Unterminated group', 14],
  ['has(humr)', '`has` cannot ask for `humr` (did you mean `humor`?)', 5],
  ['turns.exists(t, has(t.humr))', '`has` cannot ask for `humr` (did you mean `humor`?)', 23],
  ['has(turns)', '`has` cannot ask for `turns`', 5],
  ['has(turns[0])', '`has` cannot ask for what has no name', 5],
  ['constructor > 1', 'there is no `constructor`', 1],
  ['x'.repeat(200_000), expect.stringMatching(/^there is no/) as unknown as string, 1],
])('%s', (where, found, character) => {
  const error = refused(where)
  expect(error).toMatchObject({ code: 'BAD_EXPRESSION', stage: 'filter', place: undefined, exitCode: 2 })
  const [, told, at] = /^(.*), at character (\d+) of `where`$/s.exec(error.found) ?? []
  expect(told).toEqual(found)
  expect(Number(at)).toBe(character)
})

describe('what to do', () => {
  test.each<[string, string]>([
    ['humor', 'Compare the score with something: `humor >= 3.0`.'],
    ['humor = 1', 'To compare, write `==`.'],
    ['humor > 1 and part == "x"', '`and`, `or` and `not` are written `&&`, `||` and `!`.'],
    ['humor in [1, 2]', 'In a list with scores write `3.0`, not `3`.'],
    ['humor in [1.0, 2]', 'In a list with scores write `3.0`, not `3`.'],
    ['lang == "en"', 'A field of the record that was read is `source.NAME`; text stands in quotes.'],
  ])('%s', (where, fix) => {
    expect(refused(where).fix).toBe(fix)
  })

  test('what there is', () => {
    expect(refused('x > 1').expected).toBe(
      'quality, toxicity, humor, creativity, helpfulness, correctness, coherence, complexity, verbosity, turns, speakers, system, mask, source, part, chars, scores',
    )
    const attributes = ['tone', 'is-safe']
    expect(thrown(() => filter({ where: 'humor > 1', attributes })).expected).toBe(
      'tone, turns, speakers, system, mask, source, part, chars, scores, scores["is-safe"]',
    )
  })
})

test.each([
  `(${'('.repeat(200)}has(humor)${')'.repeat(200)})`,
  `${'!'.repeat(200)}has(humor)`,
  Array.from({ length: 500 }, (_, n) => `source.id == ${n}`).join(' || '),
  `source.id in [${Array.from({ length: 5000 }, (_, n) => n).join(', ')}]`,
  'humor > 1.0 // a comment',
])('long and nested expressions are well', (where) => {
  expect(() => filter({ where })).not.toThrow()
})

test('an expression beyond all measure is refused, not a crash', () => {
  const where = Array.from({ length: 50_000 }, () => 'humor > 1.0').join(' && ')
  expect(refused(where).code).toBe('BAD_EXPRESSION')
})

test.each([{}, { where: '' }, { where: 3 }, { where: 'true', match: 'some' }, { where: 'true', name: '' }])(
  'options: %j',
  (options) => {
    // A script without types may give anything.
    expect(thrown(() => filter(options as never)).code).toBe('BAD_OPTION')
  },
)
