/**
 * skip: what limit lets through is what skip drops.
 */
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { limit, parse, skip } from '../../src/index.js'
import { inCrumbs } from '../support/crumbs.js'
import { numbered, numbersOf, upTo } from './numbered.js'
import { file, linesFrom, linesThrough, thrown } from './support.js'

test('all but the first three', async () => {
  const stage = skip({ count: 3 })
  expect(numbersOf(await linesThrough(numbered(5), stage))).toEqual([3, 4])
  expect(Object.fromEntries(stage.counters.dropped)).toEqual({ skip: 3 })
})

test('limit and skip of one count divide the records between them, whatever the chunks and groups', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.infiniteStream(fc.integer({ min: 1, max: 20 })),
      fc.nat({ max: 12 }),
      fc.nat({ max: 30 }),
      fc.constantFrom(1, 2, 3),
      async (sizes, units, count, group) => {
        const bytes = file(numbered(units * group))
        const through = async (stage: typeof limit) =>
          numbersOf(
            await linesFrom(Readable.from(inCrumbs(bytes, sizes)), parse({ group }), stage({ count })),
          )
        const first = await through(limit)
        expect([...first, ...(await through(skip))]).toEqual(upTo(units * group))
        expect(first.length % group).toBe(0)
        expect(first.length).toBe(Math.min(units, Math.ceil(count / group)) * group)
      },
    ),
    { numRuns: 40 },
  )
})

test('count: 0.5 is refused', () => {
  expect(thrown(() => skip({ count: 0.5 })).code).toBe('BAD_OPTION')
})
