/**
 * Several sources as one: what is drawn, in which order, and what is never torn or lost.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SteerpipeError } from '../../src/errors.js'
import { interleave } from '../../src/pipeline/interleave.js'
import { type AnyRecord, Batch } from '../../src/records/batch.js'
import { recordOf } from '../../src/stages/plain-objects.js'
import { needsPython, pythonLines } from '../support/python.js'

/** A record that says which source it is from, and where it stood there. */
const record = (source: number, n: number): AnyRecord =>
  recordOf({ source, n }, { input: `${source}`, first: n + 1, offset: undefined, unit: 'record' })

const shown = ({ source }: AnyRecord): string => `${source.place.input}:${Number(source.place.record) - 1}`

/** A source of `count` records, in batches of the given sizes (again and again), in units of `group`. */
async function* source(
  index: number,
  count: number,
  { sizes = [7], group = 1, error = null as SteerpipeError | null, closed = [] as number[] } = {},
): AsyncGenerator<Batch> {
  try {
    for (let n = 0, turn = 0; n < count; turn++) {
      const size = Math.min(count - n, sizes[turn % sizes.length] * group)
      const records = Array.from({ length: size }, (_, i) => record(index, n + i))
      n += size
      const ends = Array.from({ length: size / group }, (_, i) => (i + 1) * group)
      const batch = new Batch(records, group === 1 ? null : ends)
      // An error may stand behind the last records, or in a batch of its own.
      if (n === count && sizes.length % 2) batch.error = error
      yield batch
    }
    if (error && (count === 0 || sizes.length % 2 === 0)) yield Batch.failed(error)
  } finally {
    closed.push(index)
  }
}

async function collect(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const all: Batch[] = []
  for await (const batch of batches) all.push(batch)
  return all
}

/** The records, in order. */
const drawn = async (batches: AsyncIterable<Batch>): Promise<string[]> =>
  (await collect(batches)).flatMap(({ records }) => records.map(shown))

/** The order in which sources of so many units are drawn, from Python. */
const PYTHON = `
import random
for line in sys.stdin:
    counts, weights, seed = json.loads(line)
    random.seed(seed)
    left, order = list(counts), []
    while any(left):
        live = [i for i in range(len(left)) if left[i] > 0]
        total = 0.0
        for i in live: total += weights[i]
        x = random.random() * total
        for i in live:
            if x < weights[i]: break
            x -= weights[i]
        left[i] -= 1
        order.append(i)
    print(json.dumps(order))
`

/** What Python 3.11 says for three sources of 5, 3 and 4 records. */
const RECORDED: readonly [readonly number[], number, readonly number[]][] = [
  [[1, 1, 1], 10, [1, 1, 1, 0, 2, 2, 2, 0, 2, 0, 0, 0]],
  [[1, 3, 1], 10, [1, 1, 1, 0, 2, 2, 2, 0, 2, 0, 0, 0]],
  [[1, 3, 0.5], 7, [1, 0, 1, 0, 1, 0, 0, 0, 2, 2, 2, 2]],
  [[0.1, 0.2, 0.7], 0, [2, 2, 2, 1, 2, 1, 1, 0, 0, 0, 0, 0]],
]

describe('the order', () => {
  test.each(RECORDED)('weights %j, seed %d', async (weights, seed, expected) => {
    const sources = [5, 3, 4].map((count, index) => source(index, count))
    const order = await drawn(interleave(sources, weights, seed))
    expect(order.map((name) => Number(name.split(':')[0]))).toEqual(expected)
  })

  test('is Python’s', async (context) => {
    needsPython(context)
    const cases = [
      ...RECORDED.map(([weights, seed]) => [[5, 3, 4], weights, seed] as const),
      [[1000, 1000], [1, 3], 10],
      [[0, 400, 3, 250], [0.1, 0.2, 0.3, 1e-9], 123],
      [[300, 0, 1, 500, 20], [1, 2, 3, 4, 5.5], -7],
    ] as const
    const expected = pythonLines(PYTHON, cases.map((each) => `${JSON.stringify(each)}\n`).join(''))
    for (const [index, [counts, weights, seed]] of cases.entries()) {
      const sources = counts.map((count, at) => source(at, count))
      const order = await drawn(interleave(sources, weights, seed))
      expect(order.map((name) => Number(name.split(':')[0]))).toEqual(JSON.parse(expected[index]))
    }
  })

  test('is in proportion to the weights while all have records', async () => {
    const order = await drawn(interleave([source(0, 10_000), source(1, 10_000)], [1, 3], 10))
    const first = order.slice(0, 10_000).filter((name) => name.startsWith('1:')).length
    expect(first / 10_000).toBeGreaterThan(0.735)
    expect(first / 10_000).toBeLessThan(0.765)
    expect(order).toHaveLength(20_000)
  })

  test('is another for another seed', async () => {
    const order = (seed: number) => drawn(interleave([source(0, 50), source(1, 50)], [1, 1], seed))
    expect(await order(1)).toEqual(await order(1))
    expect(await order(1)).not.toEqual(await order(2))
  })
})

/** A source by its number of units, the units' size, and the sizes of its batches. */
const anySource = fc.record({
  units: fc.nat(40),
  group: fc.constantFrom(1, 1, 2, 3),
  weight: fc.double({ min: 0.01, max: 100, noNaN: true }),
  sizes: fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 4 }),
  others: fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 4 }),
})

test('nothing is lost, each source keeps its order, units stay whole, and batches do not matter', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anySource, { maxLength: 5 }), fc.integer(), async (given, seed) => {
      const run = (which: 'sizes' | 'others') => {
        const sources = given.map(({ units, group, ...each }, index) =>
          source(index, units * group, { group, sizes: each[which] }),
        )
        return collect(
          interleave(
            sources,
            given.map(({ weight }) => weight),
            seed,
          ),
        )
      }
      const batches = await run('sizes')
      const order = batches.flatMap(({ records }) => records.map(shown))
      for (const [index, { units, group }] of given.entries()) {
        const own = order.filter((name) => name.startsWith(`${index}:`))
        expect(own).toEqual(Array.from({ length: units * group }, (_, n) => `${index}:${n}`))
      }
      for (const { records, unitEnds } of batches) {
        let start = 0
        for (const end of unitEnds ?? records.map((_, i) => i + 1)) {
          const [source, n] = shown(records[start]).split(':').map(Number)
          const { group } = given[source]
          const unit = Array.from({ length: group }, (_, i) => `${source}:${n + i}`)
          expect(records.slice(start, end).map(shown)).toEqual(unit)
          expect(n % group).toBe(0)
          start = end
        }
        expect(start).toBe(records.length)
      }
      expect((await run('others')).flatMap(({ records }) => records.map(shown))).toEqual(order)
    }),
  )
})

describe('an error', () => {
  const error = () => new SteerpipeError('JSON_SYNTAX', { found: 'x' })

  test('comes behind the records that are drawn before its source is at it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(30),
        fc.nat(30),
        fc.constantFrom<number[]>([5], [1], [3, 2], [4, 4, 4, 4]),
        async (bad, good, sizes) => {
          const without = await drawn(interleave([source(0, bad), source(1, good)], [1, 1], 3))
          const last = without.lastIndexOf(`0:${bad - 1}`)
          const found = error()
          const batches = await collect(
            interleave([source(0, bad, { sizes, error: found }), source(1, good)], [1, 1], 3),
          )
          expect(batches.flatMap(({ records }) => records.map(shown))).toEqual(without.slice(0, last + 1))
          expect(batches.map((batch) => batch.error)).toEqual([...batches.slice(1).map(() => null), found])
        },
      ),
    )
  })

  test('closes all sources', async () => {
    const closed: number[] = []
    const sources = [source(0, 1000, { closed }), source(1, 5, { error: error(), closed })]
    const batches = await collect(interleave(sources, [1, 1], 10))
    expect(batches.at(-1)?.error?.code).toBe('JSON_SYNTAX')
    expect(closed.sort()).toEqual([0, 1])
  })
})

test('all sources are closed when the consumer stops, and when one of them throws', async () => {
  const closed: number[] = []
  for await (const batch of interleave([source(0, 900, { closed }), source(1, 900, { closed })], [1, 1], 1)) {
    expect(batch.records.length).toBeGreaterThan(0)
    break
  }
  expect(closed.sort()).toEqual([0, 1])
  closed.length = 0
  const broken = (async function* (): AsyncGenerator<Batch> {
    yield new Batch([record(1, 0)])
    throw new Error('broken')
  })()
  await expect(collect(interleave([source(0, 900, { closed }), broken], [1, 1], 1))).rejects.toThrow('broken')
  expect(closed).toEqual([0])
})

test('the batches of the source that is left pass on whole', async () => {
  const [one] = await collect(source(1, 100, { sizes: [100] }))
  const whole = (async function* (): AsyncGenerator<Batch> {
    yield new Batch([record(1, 0)])
    yield one
  })()
  const batches = await collect(interleave([source(0, 0), whole], [1, 1], 1))
  expect(batches[1]).toBe(one)
})
