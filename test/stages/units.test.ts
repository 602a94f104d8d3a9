/**
 * Groups: neighbouring records that go the same way, all or none.
 */
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { type Batch, labelFormat, parse, regressionExpand, template, write } from '../../src/index.js'
import { counts, failure, file, folder, linesFrom, scored } from './support.js'

const row = (i: number) => ({ prompt: `q${i}`, response: 'a', helpfulness: i })
const rows = (count: number) => Array.from({ length: count }, (_, i) => row(i))
const skip = { onError: 'skip' } as const

/** The batches at the end. */
async function batchesOf(stage: { batches(): AsyncIterable<Batch> }): Promise<Batch[]> {
  const batches: Batch[] = []
  for await (const batch of stage.batches()) batches.push(batch)
  return batches
}

/** Which of the numbered rows came out. */
const numbers = (lines: readonly string[]) => lines.map((line) => Number(/"value": "q(\d+)"/.exec(line)?.[1]))

/** Bytes in chunks of a few bytes, so that groups are cut. */
const crumbs = (lines: readonly unknown[], size = 7): Readable => {
  const bytes = file(lines)
  return Readable.from(
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    ),
  )
}

describe.each(['parse', 'template'] as const)('group at %s', (where) => {
  /** Both stages, one of which binds `size` neighbours. */
  const stages = (size: number, settings = {}) => {
    const parsing = parse(where === 'parse' ? { group: size } : {}, settings)
    const templating = template(
      { dataset: 'helpsteer2', ...(where === 'template' && { group: size }) },
      settings,
    )
    return [parsing, templating] as const
  }

  test('binds neighbours, whatever batches they come in', async () => {
    for (const size of [2, 3]) {
      const [parsing, templating] = stages(size)
      const batches = await batchesOf(crumbs(rows(12)).pipe(parsing).pipe(templating).pipe(labelFormat()))
      for (const { records, unitEnds } of batches) {
        expect(unitEnds).toEqual(Array.from({ length: records.length / size }, (_, i) => (i + 1) * size))
      }
      expect(batches.reduce((sum, { records }) => sum + records.length, 0)).toBe(12)
    }
  })

  test.each([1, 2])('by default each stands alone (size %d of 1)', async (count) => {
    const [parsing, templating] = stages(1)
    const batches = await batchesOf(crumbs(rows(count)).pipe(parsing).pipe(templating))
    expect(batches.every(({ unitEnds }) => unitEnds === null)).toBe(true)
  })

  test.each<[string, unknown]>([
    ['a bad line', '{'],
    ['a bad row', { prompt: 'q1' }],
  ])('%s takes its partner with it, whichever half it is', async (_name, bad) => {
    for (const at of [2, 3]) {
      for (const size of [5, 100_000]) {
        const [parsing, templating] = stages(2, skip)
        const lines = rows(6).map((line, i) => (i === at ? bad : line))
        expect(numbers(await linesFrom(crumbs(lines, size), parsing, templating))).toEqual([0, 1, 4, 5])
        const reasons = [...parsing.counters.leftOut.keys(), ...templating.counters.leftOut.keys()].sort()
        expect(reasons).toEqual([bad === '{' ? 'JSON_SYNTAX' : 'MISSING_FIELD', 'partner'])
        for (const { counters } of [parsing, templating]) {
          const left = [...counters.leftOut.values()].reduce((a, b) => a + b, 0)
          expect(counters.in).toBe(counters.out + left)
        }
      }
    }
  })

  test('with stop, the good groups before it arrive whole', async () => {
    const [parsing, templating] = stages(2)
    const seen: string[] = []
    const lines = rows(6).map((line, i) => (i === 3 ? { prompt: 'q' } : line))
    const loop = async () => {
      for await (const { records } of crumbs(lines).pipe(parsing).pipe(templating).batches())
        seen.push(...records.map((record) => record.json()))
    }
    expect(await failure(loop())).toMatchObject({ code: 'MISSING_FIELD', place: { line: 4 } })
    expect(numbers(seen)).toEqual([0, 1])
  })

  test('one that is not whole at the end', async () => {
    const [parsing, templating] = stages(3)
    const error = await failure(linesFrom(crumbs(rows(7)), parsing, templating))
    expect(error).toMatchObject({
      code: 'GROUP_INCOMPLETE',
      found: 'the last group has 1 of its 3 records',
      stage: where,
      place: { line: 7, offset: file(rows(6)).length },
    })
    const [skippingParse, skippingTemplate] = stages(3, skip)
    expect(await linesFrom(crumbs(rows(8)), skippingParse, skippingTemplate)).toHaveLength(6)
    const { counters } = where === 'parse' ? skippingParse : skippingTemplate
    expect(counts(counters)).toEqual({
      in: 8,
      out: 6,
      leftOut: { GROUP_INCOMPLETE: 1, partner: 1 },
      notes: {},
    })
  })

  test('no records, no groups', async () => {
    expect(await linesFrom(crumbs([]), ...stages(2))).toEqual([])
  })

  test('a very large group', async () => {
    const [parsing, templating] = stages(150_000)
    const lines = Array(150_000).fill({ prompt: 'q', response: 'a' })
    expect(await linesFrom(Readable.from([file(lines)]), parsing, templating)).toHaveLength(150_000)
  })
})

describe('later stages keep to the groups', () => {
  const pairs = [1, 2, 9, 4, 5, 6].map((score) => scored(`{"quality":${score}}`))

  test('label-format', async () => {
    const format = labelFormat({ range: 'error', attributes: [{ name: 'quality', max: 6 }] }, skip)
    expect(await linesFrom(crumbs(pairs), parse({ group: 2 }), format)).toHaveLength(4)
    expect(counts(format.counters)).toMatchObject({ in: 6, out: 4, leftOut: { OUT_OF_RANGE: 1, partner: 1 } })
  })

  test('regression-expand, which makes several records of one, or none', async () => {
    const talk = (labels: string[]) => ({
      conversations: labels.map((label) => ({ from: 'A', value: 'x', label })),
      mask: 'U',
    })
    const lines = [['quality:1', 'quality:2'], [], ['', ''], [], ['quality:3'], ['quality:4', 'quality:5']]
    const batches = await batchesOf(
      Readable.from([file(lines.map(talk))])
        .pipe(parse({ group: 2 }))
        .pipe(regressionExpand()),
    )
    expect(batches.map(({ unitEnds, records }) => [unitEnds, records.length])).toEqual([[[2, 5], 5]])
  })

  test('write with parts', async () => {
    const stage = write({ to: `${folder()}/\${part}.jsonl` }, skip)
    expect(await linesFrom(crumbs(pairs), parse({ group: 2 }), stage)).toEqual([])
    expect(counts(stage.counters).leftOut).toEqual({ WRONG_RECORD: 3, partner: 3 })
  })
})

test('plain objects: one that cannot be spelled takes its partner with it', async () => {
  const stage = template({ dataset: 'helpsteer2', group: 2 }, skip)
  const objects = [row(0), row(1), 'no object', row(3), row(4), row(5)]
  expect(numbers(await linesFrom(Readable.from(objects), stage))).toEqual([0, 1, 4, 5])
  expect(counts(stage.counters)).toEqual({
    in: 6,
    out: 4,
    leftOut: { PLAIN_OBJECT: 1, partner: 1 },
    notes: {},
  })
})

test('the first records of a batch are whole groups', async () => {
  const [batch] = await batchesOf(Readable.from([file(rows(6))]).pipe(parse({ group: 3 })))
  expect(batch.first(1).records).toHaveLength(3)
  expect(batch.first(4)).toMatchObject({ unitEnds: [3, 6] })
})
