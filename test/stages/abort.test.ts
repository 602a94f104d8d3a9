/**
 * A stream that is ended early: by an AbortSignal, by destroy, by a consumer or a source that fails.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type Duplex, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { gunzipSync } from 'node:zlib'
import { describe, expect, onTestFinished, test } from 'vitest'
import { compose, labelFormat, parse, template, write } from '../../src/index.js'
import { closed, collector, file, folder, settled, until } from './support.js'

const row = { prompt: 'q', response: 'a', helpfulness: 3 }
const stages = () => [parse(), template({ dataset: 'helpsteer2' }), labelFormat()]

/** Ten rows each time it is asked, for ever. */
function endless(): Readable {
  const source = new Readable({ read: () => setImmediate(() => source.push(file(Array(10).fill(row)))) })
  onTestFinished(() => void source.destroy())
  return source
}

/** What a promise is rejected with. */
const reason = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

/** What is unhandled while a test runs; nothing may be. */
function unhandled(): unknown[] {
  const found: unknown[] = []
  const note = (error: unknown) => found.push(error)
  process.on('unhandledRejection', note)
  onTestFinished(() => void process.off('unhandledRejection', note))
  return found
}

describe('an AbortSignal', () => {
  test('ends a pipeline at once, and destroys all of it', async () => {
    const lost = unhandled()
    const abort = new AbortController()
    const seen: unknown[] = []
    const source = endless()
    const streams = [...stages(), collector(seen)] as Duplex[]
    const running = pipeline([source, ...streams], { signal: abort.signal })
    await until(() => seen.length > 3, 'the first batches')
    const started = performance.now()
    abort.abort()
    expect(await reason(running)).toMatchObject({ name: 'AbortError' })
    expect(performance.now() - started).toBeLessThan(1000)
    expect([source, ...streams].every((stream) => stream.destroyed)).toBe(true)
    const { length } = seen
    await settled(() => seen.length)
    expect(seen.length).toBe(length)
    expect(lost).toEqual([])
  })

  test('also when the sink is stuck, and when an error waits for it', async () => {
    const lost = unhandled()
    for (const lines of [
      [row, row],
      [row, 'no json'],
    ]) {
      const abort = new AbortController()
      const source = new Readable({ read() {} })
      source.push(file(lines))
      const sink = collector([])
      sink._write = () => {}
      const writing = write({ to: join(folder(), 'out.jsonl') })
      const running = pipeline([source, ...stages(), writing, sink], { signal: abort.signal })
      await until(() => sink.writableLength > 0, 'the first batch')
      abort.abort()
      expect(await reason(running)).toMatchObject({ name: 'AbortError' })
      await closed(writing)
    }
    await settled(() => lost.length)
    expect(lost).toEqual([])
  })

  test('aborted before it begins', async () => {
    const to = join(folder(), 'out.jsonl')
    const running = pipeline([endless(), parse(), write({ to }), collector([])], {
      signal: AbortSignal.abort(),
    })
    expect(await reason(running)).toMatchObject({ name: 'AbortError' })
    expect(existsSync(to)).toBe(false)
  })

  test('write({ to }) leaves whole lines beside the name, and nothing under it', async () => {
    for (const name of ['out.jsonl', 'out.jsonl.gz']) {
      const to = join(folder(), name)
      const abort = new AbortController()
      const seen: unknown[] = []
      const writing = write({ to })
      const running = pipeline([endless(), ...stages(), writing, collector(seen)], { signal: abort.signal })
      await until(() => seen.length > 5, 'the first batches')
      abort.abort()
      await reason(running)
      await closed(writing)
      const bytes = readFileSync(`${to}.partial`)
      const lines = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().split('\n')
      expect(lines.pop()).toBe('')
      expect(lines.length).toBeGreaterThanOrEqual(50)
      for (const line of lines) expect(JSON.parse(line)).toMatchObject({ mask: 'User' })
      expect(existsSync(to)).toBe(false)
    }
  })
})

/** The files that this process has open in a folder. */
function openIn(path: string): number {
  // Only Linux says so; elsewhere there is nothing to see.
  if (!existsSync('/proc/self/fd')) return 0
  const linkOf = (handle: string): string => {
    try {
      return readlinkSync(`/proc/self/fd/${handle}`)
    } catch {
      // It has been closed meanwhile.
      return ''
    }
  }
  return readdirSync('/proc/self/fd').filter((handle) => linkOf(handle).startsWith(path)).length
}

describe('destroy', () => {
  test('in the middle leaks no file and settles nothing twice', async () => {
    const lost = unhandled()
    const out = folder()
    for (let i = 0; i < 20; i++) {
      const writing = write({ to: join(out, `${i}.jsonl`) })
      const source = endless()
      const last = source.pipe(parse()).pipe(writing)
      last.resume()
      await until(() => i % 2 === 0 || writing.counters.out > i, 'records')
      writing.destroy()
      source.destroy()
      await closed(writing)
    }
    expect(openIn(out)).toBe(0)
    expect(readdirSync(out).filter((name) => !name.endsWith('.partial'))).toEqual([])
    expect(lost).toEqual([])
  })

  test('while an error waits for a reader that never comes', async () => {
    const writing = write({ to: join(folder(), 'out.jsonl') })
    Readable.from([file([row, 'no json'])])
      .pipe(parse())
      .pipe(writing)
    await until(() => writing.counters.out > 0, 'the good record')
    await settled(() => writing.readableLength)
    writing.destroy()
    await closed(writing)
  })

  test('with an error gives that error, once', async () => {
    const own = new Error('mine')
    const [stage] = stages()
    const errors: unknown[] = []
    stage.on('error', (error) => errors.push(error))
    endless().pipe(stage).resume()
    await until(() => stage.counters.out > 0, 'records')
    stage.destroy(own)
    await closed(stage)
    await settled(() => errors.length)
    expect(errors).toEqual([own])
  })

  test('of plain objects that are gathered: they are forgotten', async () => {
    const stage = template({ dataset: 'helpsteer2' })
    for (let i = 0; i < 10; i++) stage.write(row)
    stage.destroy()
    await closed(stage)
    await settled(() => stage.counters.in)
    expect(stage.counters.in).toBe(0)
  })

  test('of a composed stream destroys what is in it', async () => {
    const inside = stages()
    const [first, second, third] = inside as [
      ReturnType<typeof parse>,
      ReturnType<typeof labelFormat>,
      Duplex,
    ]
    const composed = compose(first, second, third)
    composed.on('error', () => {}) // Node says that it was ended early
    endless().pipe(composed).resume()
    await until(() => first.counters.out > 0, 'records')
    composed.destroy()
    await until(() => inside.every((stage) => stage.destroyed), 'the end of all')
  })
})

describe('somebody else fails', () => {
  test('the source: the file is not whole', async () => {
    const to = join(folder(), 'out.jsonl')
    const own = new Error('mine')
    const source = async function* () {
      yield file([row, row])
      throw own
    }
    const running = pipeline([Readable.from(source()), ...stages(), write({ to }), collector([])])
    expect(await reason(running)).toBe(own)
    expect(existsSync(to)).toBe(false)
  })

  test('the sink', async () => {
    const to = join(folder(), 'out.jsonl')
    const own = new Error('mine')
    const sink = collector([])
    sink._write = (_batch, _encoding, done) => done(own)
    const streams = stages()
    const running = pipeline([endless(), ...streams, write({ to }), sink])
    expect(await reason(running)).toBe(own)
    expect(streams.every((stream) => stream.destroyed)).toBe(true)
    expect(existsSync(to)).toBe(false)
  })
})
