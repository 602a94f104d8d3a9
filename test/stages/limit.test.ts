/**
 * limit: the first records, in whole groups.
 */
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { limit, parse } from '../../src/index.js'
import { numbered, numbersOf, upTo } from './numbered.js'
import { file, linesFrom, linesThrough, thrown } from './support.js'

test.each([0, 1, 3, 10, 11, 1000])('the first %d of ten', async (count) => {
  const stage = limit({ count })
  expect(numbersOf(await linesThrough(numbered(10), stage))).toEqual(upTo(Math.min(10, count)))
  const dropped = Math.max(0, 10 - count)
  expect(Object.fromEntries(stage.counters.dropped)).toEqual(dropped === 0 ? {} : { limit: dropped })
})

test('over many batches', async () => {
  const bytes = Readable.from(numbered(100).map((line) => Buffer.from(`${line}\n`)))
  expect(numbersOf(await linesFrom(bytes, parse(), limit({ count: 42 })))).toEqual(upTo(42))
})

describe('groups', () => {
  test.each([
    [0, 0],
    [1, 2],
    [2, 2],
    [3, 4],
    [9, 8],
  ])('%d records of pairs are %d', async (count, there) => {
    const source = Readable.from([file(numbered(8))])
    expect(numbersOf(await linesFrom(source, parse({ group: 2 }), limit({ count })))).toEqual(upTo(there))
  })
})

test('a bad record after the limit is an error all the same, where it was read', async () => {
  const lines = [...numbered(3), '{']
  await expect(linesThrough(lines, limit({ count: 1 }))).rejects.toThrow('stream:4')
})

test('count: -1 is refused', () => {
  expect(thrown(() => limit({ count: -1 })).code).toBe('BAD_OPTION')
})
