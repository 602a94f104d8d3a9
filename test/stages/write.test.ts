/**
 * write: records to bytes; with a path, to a file and on.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { labelFormat, parse, regressionExpand, SteerpipeError, template, write } from '../../src/index.js'
import { closed, collector, counts, failure, file, folder, linesThrough, thrown } from './support.js'

const rows = [
  { prompt: 'q1', response: 'a1', helpfulness: 1 },
  { prompt: 'q2', response: 'a2', helpfulness: 2 },
]
const pair = (split: string) => ({
  ...{ split, prompt: 'q', response_1: 'one', response_2: 'two', preference_strength: 1 },
})

/** Sends rows through stages; resolves with how many records came out at the end. */
async function send(lines: readonly unknown[], ...stages: NodeJS.ReadWriteStream[]): Promise<number> {
  const batches: { records: unknown[] }[] = []
  await pipeline([Readable.from([file(lines)]), parse(), ...stages, collector(batches)])
  return batches.reduce((sum, { records }) => sum + records.length, 0)
}

describe('without a path: bytes', () => {
  test('JSON Lines; what nothing has changed is as it was read', async () => {
    const lines = ['{"b" :1.0,"a":"\\u00e9\\/"}', '{}']
    const chunks: Buffer[] = []
    await pipeline([Readable.from([file(lines)]), parse(), write(), collector(chunks)])
    expect(chunks.every((chunk) => Buffer.isBuffer(chunk))).toBe(true)
    expect(Buffer.concat(chunks).toString()).toBe('{"b" :1.0,"a":"\\u00e9\\/"}\n{}\n')
  })

  test('plain objects in the canonical spelling', async () => {
    const object = { é: ['"\\/\n\u0001\u007f\u2028😀', -0, 1e21, 0.1, null, true], a: { b: {}, c: [] } }
    const chunks: Buffer[] = []
    await pipeline([Readable.from([object]), write(), collector(chunks)])
    expect(Buffer.concat(chunks).toString()).toBe(
      '{"é": ["\\"\\\\/\\n\\u0001\u007f\u2028😀", 0, 1e+21, 0.1, null, true], "a": {"b": {}, "c": []}}\n',
    )
  })

  test('no records, no bytes; records are counted', async () => {
    expect(await linesThrough([])).toEqual([])
    const stage = write()
    await pipeline([Readable.from(rows), stage, collector([])])
    expect(counts(stage.counters)).toEqual({ in: 2, out: 2, leftOut: {}, notes: {} })
  })
})

describe('with a path: a file, and on', () => {
  test('two files from one read', async () => {
    const out = folder()
    const sft = join(out, 'deep', 'er', 'sft.jsonl')
    const reg = join(out, 'reg.jsonl')
    const stages = [template({ dataset: 'helpsteer2' }), labelFormat()]
    const last = write({ to: reg })
    expect(await send(rows, ...stages, write({ to: sft }), regressionExpand(), last)).toBe(2)
    const conversations = await linesThrough(rows, template({ dataset: 'helpsteer2' }), labelFormat())
    expect(readFileSync(sft, 'utf8')).toBe(`${conversations.join('\n')}\n`)
    const samples = await linesThrough(conversations, regressionExpand())
    expect(readFileSync(reg, 'utf8')).toBe(`${samples.join('\n')}\n`)
    expect(counts(last.counters)).toEqual({ in: 2, out: 2, leftOut: {}, notes: {} })
    expect(readdirSync(out).sort()).toEqual(['deep', 'reg.jsonl'])
  })

  test('until it is whole it has another name', async () => {
    const to = join(folder(), 'out.jsonl')
    const source = new Readable({ objectMode: true, read() {} })
    const running = pipeline([source, write({ to }), collector([])])
    source.push(rows[0])
    await expect
      .poll(() => existsSync(`${to}.partial`) && readFileSync(`${to}.partial`, 'utf8'))
      .toContain('q1')
    expect(existsSync(to)).toBe(false)
    source.push(null)
    await running
    expect(existsSync(`${to}.partial`)).toBe(false)
    expect(readFileSync(to, 'utf8')).toBe('{"prompt": "q1", "response": "a1", "helpfulness": 1}\n')
  })

  test('no records: an empty file', async () => {
    const to = join(folder(), 'out.jsonl')
    expect(await send([], write({ to }))).toBe(0)
    expect(readFileSync(to, 'utf8')).toBe('')
  })

  test('.gz compresses', async () => {
    const to = join(folder(), 'out.jsonl.gz')
    const many = Array.from({ length: 5000 }, (_, i) => ({ ...rows[0], i }))
    expect(await send(many, write({ to }))).toBe(5000)
    const bytes = readFileSync(to)
    expect(gunzipSync(bytes)).toEqual(file(many))
    expect(bytes.length).toBeLessThan(file(many).length / 4)
  })

  test('a file that is there is not replaced, and stays', async () => {
    const to = join(folder(), 'out.jsonl')
    writeFileSync(to, 'precious')
    const writing = write({ to })
    const error = await failure(send(rows, writing))
    await closed(writing)
    expect(error).toMatchObject({ code: 'OUTPUT_EXISTS', place: { input: to }, exitCode: 2 })
    expect(readFileSync(to, 'utf8')).toBe('precious')
    expect(existsSync(`${to}.partial`)).toBe(false)
  })

  test('also when no record comes', async () => {
    const to = join(folder(), 'out.jsonl')
    writeFileSync(to, 'precious')
    expect(await failure(send([], write({ to })))).toMatchObject({ code: 'OUTPUT_EXISTS' })
    expect(readFileSync(to, 'utf8')).toBe('precious')
  })

  test('overwrite replaces it when the new one is whole', async () => {
    const to = join(folder(), 'out.jsonl')
    writeFileSync(to, 'old')
    await failure(send([...rows, 'no json'], write({ to }, { overwrite: true })))
    expect(readFileSync(to, 'utf8')).toBe('old')
    await send(rows, write({ to }, { overwrite: true }))
    expect(readFileSync(to, 'utf8')).toBe(file(rows).toString())
  })

  test('a name that cannot be written', async () => {
    const to = join(folder(), 'file')
    writeFileSync(to, '')
    const error = await failure(send(rows, write({ to: join(to, 'below.jsonl') })))
    expect(error).toMatchObject({ code: 'WRITE_FAILED', place: { input: join(to, 'below.jsonl') } })
    expect(error.cause).toBeInstanceOf(Error)
  })
})

describe('${part}', () => {
  const preference = (onError?: 'skip') =>
    template({ dataset: 'helpsteer2-preference' }, onError ? { onError } : {})
  const lineCount = (path: string) => readFileSync(path, 'utf8').split('\n').length - 1

  test('gives each part its file', async () => {
    const out = folder()
    const to = join(out, '${part}', 'pairs-${part}.jsonl')
    expect(await send([pair('train'), pair('x'), pair('train')], preference(), write({ to }))).toBe(6)
    expect(lineCount(join(out, 'train/pairs-train.jsonl'))).toBe(4)
    expect(lineCount(join(out, 'val/pairs-val.jsonl'))).toBe(2)
  })

  test('parts that were declared have a file, if only an empty one', async () => {
    const out = folder()
    const settings = { parts: ['train', 'val'] }
    await send([pair('train')], preference(), write({ to: join(out, '${part}.jsonl') }, settings))
    expect(lineCount(join(out, 'train.jsonl'))).toBe(2)
    expect(readFileSync(join(out, 'val.jsonl'), 'utf8')).toBe('')
  })

  test('one of the files is there already', async () => {
    const out = folder()
    writeFileSync(join(out, 'val.jsonl'), 'precious')
    const lines = [pair('train'), pair('x')]
    const writing = write({ to: join(out, '${part}.jsonl') })
    const error = await failure(send(lines, preference(), writing))
    await closed(writing)
    expect(error).toMatchObject({ code: 'OUTPUT_EXISTS', place: { input: join(out, 'val.jsonl') } })
    expect(readFileSync(join(out, 'val.jsonl'), 'utf8')).toBe('precious')
    expect(existsSync(join(out, 'train.jsonl'))).toBe(false)
  })

  test('a part’s name is taken as it is', async () => {
    const out = folder()
    const parts = ['a$&b', "$'"]
    await send([], write({ to: join(out, '${part}.jsonl') }, { parts }))
    expect(readdirSync(out).sort()).toEqual(["$'.jsonl", 'a$&b.jsonl'])
  })

  test('a record without a part is bad, with its place', async () => {
    const out = folder()
    const writing = write({ to: join(out, '${part}.jsonl') })
    const error = await failure(send(rows, writing))
    await closed(writing)
    expect(error).toMatchObject({ code: 'WRONG_RECORD', stage: 'write', place: { line: 1, offset: 0 } })
    expect(error.fix).toContain('Leave `${part}` out')
    expect(readdirSync(out)).toEqual([])
  })

  test('and is left out with skip', async () => {
    const out = folder()
    const stage = write({ to: join(out, '${part}.jsonl') }, { onError: 'skip' })
    expect(await send(rows, stage)).toBe(0)
    expect(counts(stage.counters)).toEqual({ in: 2, out: 0, leftOut: { WRONG_RECORD: 2 }, notes: {} })
  })
})

describe('what is left when a run ends early', () => {
  test('a bad record: the good ones before it, in whole lines, beside the name', async () => {
    const to = join(folder(), 'out.jsonl')
    const writing = write({ to })
    await failure(send([...rows, { prompt: 'q' }, ...rows], template({ dataset: 'helpsteer2' }), writing))
    await closed(writing)
    expect(existsSync(to)).toBe(false)
    const lines = readFileSync(`${to}.partial`, 'utf8')
    expect(lines).toBe(`${(await linesThrough(rows, template({ dataset: 'helpsteer2' }))).join('\n')}\n`)
  })

  test('compressed ones can be read', async () => {
    const to = join(folder(), 'out.jsonl.gz')
    const writing = write({ to })
    await failure(send([...rows, 'no json'], writing))
    await closed(writing)
    expect(gunzipSync(readFileSync(`${to}.partial`))).toEqual(file(rows))
  })

  test('nothing at all, if nothing was written', async () => {
    const out = folder()
    const writing = write({ to: join(out, 'out.jsonl') })
    await failure(send(['no json'], writing))
    await closed(writing)
    expect(readdirSync(out)).toEqual([])
  })

  test('a stage behind it that fails: the same', async () => {
    const to = join(folder(), 'out.jsonl')
    const source = new Readable({ objectMode: true, read() {} })
    source.push(rows[0])
    // The source does not end, so the file cannot be whole.
    const writing = write({ to })
    const running = pipeline([source, writing, regressionExpand(), collector([])])
    expect(await failure(running)).toMatchObject({ code: 'WRONG_RECORD', stage: 'regression-expand' })
    await closed(writing)
    expect(existsSync(to)).toBe(false)
    expect(readFileSync(`${to}.partial`, 'utf8')).toBe(
      '{"prompt": "q1", "response": "a1", "helpfulness": 1}\n',
    )
  })
})

test('options', () => {
  expect(thrown(() => write({ to: '' }))).toMatchObject({ code: 'BAD_OPTION', stage: 'write' })
  // @ts-expect-error: there is no such option
  expect(() => write({ too: 'x' })).toThrow(SteerpipeError)
})
