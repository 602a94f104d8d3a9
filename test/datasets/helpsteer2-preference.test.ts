/**
 * helpsteer2-preference: two responses and a strength give a pair.
 */
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import {
  type AnyRecord,
  type Batch,
  labelFormat,
  parse,
  regressionExpand,
  template,
} from '../../src/index.js'
import { counts, file, linesThrough, objectsThrough, refusal } from '../stages/support.js'

const row = { split: 'train', prompt: 'q', response_1: 'one', response_2: 'two', preference_strength: -2 }
const dataset = { dataset: 'helpsteer2-preference' } as const

/** The batches that a stream gives. */
async function batchesOf(stream: { batches(): AsyncIterable<Batch> }): Promise<Batch<AnyRecord>[]> {
  const batches: Batch[] = []
  for await (const batch of stream.batches()) batches.push(batch)
  return batches
}

const source = (...rows: unknown[]) => Readable.from([file(rows)]).pipe(parse())

test('both responses, the first first, with the strength as quality', async () => {
  const rows = [row, { ...row, prompt: 'r', preference_strength: 3 }]
  const expected: [string, string, string][] = [
    ['q', 'one', 'quality:-2'],
    ['q', 'two', 'quality:-2'],
    ['r', 'one', 'quality:3'],
    ['r', 'two', 'quality:3'],
  ]
  expect(await objectsThrough(rows, template(dataset), labelFormat())).toMatchObject(
    expected.map(([prompt, response, label]) => ({
      conversations: [
        { value: prompt, from: 'User', label: null },
        { value: response, from: 'Assistant', label },
      ],
      mask: 'User',
    })),
  )
})

test.each<[string, string]>([
  ['-100', '-100.0'],
  ['0', '0.0'],
  ['2.5', '2.5'],
  ['"-1"', '-1.0'],
])('a strength of %s is in slot 0 of the vector', async (json, slot) => {
  const line = JSON.stringify(row).replace(':-2', `:${json}`)
  const samples = await linesThrough([line], template(dataset), labelFormat(), regressionExpand())
  expect(samples).toHaveLength(2)
  for (const sample of samples) expect(sample).toContain(`"label": [${slot}${', -100.0'.repeat(8)}]`)
})

test('the two are a unit, in the part that the row names', async () => {
  const rows = [row, { ...row, split: 'validation' }, { ...row, split: '' }, row]
  const batches = await batchesOf(source(...rows).pipe(template(dataset)))
  expect(batches.flatMap((batch) => batch.records.map((record) => record.part))).toEqual([
    ...['train', 'train', 'val', 'val', 'val', 'val', 'train', 'train'],
  ])
  expect(batches.map((batch) => batch.unitEnds)).toEqual([[2, 4, 6, 8]])
})

test('part and unit last to the samples', async () => {
  const stages = source(row, { ...row, split: 'x' })
    .pipe(template(dataset))
    .pipe(labelFormat())
  const batches = await batchesOf(stages.pipe(regressionExpand()))
  expect(batches.flatMap((batch) => batch.records.map(({ kind, part }) => [kind, part]))).toEqual([
    ['sample', 'train'],
    ['sample', 'train'],
    ['sample', 'val'],
    ['sample', 'val'],
  ])
  expect(batches.flatMap((batch) => batch.unitEnds)).toEqual([2, 4])
})

test.each(['split', 'prompt', 'response_1', 'response_2', 'preference_strength'])(
  'a row without %s',
  async (name) => {
    const error = await refusal({ ...row, [name]: undefined }, template(dataset))
    expect(error).toMatchObject({ code: 'MISSING_FIELD', stage: 'template', place: { line: 1, offset: 0 } })
    expect(error.found).toContain(`no \`${name}\``)
    expect(error.expected).toBe('`split`, `prompt`, `response_1`, `response_2`, `preference_strength`')
  },
)

test.each<[string, unknown, string]>([
  ['split', null, 'WRONG_TYPE'],
  ['response_2', 2, 'WRONG_TYPE'],
  ['preference_strength', null, 'BAD_SCORE'],
  ['preference_strength', 'much', 'BAD_SCORE'],
])('a row whose %s is %j', async (name, value, code) => {
  expect(await refusal({ ...row, [name]: value }, template(dataset))).toMatchObject({ code })
})

test('a bad row gives neither of the two', async () => {
  const stage = template(dataset, { onError: 'skip' })
  const lines = await linesThrough([row, { ...row, response_2: null }, row], stage)
  expect(lines).toHaveLength(4)
  expect(counts(stage.counters)).toEqual({ in: 3, out: 4, leftOut: { WRONG_TYPE: 1 }, notes: {} })
})

test('what makes one of a pair bad later on takes the other with it', async () => {
  const attributes = [{ name: 'quality', min: -3, max: 3 }]
  const format = labelFormat({ attributes, range: 'error' }, { onError: 'skip' })
  const rows = [row, { ...row, preference_strength: 9 }, row]
  expect(await linesThrough(rows, template(dataset), format)).toHaveLength(4)
  expect(counts(format.counters)).toEqual({
    in: 6,
    out: 4,
    leftOut: { OUT_OF_RANGE: 1, partner: 1 },
    notes: {},
  })
})
