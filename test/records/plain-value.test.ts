import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseJson } from '../../src/records/parse-json.js'
import { type PlainValue, plainValue } from '../../src/records/plain-value.js'
import type { JsonRecord } from '../../src/records/record.js'
import { records } from '../stages/support.js'
import { jsonText } from '../support/arbitraries.js'

/** The value of the member `v` of a line. */
async function read(json: string): Promise<PlainValue> {
  const [record] = (await records([`{"v": ${json}}`])).records
  const row = record as JsonRecord // parse gives these
  return plainValue(row, row.first(row.root) + 2)
}

/** As `JSON.parse` would have given it. */
function asParsed(value: PlainValue): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return value.map(asParsed)
  if (!(value instanceof Map)) return value
  const made: Record<string, unknown> = {}
  for (const [key, inner] of value) {
    Object.defineProperty(made, key, { value: asParsed(inner), enumerable: true })
  }
  return made
}

test('means what JSON.parse says', async () => {
  await fc.assert(
    fc.asyncProperty(jsonText, async (json) => {
      expect(JSON.stringify(asParsed(await read(json)))).toBe(JSON.stringify(parseJson(json)))
    }),
  )
})

test('integers keep all digits, objects any key', async () => {
  expect(await read('12345678901234567890')).toBe(12345678901234567890n)
  expect(await read('-9007199254740993')).toBe(-9007199254740993n)
  expect(await read('9007199254740991')).toBe(9007199254740991)
  expect(await read('1e30')).toBe(1e30)
  const value = await read('{"__proto__": 1, "constructor": [], "a": {}, "a": 2}')
  expect(value).toEqual(
    new Map<string, PlainValue>([
      ['__proto__', 1],
      ['constructor', []],
      ['a', 2],
    ]),
  )
})

test('nesting may be deep', async () => {
  const depth = 50_000
  let value = await read('['.repeat(depth) + ']'.repeat(depth))
  let seen = 0
  for (; Array.isArray(value); value = value[0] as PlainValue) seen++
  expect(seen).toBe(depth)
})
