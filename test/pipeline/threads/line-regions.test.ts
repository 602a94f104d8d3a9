/** The regions of a stream: however its bytes come, they hold whole lines, and what is told of them fits the stream. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FROM_START } from '../../../src/pipeline/threads/file-regions.js'
import { Lane } from '../../../src/pipeline/threads/lane.js'
import { lineRegions, StreamAccount, type StreamRegion } from '../../../src/pipeline/threads/line-regions.js'
import { digestOf } from '../../../src/records/bytes.js'
import { StreamHash } from '../../../src/storage/consumed.js'
import { JsonLinesReader } from '../../../src/storage/json-lines.js'

const INPUT = 'in'
const REGION = 512 * 1024

const settings = (maxLineBytes: number) => ({
  input: INPUT,
  maxLineBytes,
  hashes: true,
  memory: () => undefined,
})

/** Pieces in memory that is used again, as that of a reader is. */
async function* inPieces(bytes: Buffer, sizes: readonly number[], end?: Error): AsyncGenerator<Buffer> {
  for (let at = 0, piece = 0; at < bytes.length; piece++) {
    const size = sizes[piece % sizes.length]
    const chunk = Buffer.from(bytes.subarray(at, at + size))
    yield chunk
    chunk.fill('?')
    at += size
  }
  if (end) throw end
}

/** What is found in a stream: bad lines and good records, in their order within each kind. */
interface Found {
  readonly lines: number
  readonly records: readonly string[]
  readonly faults: readonly string[]
}

/** What one reader finds in it. */
function readWhole(bytes: Buffer, sizes: readonly number[], maxLineBytes: number, isDamaged: boolean): Found {
  const reader = new JsonLinesReader({ input: INPUT, maxLineBytes })
  const records: string[] = []
  const faults: string[] = []
  const take = (scan: ReturnType<typeof reader.read>) => {
    for (const record of scan.records) records.push(`${record.place.line}: ${record.json()}`)
    for (const { error } of scan.faults) faults.push(error.message)
  }
  for (let at = 0, piece = 0; at < bytes.length; at += sizes[piece++ % sizes.length])
    take(reader.read(bytes.subarray(at, at + sizes[piece % sizes.length])))
  if (!isDamaged) take(reader.end())
  return { lines: isDamaged ? 0 : reader.all().lines, records, faults }
}

/** What readers find in its regions, each for itself. */
async function readRegions(
  chunks: AsyncIterable<Buffer>,
  stream: Buffer,
  maxLineBytes: number,
): Promise<Found> {
  const account = new StreamAccount(FROM_START)
  const records: string[] = []
  const faults: string[] = []
  for await (const region of lineRegions(chunks, FROM_START, settings(maxLineBytes))) {
    const { task, isWhole } = region
    expect(task.from).toBe(account.bytes)
    const reader = new JsonLinesReader({ input: INPUT, maxLineBytes })
    reader.begin({ bytes: task.from, lines: account.lines }, false, undefined)
    for (const scan of [reader.read(task.bytes), reader.end()]) {
      for (const record of scan.records) records.push(`${record.place.line}: ${record.json()}`)
      for (const { error } of scan.faults) faults.push(error.message)
    }
    account.add(region, reader.all().lines - account.lines)
    if (isWhole) {
      const before = stream.subarray(0, account.bytes)
      expect(before.at(-1)).toBe(0x0a)
      const hash = new StreamHash(FROM_START.hash)
      hash.add(before)
      expect(account.part()?.hash).toBe(digestOf(hash.state, before.length))
    }
  }
  return { lines: account.lines, records, faults }
}

const line = (length: number, n: number): string =>
  length < 1 ? '' : `{"n":${n},"text":"${'x'.repeat(length)}"}`

const LENGTHS = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 300 }) },
  { weight: 2, arbitrary: fc.integer({ min: 900, max: 1100 }) },
  { weight: 1, arbitrary: fc.integer({ min: 2000, max: 9000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 250_000, max: 600_000 }) },
)

const STREAM = fc.record({
  lengths: fc.array(LENGTHS, { maxLength: 40 }),
  hasMark: fc.boolean(),
  isEnded: fc.boolean(),
  sizes: fc.array(fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 3000, max: 300_000 })), {
    minLength: 1,
    maxLength: 5,
  }),
  maxLineBytes: fc.oneof(fc.integer({ min: 1, max: 1200 }), fc.constant(300_000), fc.constant(10_000_000)),
})

function bytesOf({
  lengths,
  hasMark,
  isEnded,
}: {
  lengths: readonly number[]
  hasMark: boolean
  isEnded: boolean
}) {
  const text = lengths.map((length, n) => `${line(length, n)}\n`).join('')
  return Buffer.from((hasMark ? '\ufeff' : '') + (isEnded ? text : text.slice(0, -1)))
}

describe('the regions of a stream', () => {
  test('hold what it holds, in any chunks, with lines that are too long anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(STREAM, async ({ sizes, maxLineBytes, ...stream }) => {
        const bytes = bytesOf(stream)
        const found = await readRegions(inPieces(bytes, sizes), bytes, maxLineBytes)
        expect(found).toEqual(readWhole(bytes, sizes, maxLineBytes, false))
      }),
      { numRuns: 150 },
    )
  })

  test('hold the whole lines before damage, and a line that is known to be too long by then', async () => {
    await fc.assert(
      fc.asyncProperty(STREAM, fc.nat(), async ({ sizes, maxLineBytes, ...stream }, cut) => {
        const bytes = bytesOf(stream)
        const before = bytes.subarray(0, cut % (bytes.length + 1))
        const damage = new Error('damage')
        let told: unknown
        const records: string[] = []
        const faults: string[] = []
        const regions: StreamRegion[] = []
        try {
          for await (const region of lineRegions(
            inPieces(before, sizes, damage),
            FROM_START,
            settings(maxLineBytes),
          ))
            regions.push(region)
        } catch (error) {
          told = error
        }
        expect(told).toBe(damage)
        let lines = 0
        for (const { task } of regions) {
          const reader = new JsonLinesReader({ input: INPUT, maxLineBytes })
          reader.begin({ bytes: task.from, lines }, false, undefined)
          for (const scan of [reader.read(task.bytes), reader.end()]) {
            for (const record of scan.records) records.push(`${record.place.line}: ${record.json()}`)
            for (const { error } of scan.faults) faults.push(error.message)
          }
          lines = reader.all().lines
        }
        const { records: good, faults: bad } = readWhole(before, sizes, maxLineBytes, true)
        expect({ records, faults }).toEqual({ records: good, faults: bad })
        expect(regions.slice(0, -1).every(({ isWhole }) => isWhole)).toBe(true)
      }),
      { numRuns: 150 },
    )
  })

  test('are large where much comes', async () => {
    const bytes = Buffer.from(`${line(90, 1)}\n`.repeat(40_000))
    const sizes: number[] = []
    for await (const { task } of lineRegions(inPieces(bytes, [65_536]), FROM_START, settings(1e6)))
      sizes.push(task.bytes.length)
    for (const size of sizes.slice(0, -1)) expect(size).toBeGreaterThan(REGION - 65_536)
  })

  test('come soon where little comes, and silence behind it', async () => {
    let wake = () => {}
    const silence = new Promise<void>((resolve) => {
      wake = resolve
    })
    async function* slow(): AsyncGenerator<Buffer> {
      yield Buffer.from('{"n":1}\n{"n":2}\n{"n"')
      await silence
      yield Buffer.from(':3}')
    }
    const regions = lineRegions(slow(), FROM_START, settings(1000))
    const text = async () => {
      const { value } = await regions.next()
      return value ? Buffer.from(value.task.bytes).toString() : undefined
    }
    expect(await text()).toBe('{"n":1}\n{"n":2}\n')
    const last = text()
    wake()
    expect(await last).toBe('{"n":3}')
    expect(await text()).toBe(undefined)
  })

  test('end with whoever reads them, also where the stream is silent', async () => {
    async function* silent(): AsyncGenerator<Buffer> {
      yield Buffer.from('{"n":1}\n')
      await new Promise(() => {})
    }
    const seen: number[] = []
    for await (const { end } of lineRegions(silent(), FROM_START, settings(1000))) {
      seen.push(end)
      break
    }
    expect(seen).toEqual([8])
  })
})

test('a lane tells of a line that is too long once, with its place', async () => {
  const lane = new Lane({
    maxLineBytes: 100,
    stages: [{ name: 'write', options: { to: 'out', ascii: false }, parts: undefined }],
    onError: 'skip',
    setAside: false,
    tells: true,
    inOrder: false,
    hasUserCode: false,
  })
  const bytes = Buffer.from(`{"n":1}\n${'x'.repeat(700_000)}\n{"n":2}\n`)
  const told: unknown[] = []
  let lines = 0
  for await (const { task } of lineRegions(inPieces(bytes, [1000]), FROM_START, settings(100))) {
    const result = await lane.run(task, [])
    for (const { code, place } of result.told) told.push([code, (place?.line ?? 0) + lines, place?.offset])
    lines += result.read.lines
  }
  expect(told).toEqual([['LINE_TOO_LONG', 2, 8]])
  expect(lines).toBe(3)
})
