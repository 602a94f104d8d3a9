/**
 * dedupe: the first of those that are the same, within its memory.
 */
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type DedupeOptions,
  dedupe,
  labelFormat,
  parse,
  regressionExpand,
  template,
} from '../../src/index.js'
import { inCrumbs } from '../support/crumbs.js'
import { numbered, numbersOf, upTo } from './numbered.js'
import {
  asked,
  counts,
  failure,
  file,
  linesFrom,
  linesThrough,
  objectsThrough,
  refusal,
  thrown,
} from './support.js'

const rows = [
  { prompt: 'p', response: 'a', helpfulness: 1 },
  { prompt: 'p', response: 'b', helpfulness: 2 },
  { prompt: 'p', response: 'a', helpfulness: 3 },
  { prompt: 'q', response: 'a', helpfulness: 1 },
]

describe('keeps the first', () => {
  test.each<[DedupeOptions | undefined, number[]]>([
    [undefined, [1, 2, 1]],
    [{ by: 'conversation' }, [1, 2, 1]],
    [{ by: 'record' }, [1, 2, 3, 1]],
    [{ by: 'prompt' }, [1, 1]],
    [{ by: 'response' }, [1, 2]],
    [{ by: 'helpfulness', memory: '1MB' }, [1, 2, 3]],
  ])('%j of conversations', async (options, expected) => {
    const out = await linesThrough(rows, template({ dataset: 'helpsteer2' }), labelFormat(), dedupe(options))
    expect(out.map((line) => Number(/helpfulness:(\d)/.exec(line)?.[1]))).toEqual(expected)
  })

  test.each<[DedupeOptions | undefined, number[]]>([
    [undefined, [1, 2, 3, 1]],
    [{ by: 'prompt' }, [1, 1]],
    [{ by: 'meta.id' }, [1, 1]],
  ])('%j of rows, which stay as they were written', async (options, expected) => {
    const lines = rows.map((row, n) =>
      JSON.stringify({ ...row, meta: { id: n < 3 ? 'x' : 3 } }, null, 1).replaceAll('\n', ' '),
    )
    const out = await linesThrough([...lines, ...lines], dedupe(options))
    expect(lines).toEqual(expect.arrayContaining(out))
    expect(out.map((line) => JSON.parse(line).helpfulness)).toEqual(expected)
  })

  test('of conversations from a file, whatever their labels and fields', async () => {
    const lines = [
      asked({ label: 'quality:1' }),
      asked({ label: 'quality:2' }, { id: 3 }),
      asked({}, { system: 's' }),
    ]
    expect(await objectsThrough(lines, dedupe())).toEqual([lines[0], lines[2]])
  })

  test('of samples, by their whole line', async () => {
    const lines = ['quality:1', 'quality:1', 'quality:2'].map((label) => asked({ label }))
    const out = await linesThrough(lines, regressionExpand(), dedupe())
    expect(out).toHaveLength(2)
  })
})

test('as a set of JavaScript’s does, whatever the chunks', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat({ max: 20 }), { maxLength: 60 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 40 })),
      async (list, sizes) => {
        const bytes = file(list.map((n) => `{"n": ${n}}`))
        const out = await linesFrom(Readable.from(inCrumbs(bytes, sizes)), parse(), dedupe({ by: 'n' }))
        expect(numbersOf(out)).toEqual([...new Set(list)])
      },
    ),
  )
})

describe('groups', () => {
  const through = (list: readonly number[], sizes: Iterator<number> = [1e6].values(), stage = dedupe()) =>
    linesFrom(
      Readable.from(inCrumbs(file(list.map((n) => `{"n": ${n}}`)), sizes)),
      parse({ group: 2 }),
      stage,
    )

  test('are compared as a whole', async () => {
    expect(numbersOf(await through([1, 2, 1, 3, 1, 2, 2, 1, 1, 3]))).toEqual([1, 2, 1, 3, 2, 1])
  })

  test('do not run into each other', async () => {
    const lines = [{ k: 'a' }, { k: 'b"' }, { k: 'a"b' }, { k: '' }].map((value) => JSON.stringify(value))
    const bytes = file([lines[0], lines[1], lines[2], lines[3]])
    expect(await linesFrom(Readable.from([bytes]), parse({ group: 2 }), dedupe({ by: 'k' }))).toEqual(lines)
  })

  test('stay together, whatever the chunks', async () => {
    const pair = fc.nat({ max: 5 }).map((k) => [2 * k, 2 * k + 1])
    await fc.assert(
      fc.asyncProperty(
        fc.array(pair, { maxLength: 30 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 40 })),
        async (pairs, sizes) => {
          const numbers = numbersOf(await through(pairs.flat(), sizes))
          expect(numbers).toEqual([...new Set(pairs.map(([first]) => first))].flatMap((n) => [n, n + 1]))
        },
      ),
    )
  })
})

test('counts what it drops', async () => {
  const stage = dedupe({ by: 'n' })
  await linesThrough([...numbered(5), ...numbered(7)], stage)
  expect(counts(stage.counters)).toEqual({ in: 12, out: 7, leftOut: {}, notes: {} })
  expect(Object.fromEntries(stage.counters.dropped)).toEqual({ dedupe: 5 })
})

describe('a memory that is full', () => {
  const lines = file(numbered(70_000))

  test.each(['stop', 'skip'] as const)(
    'ends the stream behind what came before, with onError: %s',
    async (onError) => {
      const out: string[] = []
      const stage = dedupe({ by: 'n', memory: '1MB' }, { onError })
      const error = await failure(
        (async () => {
          for await (const batch of Readable.from([lines]).pipe(parse()).pipe(stage).batches()) {
            out.push(...batch.records.map((record) => record.json()))
          }
        })(),
      )
      expect(error).toMatchObject({ code: 'MEMORY_FULL', stage: 'dedupe', fix: 'Raise `memory`.' })
      expect(error.found).toBe(
        `the hashes of ${out.length} different records fill the memory of 1000000 bytes`,
      )
      expect(error.place?.line).toBe(out.length + 1)
      expect(numbersOf(out)).toEqual(upTo(out.length))
      // 16 bytes each, and some room between them.
      expect(out.length).toBeGreaterThan(40_000)
      expect(out.length).toBeLessThan(62_500)
    },
  )

  test('is not reached by what is there already', async () => {
    const few = file(numbered(1000))
    const out = await linesFrom(
      Readable.from(Array.from({ length: 80 }, () => few)),
      parse(),
      dedupe({ memory: '1MB' }),
    )
    expect(out).toHaveLength(1000)
  })
})

test('a record without the field is an error', async () => {
  expect(await refusal({ a: 1 }, dedupe({ by: 'identifier' }))).toMatchObject({
    code: 'MISSING_FIELD',
    found: 'no `identifier`; the record has "a"',
    stage: 'dedupe',
  })
})

test.each([{ by: '' }, { memory: '1kB' }, { memory: 'much' }, { by: 3 }])('options: %j', (options) => {
  // A script without types may give anything.
  expect(thrown(() => dedupe(options as never)).code).toBe('BAD_OPTION')
})
