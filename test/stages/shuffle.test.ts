/**
 * shuffle: Python's permutation, and the sort by random keys; in memory and through a file, with bytes, places, parts
 * and pairs unharmed.
 */
import { readdirSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Batch,
  labelFormat,
  parse,
  regressionExpand,
  type ShuffleOptions,
  shuffle,
  template,
} from '../../src/index.js'
import { inCrumbs } from '../support/crumbs.js'
import { SHUFFLED } from '../support/python-random.js'
import { numbered, numbersOf } from './numbered.js'
import { closed, collector, counts, failure, file, folder, linesFrom, linesThrough } from './support.js'

const ALGORITHMS = ['python', 'buckets'] as const

const shuffledNumbers = async (count: number, options: ShuffleOptions, size = 0) =>
  numbersOf(await linesThrough(numbered(count, size), shuffle(options)))

/** Two megabytes, which `memory: 1MB` does not hold. */
const MUCH = [4000, 500] as const

describe('python', () => {
  test.each(SHUFFLED)('seed %d gives %j', async (seed, list) => {
    expect(await shuffledNumbers(list.length, { seed })).toEqual(list)
  })

  test('is the default, with the original tools’ seed', async () => {
    const [, list] = SHUFFLED.find(([seed, { length }]) => seed === 10 && length === 16) ?? []
    expect(await shuffledNumbers(16, {})).toEqual(list)
  })

  test('says how much memory more records need, and names the other algorithm', async () => {
    const error = await failure(linesThrough(numbered(70_000), shuffle({ memory: '1MB' })))
    expect(error.code).toBe('MEMORY_FULL')
    expect(error.message).toMatch(/records takes more than half of the 1000000 bytes .*algorithm: buckets/)
  })
})

describe('buckets', () => {
  test('gives another order than the input and than another seed, the same for the same seed', async () => {
    const [a, again, b] = await Promise.all(
      [1, 1, 2].map((seed) => shuffledNumbers(100, { algorithm: 'buckets', seed })),
    )
    expect(a).toEqual(again)
    expect(a).not.toEqual(b)
    expect(a).not.toEqual([...a].sort((x, y) => x - y))
    expect([...a].sort((x, y) => x - y)).toEqual(Array.from({ length: 100 }, (_, n) => n))
  })

  test('gives each order of four about as often', async () => {
    const seen = new Map<string, number>()
    for (let seed = 0; seed < 2400; seed++) {
      const order = (await shuffledNumbers(4, { algorithm: 'buckets', seed })).join('')
      seen.set(order, (seen.get(order) ?? 0) + 1)
    }
    expect(seen.size).toBe(24)
    // 100 are expected of each; the seeds are fixed, so that this is no matter of luck.
    for (const count of seen.values()) expect(Math.abs(count - 100)).toBeLessThan(40)
  })

  test('has no index: what python refuses, it takes', async () => {
    const order = await shuffledNumbers(70_000, { algorithm: 'buckets', memory: '1MB' })
    expect(new Set(order).size).toBe(70_000)
  })
})

describe.each(ALGORITHMS)('%s', (algorithm) => {
  test('the order does not hang on the memory', async () => {
    const inMemory = await shuffledNumbers(...[MUCH[0]], { algorithm, memory: '1GB' }, MUCH[1])
    const spilled = await shuffledNumbers(...[MUCH[0]], { algorithm, memory: '1MB' }, MUCH[1])
    expect(spilled).toEqual(inMemory)
    expect(new Set(spilled).size).toBe(MUCH[0])
  })

  test('nor on the chunks', async () => {
    const lines = numbered(50)
    const whole = await linesThrough(lines, shuffle({ algorithm }))
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.integer({ min: 1, max: 40 })), async (sizes) => {
        const bytes = Readable.from(inCrumbs(file(lines), sizes))
        expect(await linesFrom(bytes, parse(), shuffle({ algorithm }))).toEqual(whole)
      }),
      { numRuns: 20 },
    )
  })

  test.each(['1GB', '1MB'])('pairs stay together (memory %s)', async (memory) => {
    const lines = numbered(...MUCH)
    const bytes = Readable.from([file(lines)])
    const order = numbersOf(await linesFrom(bytes, parse({ group: 2 }), shuffle({ algorithm, memory })))
    expect(order).toHaveLength(MUCH[0])
    expect(order.filter((_, i) => i % 2 === 0).every((n) => n % 2 === 0)).toBe(true)
    for (let i = 0; i < order.length; i += 2) expect(order[i + 1]).toBe(order[i] + 1)
    expect(order).not.toEqual([...order].sort((a, b) => a - b))
  })

  test('records larger than the memory', async () => {
    const order = await shuffledNumbers(5, { algorithm, memory: '1MB' }, 700_000)
    expect([...order].sort()).toEqual([0, 1, 2, 3, 4])
  })

  test('of nothing is nothing', async () => {
    expect(await linesThrough([], shuffle({ algorithm }))).toEqual([])
  })

  test('a bad record ends it with its error, and without a part of the records', async () => {
    const chunks: Buffer[] = []
    const error = await failure(
      pipeline(
        Readable.from([file([...numbered(3), '{"n": oops}'])]),
        parse(),
        shuffle({ algorithm }),
        collector(chunks),
      ),
    )
    expect(error.message).toMatch(/stream:4 \(byte \d+\), parse: .*\[JSON_SYNTAX\]/s)
    expect(chunks).toEqual([])
  })

  test('errors of later stages tell the place where the record was read', async () => {
    const rows = Array.from({ length: 40 }, (_, i) =>
      JSON.stringify({ prompt: 'p', response: i === 25 ? 7 : 'r' }),
    )
    const error = await failure(
      linesThrough(rows, shuffle({ algorithm }), template({ dataset: 'helpsteer2' })),
    )
    const offset = rows.slice(0, 25).reduce((sum, row) => sum + row.length + 1, 0)
    expect(error.message).toContain(`stream:26 (byte ${offset}), template: \`response\` is the number 7`)
  })

  test('counts what goes in and out, and knows the total', async () => {
    const stage = shuffle({ algorithm })
    const totals: (number | null)[] = []
    for await (const batch of Readable.from([file(numbered(9))])
      .pipe(parse())
      .pipe(stage)
      .batches())
      totals.push(batch.total)
    expect(totals).toEqual([9])
    expect(counts(stage.counters)).toEqual({ in: 9, out: 9, leftOut: {}, notes: {} })
  })
})

describe('records come back as they went in', () => {
  const odd = [
    '{"a":1}',
    ' {"b" : [1.0, 1e400, 12345678901234567890, "\\u00e9\\/\\ud800"]} \t',
    '{"\\u0061":"\\u2028 \u2028 é 😀", "a": null}\r',
    '{}',
  ]

  test.each([...ALGORITHMS])('lines to the last byte (%s)', async (algorithm) => {
    const out = await linesThrough(odd, shuffle({ algorithm }))
    expect([...out].sort()).toEqual([...odd].sort())
  })

  const rows = Array.from({ length: 30 }, (_, i) => ({
    prompt: `q${i} "\n\u0002é`,
    response: `r${i}`,
    ...(i % 3 && { helpfulness: i % 5 }),
    ...(i % 4 === 1 && { quality: '3.50' }),
  }))
  const stagesBefore = [
    [],
    [() => template({ dataset: 'helpsteer2' })],
    [() => template({ dataset: 'helpsteer2' }), () => labelFormat()],
    [() => template({ dataset: 'helpsteer2' }), () => labelFormat(), () => regressionExpand()],
  ]

  test.each([0, 1, 2, 3])('after %d stages, and what comes after sees no difference', async (many) => {
    const make = (count: number, from = 0) => stagesBefore[count].slice(from).map((stage) => stage())
    const straight = await linesThrough(rows, ...make(3))
    const shuffled = await linesThrough(rows, ...make(many), shuffle(), ...make(3, many))
    expect(shuffled).not.toEqual(straight)
    expect([...shuffled].sort()).toEqual([...straight].sort())
  })

  test('edited records keep their other bytes', async () => {
    const lines = Array.from(
      { length: 5 },
      (_, i) =>
        `{"n":${i}, "conversations":[{"from":"A","value":"x","scores":{"quality":${i}},"own":1.0}],"mask":"U"}`,
    )
    const straight = await linesThrough(lines, labelFormat())
    expect([...(await linesThrough(lines, labelFormat(), shuffle()))].sort()).toEqual([...straight].sort())
  })

  test('parts and kinds', async () => {
    const batches: Batch[] = []
    const preferences = Array.from({ length: 20 }, (_, i) => ({
      split: i % 2 ? 'train' : 'val',
      prompt: `${i}`,
      response_1: 'a',
      response_2: 'b',
      preference_strength: 1,
    }))
    const stages = Readable.from([file(preferences)])
      .pipe(parse())
      .pipe(template({ dataset: 'helpsteer2-preference' }))
      .pipe(shuffle())
    for await (const batch of stages.batches()) batches.push(batch)
    const [{ records, unitEnds }] = batches
    expect(unitEnds).toEqual(Array.from({ length: 20 }, (_, i) => 2 * i + 2))
    for (const record of records) {
      expect(record.kind).toBe('conversation')
      const prompt = Number(/"value": "(\d+)"/.exec(record.json())?.[1])
      expect(record.part).toBe(prompt % 2 ? 'train' : 'val')
    }
  })
})

describe('nothing stays behind', () => {
  test.each(ALGORITHMS)('at the end (%s)', async (algorithm) => {
    const place = folder()
    await shuffledNumbers(MUCH[0], { algorithm, memory: '1MB', folder: place }, MUCH[1])
    expect(readdirSync(place)).toEqual([])
  })

  test.each(ALGORITHMS)('after an error, and while it runs (%s)', async (algorithm) => {
    const place = folder()
    const stage = shuffle({ algorithm, memory: '1MB', folder: place })
    async function* bytes() {
      yield file(numbered(...MUCH))
      while (stage.counters.in < MUCH[0]) await new Promise((resolve) => setTimeout(resolve, 1))
      expect(readdirSync(place)).toEqual([])
      throw new Error('cut')
    }
    await expect(pipeline(Readable.from(bytes()), parse(), stage, collector([]))).rejects.toThrow('cut')
    await closed(stage)
    expect(readdirSync(place)).toEqual([])
  })

  test('a folder that cannot be written is named', async () => {
    const place = `${folder()}/missing`
    const error = await failure(
      linesThrough(numbered(...MUCH), shuffle({ algorithm: 'buckets', memory: '1MB', folder: place })),
    )
    expect(error.code).toBe('WRITE_FAILED')
    expect(error.message).toContain(place)
  })
})
