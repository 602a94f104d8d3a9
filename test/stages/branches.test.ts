/**
 * Records are shared, never changed: the same batch sent along two ways gives both what it would give each alone.
 */
import { PassThrough, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, expect, test } from 'vitest'
import {
  type Batch,
  type LabelFormatOptions,
  labelFormat,
  objects,
  parse,
  regressionExpand,
  template,
} from '../../src/index.js'
import { collector, failure, file, linesFrom, linesThrough, records, scored } from './support.js'

const rows = Array.from({ length: 50 }, (_, i) => ({
  ...{ prompt: `q${i}`, response: 'a', quality: i / 8, humor: 3 },
}))

/** The only batch that comes out when one goes in. */
async function through(batch: Batch, stage: ReturnType<typeof template>): Promise<Batch> {
  const [result] = await Readable.from([batch]).pipe(stage).toArray()
  return result as Batch
}

const kinds: [string, () => Promise<Batch>][] = [
  ['templated conversations', async () => through(await records(rows), template({ dataset: 'helpsteer2' }))],
  [
    'lines with scores',
    () => records(rows.map(({ quality }) => scored(`{"quality":${quality},"x":"\\u0041"}`))),
  ],
  [
    'conversations without scores',
    () => records(rows.map((_, i) => `{"mask":"U","conversations":[],"i":${i}}`)),
  ],
]

const ways: LabelFormatOptions[] = [
  {},
  { round: 'half-even', range: 'clamp' },
  { attributes: ['humor', 'quality'] },
  { attributes: ['toxicity', { name: 'humor', max: 1 }] },
]

describe.each(kinds)('%s', (_name, open) => {
  test('along several ways, each twice, and in both orders', async () => {
    const batch = await open()
    const before = await linesFrom(Readable.from([batch]))
    const alone = await Promise.all(
      ways.map(async (options) => linesFrom(Readable.from([await open()]), labelFormat(options))),
    )
    for (const order of [ways, ways.toReversed(), ways]) {
      for (const options of order) {
        const lines = await linesFrom(Readable.from([batch]), labelFormat(options))
        expect(lines).toEqual(alone[ways.indexOf(options)])
      }
    }
    expect(await linesFrom(Readable.from([batch]))).toEqual(before)
    expect(batch.records.every((record) => record.part === null)).toBe(true)
  })
})

test('one stage piped to two: both get everything', async () => {
  const stage = Readable.from([file(rows)])
    .pipe(parse())
    .pipe(template({ dataset: 'helpsteer2' }))
  const [one, two]: [Batch[], Batch[]] = [[], []]
  const slow = collector(two, 3)
  await Promise.all([
    pipeline([stage, labelFormat(), regressionExpand(), collector(one)]),
    pipeline([stage, labelFormat({ round: 'half-even' }), regressionExpand(), slow]),
  ])
  const expected = (options: LabelFormatOptions) =>
    linesThrough(rows, template({ dataset: 'helpsteer2' }), labelFormat(options), regressionExpand())
  const lines = (batches: Batch[]) => batches.flatMap((batch) => batch.records.map((record) => record.json()))
  expect(lines(one)).toEqual(await expected({}))
  expect(lines(two)).toEqual(await expected({ round: 'half-even' }))
})

test('a bad record ends both of two ways, behind the good ones', async () => {
  const parsing = Readable.from([file([...rows, 'no json', ...rows])]).pipe(parse())
  const [one, two]: [Batch[], unknown[]] = [[], []]
  // `.pipe()`, because a `pipeline()` that fails destroys its source, which the other way needs still.
  const fast = parsing.pipe(template({ dataset: 'helpsteer2' })).pipe(objects())
  const slow = parsing.pipe(template({ dataset: 'helpsteer2' }))
  fast.pipe(new PassThrough({ objectMode: true })).pipe(collector(two))
  slow.pipe(collector(one, 10))
  const told = [fast, slow].map((end) => failure(new Promise((_resolve, reject) => end.on('error', reject))))
  for (const error of await Promise.all(told)) expect(error).toMatchObject({ code: 'JSON_SYNTAX' })
  expect(one.flatMap((batch) => batch.records)).toHaveLength(50)
  expect(two).toHaveLength(50)
})

test('parts are of the conversations, not of the rows that they were made of', async () => {
  const pair = { split: 'train', prompt: 'q', response_1: 'one', response_2: 'two', preference_strength: 1 }
  const batch = await records([pair, { ...pair, split: 'x' }])
  const first = await through(batch, template({ dataset: 'helpsteer2-preference' }))
  expect(first.records.map(({ part }) => part)).toEqual(['train', 'train', 'val', 'val'])
  expect(batch.records.map(({ part }) => part)).toEqual([null, null])
  const mapping = { prompt: 'prompt', response: 'response_1' }
  const second = await through(batch, template({ mapping }))
  expect(second.records.map(({ part }) => part)).toEqual([null, null])
})

test('an error is the same one each time it is met', async () => {
  const batch = await records([rows[0], { prompt: 'q' }])
  const run = () => failure(linesFrom(Readable.from([batch]), template({ dataset: 'helpsteer2' })))
  expect((await run()).message).toBe((await run()).message)
})
