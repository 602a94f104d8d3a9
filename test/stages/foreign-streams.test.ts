/**
 * Our stages among other people's streams.
 */
import stream, { type Duplex, PassThrough, Readable, Transform, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, gzipSync } from 'node:zlib'
import split from 'split2'
import { parser } from 'stream-json'
import { streamArray } from 'stream-json/streamers/stream-array.js'
import { describe, expect, test } from 'vitest'
import {
  Batch,
  compose,
  labelFormat,
  objects,
  parse,
  regressionExpand,
  template,
  toObject,
  write,
} from '../../src/index.js'
import { collector, file, linesFrom, linesThrough, records } from './support.js'

const rows = Array.from({ length: 1000 }, (_, i) => ({ prompt: `q${i}`, response: 'a', helpfulness: i % 5 }))
const stages = () => [template({ dataset: 'helpsteer2' }), labelFormat(), regressionExpand()] as const
const expected = await linesThrough(rows, ...stages())
const text = (chunks: readonly Buffer[]): string[] =>
  Buffer.concat(chunks).toString().split('\n').slice(0, -1)

test('a thousand rows give a thousand different samples', () => {
  expect(new Set(expected).size).toBe(1000)
})

describe('ways to connect', () => {
  const bytes = () => Readable.from([file(rows.slice(0, 500)), file(rows.slice(500))])

  test('pipeline, with other people’s bytes streams round it', async () => {
    const chunks: Buffer[] = []
    const gunzip = createGunzip()
    gunzip.end(gzipSync(file(rows)))
    await pipeline([gunzip, parse(), ...stages(), write(), new PassThrough(), collector(chunks)])
    expect(text(chunks)).toEqual(expected)
  })

  test('.pipe()', async () => {
    const [templating, labelling, expanding] = stages()
    const out = bytes().pipe(parse()).pipe(templating).pipe(labelling).pipe(expanding).pipe(write())
    expect(text(await out.toArray())).toEqual(expected)
  })

  test('Node’s compose', async () => {
    const { compose: nodeCompose } = stream as unknown as { compose(...streams: Duplex[]): Duplex }
    const out = bytes().pipe(nodeCompose(parse(), ...stages(), write()))
    expect(text(await out.toArray())).toEqual(expected)
  })

  test('our compose, also of composed ones, and of one', async () => {
    const [templating, labelling, expanding] = stages()
    const sft = compose(compose(parse()), templating, labelling)
    const out = bytes().pipe(compose(sft, expanding, write()))
    expect(text((await out.toArray()) as Buffer[])).toEqual(expected)
  })

  test('for await over the batches of a stage, and of a composed stream', async () => {
    const texts: string[] = []
    for await (const batch of bytes()
      .pipe(compose(parse(), ...stages()))
      .batches()) {
      expect(batch).toBeInstanceOf(Batch)
      for (const sample of batch.records) texts.push(sample.json())
    }
    expect(texts).toEqual(expected)
    let count = 0
    for await (const batch of bytes().pipe(parse()).batches()) count += batch.records.length
    expect(count).toBe(1000)
  })

  test('stepping out of a for await ends the streams', async () => {
    const source = bytes()
    const parsing = source.pipe(parse())
    for await (const _batch of parsing.batches()) break
    expect(parsing.destroyed).toBe(true)
  })

  test('an async generator between two of ours', async () => {
    const chunks: Buffer[] = []
    await pipeline(
      bytes(),
      parse(),
      async function* (batches: AsyncIterable<Batch>) {
        for await (const batch of batches) yield* batch.records.map(toObject)
      },
      compose(...stages(), write()),
      collector<Buffer>(chunks),
    )
    expect(text(chunks)).toEqual(expected)
  })
})

describe('plain objects in', () => {
  test.each<[string, () => NodeJS.ReadableStream]>([
    ['Readable.from', () => Readable.from(rows)],
    ['split2', () => Readable.from([file(rows)]).pipe(split(JSON.parse))],
    [
      'stream-json, an array by its values',
      () => {
        const array = Readable.from([Buffer.from(JSON.stringify(rows))])
        const values = new Transform({
          objectMode: true,
          transform: ({ value }, _e, done) => done(null, value),
        })
        return array.pipe(parser.asStream()).pipe(streamArray.asStream()).pipe(values)
      },
    ],
    [
      'an async generator',
      () =>
        Readable.from(
          (async function* () {
            yield* rows
          })(),
        ),
    ],
  ])('%s', async (_name, open) => {
    expect(await linesFrom(open(), ...stages())).toEqual(expected)
  })

  test('each of our stages takes them', async () => {
    const conversations = (await linesThrough(rows, template({ dataset: 'helpsteer2' }))).map((line) =>
      JSON.parse(line),
    )
    expect(await linesFrom(Readable.from(conversations), labelFormat(), regressionExpand())).toEqual(expected)
    const labelled = (await linesFrom(Readable.from(conversations), labelFormat())).map((line) =>
      JSON.parse(line),
    )
    expect(await linesFrom(Readable.from(labelled), regressionExpand())).toEqual(expected)
    const spelled = rows.map(({ prompt, helpfulness }) => {
      return `{"prompt": "${prompt}", "response": "a", "helpfulness": ${helpfulness}}`
    })
    expect(await linesFrom(Readable.from(rows))).toEqual(spelled)
  })

  test('batches and objects in turns keep their order', async () => {
    const source = async function* () {
      for (let i = 0; i < 1000; i += 10) {
        yield* rows.slice(i, i + 3)
        yield await records(rows.slice(i + 3, i + 8))
        yield rows[i + 8]
        yield await records([])
        yield rows[i + 9]
      }
    }
    expect(await linesFrom(Readable.from(source()), ...stages())).toEqual(expected)
    // All at once, so that nothing waits for a turn of the loop.
    const all: unknown[] = []
    for await (const item of source()) all.push(item)
    expect(await linesFrom(Readable.from(all), ...stages())).toEqual(expected)
  })
})

describe('plain objects out', () => {
  test('objects() gives what JSON.parse would', async () => {
    const out = Readable.from([file(rows)])
      .pipe(parse())
      .pipe(objects())
    expect(await out.toArray()).toEqual(rows)
    expect([out.counters.in, out.counters.out]).toEqual([1000, 1000])
  })

  test('a Transform of one’s own between two of ours', async () => {
    const own = new Transform({
      objectMode: true,
      transform(row: { prompt: string }, _encoding, done) {
        if (row.prompt.endsWith('7')) done()
        else done(null, { ...row, prompt: row.prompt.toUpperCase() })
      },
    })
    const changed = rows
      .filter(({ prompt }) => !prompt.endsWith('7'))
      .map((row) => ({ ...row, prompt: row.prompt.toUpperCase() }))
    expect(await linesThrough(rows, objects(), own, ...stages())).toEqual(
      await linesThrough(changed, ...stages()),
    )
  })

  test('one that gives several for one, and some later', async () => {
    const held: unknown[] = []
    const own = new Transform({
      objectMode: true,
      transform(row, _encoding, done) {
        held.push(row)
        if (held.length === 300) for (const one of held.splice(0)) this.push(one)
        setImmediate(done)
      },
      flush(done) {
        for (const one of held) this.push(one)
        done()
      },
    })
    expect(await linesThrough(rows, objects(), own, ...stages())).toEqual(expected)
  })

  test('into a Writable of one’s own', async () => {
    const seen: unknown[] = []
    const sink = new Writable({
      objectMode: true,
      write: (row, _encoding, done) => done(void seen.push(row) as undefined),
    })
    await pipeline(Readable.from(rows), objects(), sink)
    expect(seen).toEqual(rows)
  })

  test('batches may be looked at one by one: a record knows its kind, place and text', async () => {
    const batch = await records(rows.slice(0, 2))
    expect(batch.records.map((record) => [record.kind, record.source.place.line])).toEqual([
      ['json', 1],
      ['json', 2],
    ])
    expect(batch.records.map(toObject)).toEqual(rows.slice(0, 2))
  })
})
