/**
 * A consumer that is slow holds back the source: what is taken from an endless one stays bounded.
 */
import { type Duplex, PassThrough, Readable, Transform, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { compose, labelFormat, objects, parse, regressionExpand, template, write } from '../../src/index.js'
import { file, folder, records, settled } from './support.js'

const row = { prompt: 'q', response: 'a', helpfulness: 3 }

/** An endless source that counts what is taken from it; after `limit` it is taken for unbounded. */
class Endless extends Readable {
  taken = 0
  constructor(
    private readonly item: unknown,
    private readonly limit: number,
  ) {
    super({ objectMode: true, highWaterMark: 1 })
    onTestFinished(() => void this.destroy())
  }

  override _read(): void {
    if (this.taken++ < this.limit) setImmediate(() => this.push(this.item))
  }
}

/** A Writable that never finishes its first write. */
const stuck = () => new Writable({ objectMode: true, highWaterMark: 1, write() {} })

/** Connects streams with `.pipe()`; they are destroyed after the test. */
function connect(source: Readable, ...streams: Duplex[]): Readable {
  onTestFinished(() => {
    // A composed stream that is destroyed says so as an error.
    for (const stream of streams) stream.on('error', () => {}).destroy()
  })
  return streams.reduce<Readable>((last, stream) => last.pipe(stream), source)
}

const stages = () => [template({ dataset: 'helpsteer2' }), labelFormat(), regressionExpand()]

describe('batches', async () => {
  const batch = await records([row, row])
  // Two wait on each side of a stage, and one is worked on.
  const bound = (count: number) => 5 * count + 3

  test('a sink that is stuck', async () => {
    const source = new Endless(batch, 1000)
    connect(source, ...stages()).pipe(stuck())
    await settled(() => source.taken)
    expect(source.taken).toBeGreaterThan(3)
    expect(source.taken).toBeLessThanOrEqual(bound(3))
  })

  test('a sink that takes no heed of it takes all: the bound is not the source’s', async () => {
    const source = new Endless(batch, 1000)
    connect(source, ...stages()).on('data', () => {})
    await settled(() => source.taken)
    expect(source.taken).toBeGreaterThan(1000)
  })

  test('nobody reads', async () => {
    const source = new Endless(batch, 1000)
    connect(source, ...stages())
    await settled(() => source.taken)
    expect(source.taken).toBeLessThanOrEqual(bound(3))
  })

  test('parse', async () => {
    const source = new Endless(file([row]), 1000)
    connect(source, parse()).pipe(stuck())
    await settled(() => source.taken)
    expect(source.taken).toBeLessThanOrEqual(bound(1))
  })

  test('write, with and without a path', async () => {
    const source = new Endless(batch, 1000)
    connect(source, write({ to: `${folder()}/out.jsonl` })).pipe(stuck())
    await settled(() => source.taken)
    expect(source.taken).toBeLessThanOrEqual(bound(1))
    const large = await records([{ ...row, prompt: 'x'.repeat(1 << 20) }])
    const heavy = new Endless(large, 1000)
    connect(heavy, write()).pipe(stuck())
    await settled(() => heavy.taken)
    expect(heavy.taken).toBeLessThanOrEqual(bound(1))
  })

  test('objects()', async () => {
    const source = new Endless(await records(Array(200).fill(row)), 1000)
    connect(source, objects()).pipe(stuck())
    await settled(() => source.taken)
    expect(source.taken).toBeLessThanOrEqual(bound(1))
  })

  test('composed', async () => {
    const source = new Endless(batch, 1000)
    connect(source, compose(...(stages() as [ReturnType<typeof labelFormat>]))).pipe(stuck())
    await settled(() => source.taken)
    // Node's own buffers are before and behind.
    expect(source.taken).toBeLessThanOrEqual(bound(3) + 40)
  })
})

describe('plain objects', () => {
  // Batches of at most 256 wait where batches wait, and one is gathered.
  const bound = (count: number) => (5 * count + 1) * 256

  test('a sink that is stuck', async () => {
    const source = new Endless(row, 20_000)
    connect(source, ...stages()).pipe(stuck())
    await settled(() => source.taken)
    expect(source.taken).toBeLessThanOrEqual(bound(3))
  })

  test('a sink that takes no heed of it takes all', async () => {
    const source = new Endless(row, 20_000)
    connect(source, ...stages()).on('data', () => {})
    await settled(() => source.taken)
    expect(source.taken).toBeGreaterThan(20_000)
  })

  test('nobody reads, and the source gives all at once', async () => {
    let taken = 0
    const source = Readable.from(
      (function* () {
        for (; taken < 50_000; taken++) yield row
      })(),
    )
    connect(source, template({ dataset: 'helpsteer2' }))
    await settled(() => taken)
    expect(taken).toBeGreaterThan(255)
    expect(taken).toBeLessThanOrEqual(bound(1))
  })

  test('through objects() and a Transform of one’s own', async () => {
    const source = new Endless(row, 50_000)
    const own = new Transform({ objectMode: true, transform: (one, _encoding, done) => done(null, one) })
    connect(source, objects(), own, template({ dataset: 'helpsteer2' }), write()).pipe(stuck())
    await settled(() => source.taken)
    // The 1 MiB of text that may wait behind write() is some 4000 records.
    expect(source.taken).toBeLessThan(10_000)
  })

  test('a consumer that pauses and goes on gets everything, in order', async () => {
    const rows = Array.from({ length: 5000 }, (_, i) => ({ ...row, prompt: `${i}` }))
    const out = Readable.from(rows)
      .pipe(template({ dataset: 'helpsteer2' }))
      .pipe(objects())
      .pipe(new PassThrough({ objectMode: true }))
    const seen: string[] = []
    for await (const conversation of out) {
      if (seen.length % 1000 === 0) await sleep(5)
      seen.push((conversation as { conversations: { value: string }[] }).conversations[0].value)
    }
    expect(seen).toEqual(rows.map(({ prompt }) => prompt))
  })
})
