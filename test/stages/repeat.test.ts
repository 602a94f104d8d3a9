/**
 * repeat: each record, or group, several times in a row.
 */
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Batch, parse, repeat } from '../../src/index.js'
import { inCrumbs } from '../support/crumbs.js'
import { numbered, numbersOf } from './numbered.js'
import { counts, file, linesFrom, linesThrough, thrown } from './support.js'

test('each line four times in a row, to the last byte', async () => {
  const lines = ['{"a" : 1.0}\r', '{"b": "\\u00e9"}']
  const out = await linesThrough(lines, repeat({ times: 4 }))
  expect(out).toEqual([lines[0], lines[0], lines[0], lines[0], lines[1], lines[1], lines[1], lines[1]])
})

test('a group as a whole', async () => {
  const out = await linesFrom(Readable.from([file(numbered(4))]), parse({ group: 2 }), repeat({ times: 3 }))
  expect(numbersOf(out)).toEqual([0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3])
})

test('does not hang on the chunks', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.infiniteStream(fc.integer({ min: 1, max: 20 })),
      fc.nat({ max: 20 }),
      fc.integer({ min: 1, max: 5 }),
      fc.constantFrom(1, 2),
      async (sizes, units, times, group) => {
        const bytes = Readable.from(inCrumbs(file(numbered(units * group)), sizes))
        const out = await linesFrom(bytes, parse({ group }), repeat({ times }))
        const expected = Array.from({ length: units }, (_, unit) =>
          Array.from({ length: times }, () => Array.from({ length: group }, (_, i) => unit * group + i)),
        )
        expect(numbersOf(out)).toEqual(expected.flat(2))
      },
    ),
    { numRuns: 40 },
  )
})

test('many times: in batches of a bounded size, made as they are wanted', async () => {
  const stage = Readable.from([file(numbered(2))])
    .pipe(parse())
    .pipe(repeat({ times: 1_000_000 }))
  let taken = 0
  let largest = 0
  for await (const batch of stage.batches() as AsyncIterable<Batch>) {
    taken += batch.records.length
    largest = Math.max(largest, batch.records.length)
    if (taken > 20_000) break
  }
  expect(largest).toBeLessThanOrEqual(4096)
  expect(stage.counters.out).toBeLessThan(60_000)
})

test('counts', async () => {
  const stage = repeat({ times: 3 })
  await linesThrough(numbered(5), stage)
  expect(counts(stage.counters)).toMatchObject({ in: 5, out: 15 })
})

test.each([0, -1, 1.5])('times: %d is refused', (times) => {
  expect(thrown(() => repeat({ times })).message).toContain('`times`')
})
