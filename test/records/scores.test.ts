import fc from 'fast-check'
import { expect, test } from 'vitest'
import { attributesFrom } from '../../src/records/attributes.js'
import type { Turn } from '../../src/records/conversation.js'
import { encode } from '../../src/records/json-text.js'
import { lastScored, ScoreReader } from '../../src/records/scores.js'
import { thrown } from '../stages/support.js'

const turn = (label: string | null, scores?: Readonly<Record<string, string>>): Turn => ({
  from: encode('Assistant'),
  value: encode('a'),
  label: label === null ? null : encode(label),
  scores: scores
    ? Object.entries(scores).map(([name, json]) => ({ name: encode(name), json: encode(json) }))
    : null,
  node: -1,
})
const reader = new ScoreReader(attributesFrom(['a', { name: 'b', sentinel: -1 }, 'é']))
const none = Number.NaN

test.each<[string, readonly number[]]>([
  ['a:1,b:2,é:3', [1, 2, 3]],
  ['b: 2.5 ', [none, 2.5, none]],
  ['a:1,a:3', [3, none, none]],
  ['a:1:9,unknown:4', [1, none, none]],
  ['a:-100,b:-100', [none, -100, none]],
  ['a:-1,b:-1,é:1e0', [-1, none, 1]],
])('the label %j', (label, expected) => {
  expect(reader.read(turn(label))).toEqual(expected)
  expect(reader.read(turn(label))).toEqual(expected)
})

/** As {@link ScoreReader.readDigits} has it, of a label that stands among other bytes. */
function digits(label: string, from = reader): readonly number[] | undefined {
  const bytes = Buffer.from(`"${encode(label)}"`, 'latin1')
  return from.readDigits(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 1, bytes.length - 1)
}

test('labels of digits as they lie', () => {
  const part = fc.tuple(
    fc.constantFrom('a', 'b', 'é', '"x', 'é'),
    fc.constantFrom('0', '3', '9', '4:1', '-0', '1.5'),
  )
  const labels = fc.array(part, { minLength: 1, maxLength: 4 })
  let read = 0
  fc.assert(
    fc.property(labels, (parts) => {
      const label = parts.map((each) => each.join(':')).join(',')
      const found = digits(label)
      if (found === undefined) return
      read++
      expect(found).toEqual(reader.read(turn(label)))
    }),
    { numRuns: 2000 },
  )
  expect(read).toBeGreaterThan(200)
})

test('a sentinel that is a digit is none of the scores', () => {
  const some = new ScoreReader(attributesFrom([{ name: 'quality', sentinel: 3 }]))
  expect([1, 2, 3, 4].map((score) => digits(`quality:${score}`, some))).toEqual([[1], [2], [none], [4]])
})

test.each(['a:1.5', 'a:-0', 'a:10', 'a', 'a:x', 'other'])('%s is left to others', (label) => {
  expect(digits(label)).toBeUndefined()
})

test('scores, which count before a label', () => {
  expect(reader.read(turn('a:1', { a: '2', b: '-1', other: '"x"' }))).toEqual([2, none, none])
  expect(reader.read(turn('a:1', {}))).toEqual([1, none, none])
  expect(reader.read(turn(null))).toEqual([none, none, none])
  expect(reader.read(turn(''))).toEqual([none, none, none])
})

test.each([
  ['a', 'BAD_LABEL'],
  ['a:1,', 'BAD_LABEL'],
  ['a:nan', 'BAD_LABEL'],
  [':1', 'BAD_LABEL'],
])('the label %j is %s', (label, code) => {
  expect(thrown(() => reader.read(turn(label))).code).toBe(code)
})

test.each(['null', 'true', '[]'])('a score that is %s is none', (json) => {
  expect(thrown(() => reader.read(turn(null, { a: json }))).code).toBe('BAD_SCORE')
})

test('the last turn with something to say', () => {
  const turns = [turn('a:1'), turn(null, { a: '2' }), turn(''), turn(null, {}), turn(null)]
  expect(lastScored(turns)).toBe(turns[1])
  expect(lastScored(turns.slice(2))).toBeUndefined()
})
