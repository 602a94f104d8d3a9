/**
 * onError: skip. Bad records are counted under their codes and told, wherever they are found; the rest goes on.
 */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { expect, test } from 'vitest'
import {
  Counters,
  labelFormat,
  objects,
  parse,
  regressionExpand,
  type StageSettings,
  type SteerpipeError,
  template,
  write,
} from '../../src/index.js'
import { collector, counts, failure, file, linesFrom, linesThrough } from './support.js'

const row = (i: number, more = {}) => ({ prompt: `q${i}`, response: 'a', helpfulness: 3, ...more })

test('each stage counts what it leaves out, and all are told in order', async () => {
  const told: string[] = []
  const onLeftOut = (error: SteerpipeError) =>
    told.push(`${error.stage}: ${error.code} at ${error.place?.line}`)
  const settings: StageSettings = { onError: 'skip', onLeftOut }
  const stages = [
    parse({}, settings),
    template({ dataset: 'helpsteer2' }, settings),
    labelFormat({ range: 'error' }, settings),
    regressionExpand({ attributes: ['helpfulness'] }, settings),
  ]
  const lines = [
    row(1),
    '{',
    row(3, { prompt: 3 }),
    row(4, { helpfulness: 5 }),
    'null',
    row(6),
    row(7, { response: null }),
  ]
  expect(await linesFrom(Readable.from([file(lines)]), ...stages)).toHaveLength(2)
  expect(stages.map((stage) => counts(stage.counters))).toEqual([
    { in: 7, out: 5, leftOut: { JSON_SYNTAX: 1, NOT_AN_OBJECT: 1 }, notes: {} },
    { in: 5, out: 3, leftOut: { WRONG_TYPE: 2 }, notes: {} },
    { in: 3, out: 2, leftOut: { OUT_OF_RANGE: 1 }, notes: {} },
    { in: 2, out: 2, leftOut: {}, notes: {} },
  ])
  expect(told).toEqual([
    'parse: JSON_SYNTAX at 2',
    'parse: NOT_AN_OBJECT at 5',
    'template: WRONG_TYPE at 3',
    'template: WRONG_TYPE at 7',
    'label-format: OUT_OF_RANGE at 4',
  ])
  for (const { counters } of stages) expect(counters).toBeInstanceOf(Counters)
})

test('a stage that stops behind one that skips', async () => {
  const lines = [row(1), '{', row(3), { prompt: 'q' }, row(5)]
  const seen: { records: unknown[] }[] = []
  const skipping = parse({}, { onError: 'skip' })
  const error = await failure(
    pipeline([Readable.from([file(lines)]), skipping, template({ dataset: 'helpsteer2' }), collector(seen)]),
  )
  expect(error).toMatchObject({ code: 'MISSING_FIELD', place: { line: 4 } })
  expect(seen.flatMap(({ records }) => records)).toHaveLength(2)
})

test('onLeftOut alone changes nothing: the first bad record ends the stream', async () => {
  const told: unknown[] = []
  const stage = template({ dataset: 'helpsteer2' }, { onLeftOut: (error) => told.push(error) })
  await failure(linesThrough([row(1), {}], stage))
  expect(told).toEqual([])
  expect(counts(stage.counters)).toMatchObject({ in: 2, out: 1, leftOut: {} })
})

test('nothing but bad records: an empty output, and no error', async () => {
  const stage = template({ dataset: 'helpsteer2' }, { onError: 'skip' })
  expect(await linesThrough(Array(1000).fill({}), stage)).toEqual([])
  expect(counts(stage.counters)).toEqual({ in: 1000, out: 0, leftOut: { MISSING_FIELD: 1000 }, notes: {} })
})

test('everything that came in is accounted for, over many batches', async () => {
  const lines = Array.from({ length: 20_000 }, (_, i) =>
    i % 7 === 3 ? { i } : i % 11 === 5 ? '{"a":' : row(i),
  )
  const parsing = parse({}, { onError: 'skip' })
  const stage = template({ dataset: 'helpsteer2' }, { onError: 'skip' })
  const bytes = file(lines)
  const chunks = Array.from({ length: 40 }, (_, i) =>
    bytes.subarray((i * bytes.length) / 40, ((i + 1) * bytes.length) / 40),
  )
  const out = await linesFrom(Readable.from(chunks), parsing, stage)
  const sum = (counters: Counters) => counters.out + [...counters.leftOut.values()].reduce((a, b) => a + b, 0)
  expect(parsing.counters.in).toBe(20_000)
  expect(sum(parsing.counters)).toBe(20_000)
  expect(stage.counters.in).toBe(parsing.counters.out)
  expect(sum(stage.counters)).toBe(stage.counters.in)
  expect(out).toHaveLength(stage.counters.out)
})

test('errors that are not of a record end the stream all the same', async () => {
  const running = pipeline([
    Readable.from([row(1)]),
    write({ to: '/dev/null/x' }, { onError: 'skip' }),
    collector([]),
  ])
  expect(await failure(running)).toMatchObject({ code: 'WRITE_FAILED' })
  const own = new Error('mine')
  const failing = Readable.from(
    (async function* () {
      yield file([row(1)])
      throw own
    })(),
  )
  await expect(pipeline([failing, parse({}, { onError: 'skip' }), objects(), collector([])])).rejects.toBe(
    own,
  )
})
