import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseJson } from '../../src/records/parse-json.js'
import { spellWith } from '../support/arbitraries.js'

/** A value as JSON, its texts spelled in any way. The keys of an object differ. */
function spelled(value: unknown, seed: number): string {
  if (typeof value === 'string') return `"${spellWith(value, seed)}"`
  if (Array.isArray(value)) return `[ ${value.map((each) => spelled(each, seed + 1)).join(' ,')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const fields = Object.keys(value).map(
    (key) => `${spelled(key, seed)} : ${spelled((value as Record<string, unknown>)[key], seed + 1)}`,
  )
  return `{${fields.join(', ')} }`
}

test('keys are what they say, whatever was read before', () => {
  const key = fc.oneof(
    fc.string({ maxLength: 3 }),
    fc
      .array(fc.constantFrom('\\', '\n', '"', 'a', ' ', 'n', 'u'), { maxLength: 3 })
      .map((list) => list.join('')),
    fc.constantFrom('constructor', '0', '10'),
  )
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.oneof(key, fc.integer(), fc.constantFrom(null, true, false, 0.5, 1e300)),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(key, tie('value'), { maxKeys: 4 }),
    ),
  }))
  const property = fc.property(value, fc.nat(), (expected, seed) => {
    const got = parseJson(spelled(expected, seed))
    expect(got).toEqual(expected)
    expect(JSON.stringify(got)).toBe(JSON.stringify(expected))
  })
  fc.assert(property, { numRuns: 20_000 })
})

test('what V8 is known to read wrongly', () => {
  parseJson('{"h":[],"\\\\":0}')
  for (const key of ['\\n', '\\"', '\\u0041']) {
    expect(Object.keys(parseJson(`{"h":1,"${key}":2}`) as object)).toEqual(['h', JSON.parse(`"${key}"`)])
  }
})

test('`__proto__` is a field like any other', () => {
  const got = parseJson('{"\\n":1,"__proto__":{"a":1}}') as object
  expect(Object.keys(got)).toEqual(['\n', '__proto__'])
  expect(Object.getPrototypeOf(got)).toBe(Object.prototype)
})

test('the last of repeated keys counts, at the place of the first', () => {
  expect(JSON.stringify(parseJson('{"\\n":1,"b":2,"\\u000a":3}'))).toBe('{"\\n":3,"b":2}')
})

test('deep nesting', () => {
  const depth = 100_000
  let value = parseJson(`${'{"\\n":'.repeat(depth)}1${'}'.repeat(depth)}`)
  for (let i = 0; i < depth; i++) value = (value as Record<string, unknown>)['\n']
  expect(value).toBe(1)
})
