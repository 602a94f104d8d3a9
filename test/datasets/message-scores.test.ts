import { expect, test } from 'vitest'
import { MessageScores } from '../../src/datasets/message-scores.js'
import { pythonFloat } from '../../src/records/numbers.js'
import { recordOf } from '../../src/stages/plain-objects.js'

const ORIGIN = { input: 'test', first: 1, offset: undefined, unit: 'record' } as const

test('a value that is met again has the same score, however many there are', () => {
  const scores = new MessageScores(['quality'], 'none')
  const read = (value: unknown) => {
    const row = recordOf({ quality: { value } }, ORIGIN)
    return scores.read(row, row.root)[0].json
  }
  // More than are remembered.
  for (let round = 0; round < 2; round++) {
    for (let n = 1; n < 25_000; n++) expect(read(n + 0.0625)).toBe(pythonFloat(n * 4 + 0.25))
  }
  expect(read(3)).toBe('12')
  expect(() => read('3')).toThrow('the value of the label `quality` is "3"')
})
