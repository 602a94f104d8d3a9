/**
 * How many texts a request has: a larger one is tried once the level has settled, and kept if it is worth it.
 */
import { describe, expect, test } from 'vitest'
import { RequestSize } from '../../src/reward/request-size.js'

const LIMIT = 128

/** Answers texts for a while: with which sizes, if `rate` says how many a second come with each. */
function sizesOver(
  rate: (size: number) => number,
  { usual = 1, most = 1000, settledAt = 500 } = {},
): number[] {
  let now = 0
  const size = new RequestSize(usual, most, () => now)
  const seen: number[] = []
  for (let answered = 0; answered < 5000; answered += size.size) {
    now += (size.size * 1000) / rate(size.size)
    size.answered(size.size, LIMIT, answered >= settledAt)
    if (seen.at(-1) !== size.size) seen.push(size.size)
  }
  return seen
}

describe('request size', () => {
  test('larger requests stay where more is answered with them', () => {
    expect(sizesOver((size) => (size === 1 ? 350 : 400))).toEqual([1, 8])
  })

  test('not where it is the same, or less', () => {
    expect(sizesOver(() => 444)).toEqual([1, 8, 1])
    expect(sizesOver((size) => (size === 1 ? 444 : 300))).toEqual([1, 8, 1])
  })

  test('nothing is tried before the level has settled, and anew when it changes', () => {
    expect(sizesOver(() => 444, { settledAt: 5000 })).toEqual([1])
    let now = 0
    const size = new RequestSize(1, 1000, () => now)
    const answer = (texts: number, limit: number) => {
      for (let i = 0; i < texts; i++) {
        now += 2
        size.answered(1, limit, true)
      }
    }
    answer(300, 128)
    expect(size.size).toBe(8)
    answer(1, 160)
    expect(size.size).toBe(1)
    answer(330, 160)
    expect(size.size).toBe(8)
  })

  test('one that the server cannot take is not tried; a usual size that is large enough stays', () => {
    expect(sizesOver((size) => size, { most: 1 })).toEqual([1])
    expect(sizesOver((size) => 100 * size, { most: 4 })).toEqual([1, 4])
    expect(sizesOver((size) => 100 * size, { usual: 16 })).toEqual([16])
  })
})
