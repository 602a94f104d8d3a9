/** What is told from the beginning of a number is what is told from all of it. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MessageScores } from '../../src/datasets/message-scores.js'
import { quartersOf } from '../../src/datasets/quarters.js'
import { LEFT } from '../../src/records/direct.js'
import { recordOf } from '../../src/stages/plain-objects.js'
import { jsonText } from '../support/arbitraries.js'

function quick(json: string): number {
  // Something stands before and behind it.
  const bytes = Buffer.from(`5.${json}9`)
  return quartersOf(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 2, bytes.length - 1)
}

test.each([
  ['0', 0],
  ['1', 4],
  ['0.0', 0],
  ['1.0', 4],
  ['0.125', 0],
  ['0.375', 2],
  ['0.625', 2],
  ['0.875', 4],
  ['0.12499999', 0],
  ['0.1251', 1],
  ['0.16666666666666666', 1],
  ['0.5833333333333334', 2],
  ['0.99999999999999999', 4],
])('%s', (json, expected) => {
  expect(quick(json)).toBe(expected)
})

test.each([
  '0.12500000000000001',
  '0.1250000',
  '2',
  '1.5',
  '-0.5',
  '1e-1',
  '0.1e0',
  '0.12345e2',
  '"0"',
  '"0.12345"',
])('not %s', (json) => {
  expect(quick(json)).toBe(LEFT)
})

const decimals = fc
  .tuple(
    fc.constantFrom('0.', '0.', '0.', '1.', '-0.', '10.'),
    fc.array(fc.nat(9), { minLength: 1, maxLength: 20 }),
    fc.constantFrom('', '', '', 'e1', 'E-2'),
  )
  .map(([whole, digits, exponent]) => whole + digits.join('') + exponent)

test('any number, and whatever else may stand there', () => {
  const scores = new MessageScores(['quality'], 'half-even')
  const slow = (json: string): string => {
    const row = recordOf(JSON.parse(`{"quality":{"value":${json}}}`), ORIGIN)
    return scores.read(row, row.root)[0].json
  }
  let told = 0
  fc.assert(
    fc.property(
      fc.oneof(decimals, fc.double({ min: 0, max: 1, noNaN: true }).map(String), jsonText),
      (json) => {
        const found = quick(json)
        if (found === LEFT) return
        told++
        expect(slow(json)).toBe(String(found))
      },
    ),
    { numRuns: 5000 },
  )
  expect(told).toBeGreaterThan(500)
})

const ORIGIN = { input: 'test', first: 1, offset: undefined, unit: 'record' } as const
