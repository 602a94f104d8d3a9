/** Positions come back as they were added, near to each other or far apart. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Starts } from '../../src/storage/starts.js'

const BLOCK = 1 << 16

test('positions are what they were, in blocks of near ones and of ones that are far apart', () => {
  // Not further than numbers can count: 2 ** 53 in all.
  const distance = fc.oneof(fc.integer({ min: 0, max: 10_000 }), fc.integer({ min: 2 ** 31, max: 2 ** 33 }))
  // A distance for each position: the same one over and over, up to the next of these.
  const runs = fc.array(fc.record({ count: fc.integer({ min: 1, max: BLOCK * 2 }), distance }), {
    minLength: 1,
    maxLength: 5,
  })
  fc.assert(
    fc.property(runs, (all) => {
      const starts = new Starts()
      const expected: number[] = []
      let at = 0
      for (const { count, distance } of all) {
        for (let i = 0; i < count; i++) {
          expected.push(at)
          starts.add(at)
          at += distance
        }
      }
      expect(starts.count).toBe(expected.length)
      expect(expected.every((start, index) => starts.at(index) === start)).toBe(true)
    }),
    { numRuns: 20 },
  )
})
