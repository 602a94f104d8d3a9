/**
 * sample: a random part, the same for the same seed.
 */
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parse, type SampleOptions, sample } from '../../src/index.js'
import { inCrumbs } from '../support/crumbs.js'
import { needsPython, pythonLines } from '../support/python.js'
import { DRAWN } from '../support/python-random.js'
import { numbered, numbersOf, upTo } from './numbered.js'
import { counts, file, linesFrom, linesThrough, thrown } from './support.js'

const sampled = async (count: number, options: SampleOptions) =>
  numbersOf(await linesThrough(numbered(count), sample(options)))

test.each(DRAWN)('seed %d draws as Python does: %j', async (seed, drawn) => {
  for (const fraction of [0.2, 0.5, 0.8]) {
    const expected = upTo(drawn.length).filter((n) => drawn[n] < fraction)
    expect(await sampled(drawn.length, { fraction, seed })).toEqual(expected)
  }
})

test('a thousand, as a python3 that is there draws them', async (context) => {
  needsPython(context)
  const script = 'import random\nrandom.seed(7)\nfor n in range(1000):\n  if random.random() < 0.1: print(n)'
  expect(await sampled(1000, { fraction: 0.1, seed: 7 })).toEqual(pythonLines(script, '').map(Number))
})

test('all and none', async () => {
  expect(await sampled(50, { fraction: 1 })).toEqual(upTo(50))
  expect(await sampled(50, { fraction: 0 })).toEqual([])
})

test('does not hang on the chunks, and draws groups whole', async () => {
  const lines = file(numbered(200))
  const whole = await linesFrom(Readable.from([lines]), parse({ group: 2 }), sample({ fraction: 0.5 }))
  const numbers = numbersOf(whole)
  for (let i = 0; i < numbers.length; i += 2) expect(numbers[i + 1]).toBe(numbers[i] + 1)
  // One draw for a group: the same groups as records go on.
  expect(numbers.filter((_, i) => i % 2 === 0).map((n) => n / 2)).toEqual(
    await sampled(100, { fraction: 0.5 }),
  )
  await fc.assert(
    fc.asyncProperty(fc.infiniteStream(fc.integer({ min: 1, max: 50 })), async (sizes) => {
      const crumbs = Readable.from(inCrumbs(lines, sizes))
      expect(await linesFrom(crumbs, parse({ group: 2 }), sample({ fraction: 0.5 }))).toEqual(whole)
    }),
    { numRuns: 15 },
  )
})

test('counts what it drops', async () => {
  const stage = sample({ fraction: 0.5 })
  const out = await linesThrough(numbered(100), stage)
  expect(counts(stage.counters)).toMatchObject({ in: 100, out: out.length, leftOut: {} })
  expect(Object.fromEntries(stage.counters.dropped)).toEqual({ sample: 100 - out.length })
})

test.each([-0.1, 1.1])('fraction: %d is refused', (fraction) => {
  expect(thrown(() => sample({ fraction })).code).toBe('BAD_OPTION')
})
