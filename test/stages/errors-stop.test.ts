/**
 * onError: stop, the default. The good records before a bad one arrive wherever the stream leads; then it fails.
 */
import { createWriteStream, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Duplex, PassThrough, Readable, Transform, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  Batch,
  compose,
  labelFormat,
  objects,
  parse,
  regressionExpand,
  SteerpipeError,
  template,
  write,
} from '../../src/index.js'
import { closed, collector, failure, file, folder, settled, until } from './support.js'

const GOOD = 60
const row = (i: number) => ({ prompt: `q${i}`, response: 'a', helpfulness: 3 })
const good = Array.from({ length: GOOD }, (_, i) => row(i))
const after = Array.from({ length: 40 }, (_, i) => row(1000 + i))

/** Where a row may be bad, and what the error says then. */
const faults = {
  'parse finds it': { bad: '{"prompt":', code: 'JSON_SYNTAX', stage: 'parse' },
  'template finds it': { bad: { prompt: 'q' }, code: 'MISSING_FIELD', stage: 'template' },
  'label-format finds it': {
    bad: { ...row(0), helpfulness: 9 },
    code: 'OUT_OF_RANGE',
    stage: 'label-format',
  },
} as const
const each = Object.entries(faults)

/** Chunks of ten lines; the bad one is in the middle of its chunk. */
function* chunks(bad: unknown): Generator<Buffer> {
  const lines = [...good, bad, ...after]
  for (let at = 0; at < lines.length; at += 11) yield file(lines.slice(at, at + 11))
}

const ours = () => [parse(), template({ dataset: 'helpsteer2' }), labelFormat({ range: 'error' })] as const
/** How many records are in batches. */
const count = (batches: readonly Batch[]) => batches.reduce((sum, { records }) => sum + records.length, 0)
const lineCount = (text: string) => text.split('\n').length - 1

describe.each(each)('%s', (_name, { bad, code, stage }) => {
  const source = () => Readable.from(chunks(bad))
  const offset = lineCount('') + file(good).length
  const expected = { code, stage, place: { input: 'stream', line: GOOD + 1, offset } }

  /** Runs a row of streams to its end, and checks the error. */
  async function run(...streams: (Duplex | Writable)[]): Promise<void> {
    expect(await failure(pipeline([source(), ...(streams as Duplex[])]))).toMatchObject(expected)
  }

  test('a for await', async () => {
    const seen: Batch[] = []
    const stages = compose(...ours())
    pipeline([source(), stages]).catch(() => {}) // told by the loop
    const loop = async () => {
      for await (const batch of stages.batches()) {
        seen.push(batch)
        await sleep(1)
      }
    }
    expect(await failure(loop())).toMatchObject(expected)
    expect(count(seen)).toBe(GOOD)
    expect(seen.every((batch) => batch.error === null)).toBe(true)
  })

  test.each([0, 15])('another’s Writable, %d ms a batch', async (pause) => {
    const seen: Batch[] = []
    await run(...ours(), collector(seen, pause))
    expect(count(seen)).toBe(GOOD)
  })

  test('a slow Writable of bytes', async () => {
    const seen: Buffer[] = []
    await run(...ours(), regressionExpand(), write(), collector(seen, 10))
    expect(lineCount(Buffer.concat(seen).toString())).toBe(GOOD)
  })

  test('fs.createWriteStream', async () => {
    const path = join(folder(), 'out.jsonl')
    await run(...ours(), write(), createWriteStream(path))
    expect(lineCount(readFileSync(path, 'utf8'))).toBe(GOOD)
  })

  test('write({ to })', async () => {
    const to = join(folder(), 'out.jsonl')
    const writing = write({ to })
    await run(...ours(), writing, regressionExpand(), collector([]))
    await closed(writing)
    expect(lineCount(readFileSync(`${to}.partial`, 'utf8'))).toBe(GOOD)
  })

  test('others’ Transforms in between, and a slow sink', async () => {
    const seen: unknown[] = []
    const slow = new Transform({
      objectMode: true,
      transform: (one, _encoding, done) => void setTimeout(done, 1, null, one),
    })
    const through = new PassThrough({ objectMode: true })
    await run(...ours(), objects(), slow, through, collector(seen, 1))
    expect(seen).toHaveLength(GOOD)
  })

  test('others’ Transforms between two of ours', async () => {
    const seen: Batch[] = []
    const through = () => new PassThrough({ objectMode: true })
    const [parsing, templating, labelling] = ours()
    await run(parsing, through(), templating, through(), labelling, through(), collector(seen, 5))
    expect(count(seen)).toBe(GOOD)
  })

  test('composed streams, one after the other', async () => {
    const seen: Batch[] = []
    const [parsing, templating, labelling] = ours()
    const through = new PassThrough({ objectMode: true })
    await run(
      compose(parsing, templating),
      through,
      compose(labelling, regressionExpand()),
      collector(seen, 5),
    )
    expect(count(seen)).toBe(GOOD)
  })

  test('.pipe(): the last of ours tells', async () => {
    const [parsing, templating, labelling] = ours()
    const seen: Batch[] = []
    const told = new Promise((_resolve, reject) => {
      for (const one of [parsing, templating, labelling]) one.on('error', reject)
    })
    source().pipe(parsing).pipe(templating).pipe(labelling).pipe(collector(seen, 5))
    expect(await failure(told)).toMatchObject(expected)
    expect(count(seen)).toBe(GOOD)
  })
})

describe('what comes after the error', () => {
  test('is not read: the source is held back while the sink is busy', async () => {
    let taken = 0
    const source = async function* () {
      yield file([...good, 'no json'])
      for (; taken < 5000; taken++) yield file([row(taken)])
    }
    let release = () => {}
    const seen: Batch[] = []
    const sink = collector<Batch>(seen)
    sink._write = (batch, _encoding, done) => {
      seen.push(batch)
      release = done
    }
    const running = pipeline([Readable.from(source()), ...ours(), sink])
    running.catch(() => {}) // told below
    await until(() => seen.length === 1, 'the good records')
    await settled(() => taken)
    expect(taken).toBeLessThan(30)
    release()
    expect(await failure(running)).toMatchObject({ code: 'JSON_SYNTAX' })
    expect(count(seen)).toBe(GOOD)
  })

  test('nor are plain objects', async () => {
    let taken = 0
    const source = function* () {
      yield* [row(0), { prompt: 'bad' }]
      for (; taken < 50_000; taken++) yield row(taken)
    }
    const [, templating, labelling] = ours()
    const out = Readable.from(source()).pipe(templating).pipe(labelling)
    const failed = failure(new Promise((_resolve, reject) => out.on('error', reject)))
    await settled(() => taken)
    expect(taken).toBeLessThan(600)
    out.resume()
    expect(await failed).toMatchObject({ code: 'MISSING_FIELD' })
    // `.pipe()` leaves streams open whose destination has failed; ours are closed.
    await until(() => templating.closed, 'the stage before it')
    expect(taken).toBeLessThan(600)
  })
})

test('the error waits for whoever reads late', async () => {
  const out = Readable.from(chunks('no json'))
    .pipe(parse())
    .pipe(template({ dataset: 'helpsteer2' }))
  const errors: unknown[] = []
  out.on('error', (error) => errors.push(error))
  await sleep(60)
  expect(errors).toEqual([])
  const seen: Batch[] = []
  const loop = async () => {
    for await (const batch of out.batches()) seen.push(batch)
  }
  expect(await failure(loop())).toMatchObject({ code: 'JSON_SYNTAX' })
  expect(count(seen)).toBe(GOOD)
})

test('a socket that is only written to does not hold the error back', async () => {
  // Its other side fills up, and nobody will ever read that.
  const socket = new PassThrough({ objectMode: true, highWaterMark: 1000 })
  onTestFinished(() => void socket.destroy())
  const error = await failure(pipeline([Readable.from(chunks('no json')), parse(), socket] as Duplex[]))
  expect(error).toMatchObject({ code: 'JSON_SYNTAX', place: { line: GOOD + 1 } })
})

test('an error of the user’s own is passed on as it is', async () => {
  const own = new Error('mine')
  const onLeftOut = () => {
    throw own
  }
  const running = pipeline([
    Readable.from(chunks('no json')),
    parse({}, { onError: 'skip', onLeftOut }),
    collector([]),
  ])
  await expect(running).rejects.toBe(own)
})

test('batches into a stream of bytes: the error names the cause', async () => {
  const running = pipeline([Readable.from([file(good)]), parse(), createWriteStream(join(folder(), 'x'))])
  const error: unknown = await running.catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(TypeError)
  expect(error).not.toBeInstanceOf(SteerpipeError)
  expect(String(error)).toContain('Batch')
})

test('what ends a stream may be given to a stage in a batch', async () => {
  const batch = Batch.failed(new SteerpipeError('READ_FAILED', { found: 'gone', place: { input: 'x' } }))
  const error = await failure(pipeline([Readable.from([batch]), labelFormat(), write(), collector([])]))
  expect(error).toMatchObject({ code: 'READ_FAILED', place: { input: 'x' } })
})
