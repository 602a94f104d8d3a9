import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toBytes } from '../../src/records/batch.js'
import { JsonLinesReader } from '../../src/storage/json-lines.js'
import { recordsOf } from './support.js'

const around = fc.constantFrom('', ' ', '\t', '\r', ' \r')
const recordLine = fc
  .tuple(around, fc.string({ maxLength: 12, unit: 'grapheme' }), around)
  .map(([before, text, after]) => before + JSON.stringify({ text }) + after)
const blank = around
const lines = fc.array(fc.oneof({ weight: 4, arbitrary: recordLine }, { weight: 1, arbitrary: blank }), {
  maxLength: 12,
})

test('records that nothing has changed are written as they were read, line by line or many together', () => {
  fc.assert(
    fc.property(
      lines,
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 5 }), fc.boolean()), { maxLength: 8 }),
      (given, runs) => {
        const records = recordsOf(given)
        const copies = records.map((record) => record.inPart('a'))
        // Neighbours, and jumps between them; records themselves, and copies of them.
        const chosen = runs.flatMap(([from, count, copied]) => {
          const start = records.length === 0 ? 0 : from % records.length
          return (copied ? copies : records).slice(start, start + count)
        })
        const expected = chosen.map((record) => `${record.json()}\n`).join('')
        expect(toBytes(chosen).toString('latin1')).toBe(expected)
      },
    ),
    { numRuns: 1000 },
  )
})

test('a whole file goes out as it came in', () => {
  const bytes = Buffer.from(Array.from({ length: 9000 }, (_, i) => `{"n": ${i}, "é": "\\u00e9"}\n`).join(''))
  const reader = new JsonLinesReader({ input: 'test', maxLineBytes: 1000 })
  const { records } = reader.read(bytes)
  expect(records).toHaveLength(9000)
  expect(toBytes(records).equals(bytes)).toBe(true)
})
