/**
 * Whatever comes in whatever portions, through whatever streams, at whatever pace: the same records go out in the
 * same order, and after a bad one nothing does.
 */
import { type Duplex, PassThrough, Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Batch, compose, labelFormat, objects, SteerpipeError, template } from '../../src/index.js'
import { collector, records } from './support.js'

const dataset = { dataset: 'helpsteer2' } as const
const COUNT = 400
const rows = Array.from({ length: COUNT }, (_, i) => ({ prompt: `${i}`, response: 'a', helpfulness: 3 }))
/** The same rows, in batches of one. */
const batches = await Promise.all(rows.map((row) => records([row])))

/** What the source does next: some objects, some of the same rows as a batch, or a pause. */
type Step = { kind: 'objects' | 'batches' | 'batch' | 'turn' | 'sleep'; size: number }
const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('objects', 'objects', 'batches', 'batch', 'turn', 'sleep'),
  size: fc.integer({ min: 0, max: 300 }),
})

async function* source(steps: readonly Step[], bad: number): AsyncGenerator<unknown> {
  let next = 0
  const row = (i: number) => (i === bad ? { prompt: 'bad' } : rows[i])
  for (let s = 0; next < COUNT; s++) {
    const { kind, size } = steps[s % steps.length]
    const until = Math.min(COUNT, next + (kind === 'batches' ? size % 5 : size))
    if (kind === 'turn') await turn()
    else if (kind === 'sleep') await sleep(1)
    else if (kind === 'objects') while (next < until) yield row(next++)
    else if (kind === 'batches') for (; next < until; next++) yield next === bad ? row(bad) : batches[next]
    else {
      yield await records(Array.from({ length: until - next }, (_, i) => row(next + i)))
      next = until
    }
    // Steps that give nothing must not go on for ever.
    if (s > 50 && next < COUNT) yield row(next++)
  }
}

const through = () => new PassThrough({ objectMode: true })
const slow = () =>
  new Transform({ objectMode: true, transform: (one, _encoding, done) => void setImmediate(done, null, one) })

/** Ways from rows to labelled conversations. */
const rowsOfStreams: Record<string, () => Duplex[]> = {
  ours: () => [template(dataset), labelFormat()],
  composed: () => [compose(template(dataset), labelFormat())],
  'composed in parts': () => [compose(template(dataset), through()), compose(labelFormat(), slow())],
  'with others between': () => [slow(), template(dataset), through(), labelFormat(), slow()],
  'as objects between': () => [template(dataset), objects(), slow(), labelFormat(), through()],
}

const portions = (item: unknown): number[] =>
  (item as Batch).records.map((record) => Number(/"value": "(\d+)"/.exec(record.json())?.[1]))

test.each(Object.keys(rowsOfStreams))('%s', async (name) => {
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 1, maxLength: 12 }),
    fc.option(fc.integer({ min: 0, max: COUNT - 1 })),
    fc.constantFrom(0, 0, 2),
    async (steps, bad, pause) => {
      const seen: unknown[] = []
      const streams = rowsOfStreams[name]()
      const running = pipeline([Readable.from(source(steps, bad ?? -1)), ...streams, collector(seen, pause)])
      const error: unknown = await running.catch((reason: unknown) => reason)
      if (bad === null) expect(error).toBeUndefined()
      else {
        expect(error).toBeInstanceOf(SteerpipeError)
        expect(error).toMatchObject({ code: 'MISSING_FIELD' })
      }
      expect(seen.flatMap(portions)).toEqual(rows.slice(0, bad ?? COUNT).map((_, i) => i))
    },
  )
  await fc.assert(property, { numRuns: 25 })
})
