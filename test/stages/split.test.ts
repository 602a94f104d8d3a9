/**
 * split: by count as Python cuts, and by a hash that keeps what belongs together on one side.
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
  repeat,
  type SplitOptions,
  shuffle,
  split,
  template,
} from '../../src/index.js'
import { inCrumbs } from '../support/crumbs.js'
import { needsPython, pythonLines } from '../support/python.js'
import { numbered, numbersOf, upTo } from './numbered.js'
import { collector, counts, failure, file, folder, thrown } from './support.js'

/** The lines of each part, in their order. */
async function partsOf(
  lines: readonly unknown[] | Readable,
  stages: readonly NodeJS.ReadWriteStream[],
  group = 1,
): Promise<Map<string | null, string[]>> {
  const source = lines instanceof Readable ? lines : Readable.from([file(lines)])
  const batches: Batch[] = []
  await pipeline([source, parse({ group }), ...stages, collector(batches)])
  const found = new Map<string | null, string[]>()
  for (const record of batches.flatMap(({ records }) => records)) {
    const part = found.get(record.part) ?? []
    found.set(record.part, part)
    part.push(record.json())
  }
  return found
}

const HALVES = { train: 0.5, val: 0.5 }

describe('by count', () => {
  test.each([
    [20, { train: 0.95, val: 0.05 }, [19, 1]],
    [19, { train: 0.95, val: 0.05 }, [18, 1]],
    [1, { train: 0.95, val: 0.05 }, [0, 1]],
    [10, { a: 0.7, b: 0.2, c: 0.1 }, [7, 2, 1]],
    [7, { a: 1 / 3, b: 1 / 3, c: 1 / 3 }, [2, 2, 3]],
    [5, { all: 1 }, [5]],
    [0, HALVES, [0, 0]],
  ])('%d records to %j', async (count, parts, sizes) => {
    const found = await partsOf(numbered(count), [split({ parts })])
    const names = Object.keys(parts)
    expect(names.map((part) => found.get(part)?.length ?? 0)).toEqual(sizes)
    expect(numbersOf(names.flatMap((part) => found.get(part) ?? []))).toEqual(upTo(count))
  })

  test('cuts where Python does', async (context) => {
    needsPython(context)
    const cases = [0.95, 0.9, 0.8, 0.7, 0.55, 0.29, 0.999, 0.001, 1 / 3].flatMap((fraction) =>
      [0, 1, 2, 3, 7, 10, 20, 29, 100, 333].map((count) => [count, fraction] as const),
    )
    const script = 'for line in sys.stdin:\n  n, f = line.split()\n  print(int(int(n) * float(f)))'
    const cuts = pythonLines(script, cases.map(([count, fraction]) => `${count} ${fraction}\n`).join(''))
    const found: string[] = []
    for (const [count, fraction] of cases) {
      const parts = await partsOf(numbered(count), [split({ parts: { a: fraction, b: 1 - fraction } })])
      found.push(String(parts.get('a')?.length ?? 0))
    }
    expect(found).toEqual(cuts)
  })

  test('after a shuffle nothing is held back: the count is known', async () => {
    const stage = split({ parts: { train: 0.95, val: 0.05 }, folder: '/nowhere', memory: '1MB' })
    const found = await partsOf(numbered(4000, 500), [shuffle(), stage])
    expect(found.get('train')).toHaveLength(3800)
    expect(found.get('val')).toHaveLength(200)
  })

  test('what does not fit into memory goes to a file, which is gone afterwards', async () => {
    const place = folder()
    const found = await partsOf(numbered(4000, 500), [split({ parts: HALVES, memory: '1MB', folder: place })])
    expect(numbersOf(found.get('train'))).toEqual(upTo(2000))
    expect(numbersOf(found.get('val'))).toEqual(upTo(4000).slice(2000))
    expect(readdirSync(place)).toEqual([])
  })

  test('does not hang on the chunks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.infiniteStream(fc.integer({ min: 1, max: 30 })),
        fc.nat({ max: 40 }),
        async (sizes, count) => {
          const bytes = Readable.from(inCrumbs(file(numbered(count)), sizes))
          const found = await partsOf(bytes, [split({ parts: { train: 0.8, val: 0.2 } })])
          expect(found.get('train')?.length ?? 0).toBe(Math.trunc(count * 0.8))
          expect(numbersOf([...found.values()].flat())).toEqual(upTo(count))
        },
      ),
      { numRuns: 30 },
    )
  })

  test('a record that comes several times can be on both sides', async () => {
    const found = await partsOf(numbered(3), [repeat({ times: 2 }), split({ parts: HALVES })])
    expect(numbersOf(found.get('train'))).toEqual([0, 0, 1])
    expect(numbersOf(found.get('val'))).toEqual([1, 2, 2])
  })

  test.each([false, true])('pairs are not divided (shuffled before: %s)', async (shuffled) => {
    const stages = [...(shuffled ? [shuffle()] : []), split({ parts: HALVES })]
    const found = await partsOf(numbered(10), stages, 2)
    expect(found.get('train')).toHaveLength(4)
    for (const lines of found.values()) {
      const numbers = numbersOf(lines)
      for (let i = 0; i < numbers.length; i += 2) expect(numbers[i + 1]).toBe(numbers[i] + 1)
    }
  })

  test('a bad record is an error, not another cut', async () => {
    const error = await failure(partsOf([...numbered(10), '{'], [split({ parts: HALVES })]))
    expect(error.code).toBe('JSON_SYNTAX')
  })
})

describe('by a hash', () => {
  const row = (prompt: unknown, response: string) => ({ prompt, response, helpfulness: 1 })
  const rows = Array.from({ length: 400 }, (_, i) => row(`prompt ${i % 100}`, `response ${i}`))
  const parts = { train: 0.8, val: 0.2 }
  const promptsOf = (lines: readonly string[] = []) =>
    new Set(lines.map((line) => /prompt \d+/.exec(line)?.[0]))

  test('no prompt stands on both sides, and the fractions are about right', async () => {
    for (const stages of [
      [],
      [template({ dataset: 'helpsteer2' })],
      [template({ dataset: 'helpsteer2' }), labelFormat()],
    ]) {
      const found = await partsOf(rows, [...stages, split({ parts, by: 'prompt' })])
      const [train, val] = [promptsOf(found.get('train')), promptsOf(found.get('val'))]
      expect([...train].filter((prompt) => val.has(prompt))).toEqual([])
      expect(train.size + val.size).toBe(100)
      expect(val.size).toBeGreaterThan(8)
      expect(val.size).toBeLessThan(35)
    }
  })

  test('a record’s side is the same in more data, in another order, and in any chunks', async () => {
    const sides = async (lines: readonly unknown[]) => {
      const found = await partsOf(lines, [split({ parts, by: 'prompt' })])
      return new Map(
        [...found].flatMap(([part, members]) => members.map((line): [string, string | null] => [line, part])),
      )
    }
    const all = await sides(rows)
    const some = await sides(rows.slice(100, 150).reverse())
    for (const [line, part] of some) expect(part).toBe(all.get(line))
  })

  test('recorded sides, as Python’s hashlib has them: they must not change from version to version', async () => {
    const found = await partsOf(
      Array.from({ length: 10 }, (_, n) => ({ prompt: `prompt ${n}`, n })),
      [split({ parts: HALVES, by: 'prompt' })],
    )
    const val = (found.get('val') ?? []).map((line) => JSON.parse(line).n)
    expect(val).toEqual([0, 3, 4, 7, 8, 9])
  })

  test('another seed divides otherwise', async () => {
    const [a, b] = await Promise.all(
      [1, 2].map(async (seed) => (await partsOf(rows, [split({ parts, by: 'prompt', seed })])).get('val')),
    )
    expect(a).not.toEqual(b)
  })

  test('a field, also an inner one; spelling does not matter', async () => {
    const lines = ['{"id": "é", "in": {"a.b": 1}}', '{"id": "\\u00e9", "in": {"a.b": 1}}']
    for (const by of ['id', 'in.a.b']) {
      const found = await partsOf(lines, [split({ parts: HALVES, by })])
      expect(found.size).toBe(1)
    }
  })

  test('a record without the field is an error that names it', async () => {
    const error = await failure(partsOf([{ id: 1 }, { ID: 2 }], [split({ parts: HALVES, by: 'id' })]))
    expect(error.code).toBe('MISSING_FIELD')
    expect(error.message).toContain('stream:2 (byte 9), split')
  })

  test('with skip such a record is left out, a pair whole', async () => {
    const stage = split({ parts: HALVES, by: 'id' }, { onError: 'skip' })
    const found = await partsOf([{ id: 1 }, {}, {}, { id: 2 }, { id: 3 }, { id: 4 }], [stage], 2)
    expect([...found.values()].flat()).toHaveLength(4)
    expect(counts(stage.counters)).toMatchObject({ in: 6, out: 4, leftOut: { MISSING_FIELD: 1, partner: 1 } })
  })

  test('the first record speaks for its group', async () => {
    const lines = Array.from({ length: 40 }, (_, n) => ({ n, id: n }))
    const found = await partsOf(lines, [split({ parts: HALVES, by: 'id' })], 2)
    for (const part of found.values()) {
      const numbers = part.map((line) => JSON.parse(line).n as number)
      for (let i = 0; i < numbers.length; i += 2) expect(numbers[i + 1]).toBe(numbers[i] + 1)
    }
    expect(found.size).toBe(2)
  })
})

describe('options', () => {
  test.each([
    [{ train: 0.9, val: 0.2 }, 'the fractions add up to 1.1, not to 1'],
    [{ train: 0.9 }, 'the fractions add up to 0.9, not to 1'],
    [{ 'a/b': 1 }, 'a part is a piece of a file’s name'],
    [{ '..': 1 }, 'a part is a piece of a file’s name'],
    [{ 10: 0.9, 9: 0.1 }, 'a part’s name is not a number alone: write `fold-1`, not `1`'],
    [{}, 'no part is named'],
    [{ train: 0, val: 1 }, 'parts.train'],
  ])('%j: %s', (parts, message) => {
    const error = thrown(() => split({ parts } as SplitOptions))
    expect(error.code).toBe('BAD_OPTION')
    expect(error.message).toContain(message)
  })
})
