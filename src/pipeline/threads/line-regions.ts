import { digestOf, type HashState } from '../../records/bytes.js'
import { type Account, type ReadPart, StreamHash } from '../../storage/consumed.js'
import type { RegionStart } from './file-regions.js'
import type { LinesTask } from './messages.js'

/** Bytes of whole lines that are handed over together. */
const REGION_BYTES = 512 * 1024

/** Room behind them: what is read until there are enough. */
const SLACK_BYTES = 256 * 1024

/**
 * Milliseconds that whole lines wait for more. What a stream has given before it falls silent comes out soon; of one
 * that goes on there is enough by then.
 */
const PATIENCE = 20

const LINE_END = 0x0a

const BYTE_ORDER_MARK = Buffer.from('\ufeff')

/** Whole lines of a stream, and how far it was read with them. */
export interface StreamRegion {
  readonly task: LinesTask
  /** Bytes of the stream up to their end. */
  readonly end: number
  readonly hash: HashState | undefined
  /** It ends with the end of a line: one can begin to read behind it. */
  readonly isWhole: boolean
}

/** How the regions of a stream are made. */
export interface StreamSettings {
  readonly input: string
  readonly maxLineBytes: number
  readonly hashes: boolean
  /** Gives memory that was used before; undefined if there is none. */
  readonly memory: () => ArrayBuffer | undefined
}

/** Cuts the bytes of a stream into regions of whole lines. */
export async function* lineRegions(
  chunks: AsyncIterable<Buffer>,
  start: RegionStart,
  settings: StreamSettings,
): AsyncGenerator<StreamRegion> {
  const gathering = new Gathering(start, settings)
  const iterator = chunks[Symbol.asyncIterator]()
  let coming: ReturnType<typeof iterator.next> | undefined
  try {
    for (;;) {
      coming ??= iterator.next()
      const came = gathering.hasLines ? await inTime(coming, PATIENCE) : await coming
      if (came === LATE) {
        yield* gathering.wholeLines()
        continue
      }
      coming = undefined
      if (came.done) break
      yield* gathering.take(came.value)
    }
  } catch (error) {
    // What stands before the damage is good.
    yield* gathering.upToDamage()
    throw error
  } finally {
    const ended = iterator.return?.()
    ended?.catch(() => {}) // told where it is awaited
    // Who waits for a chunk may wait for ever.
    if (coming === undefined) await ended
  }
  yield* gathering.end()
}

const LATE = Symbol('late')

/** What a promise comes to, if that is soon. @param patience milliseconds */
async function inTime<T>(promise: Promise<T>, patience: number): Promise<T | typeof LATE> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(resolve, patience, LATE)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** What was read and is not handed over yet. */
class Gathering {
  private bytes: Buffer<ArrayBuffer>
  private filled = 0
  /** Bytes of them that are whole lines. */
  private whole = 0
  /** Bytes of them that are hashed. */
  private hashed = 0
  /** Bytes of the stream before the gathered ones. */
  private from: number
  /** The gathered ones are the start of a line that is longer than it may be. */
  private isTooLong = false
  /** Bytes of such a line that are not gathered. */
  private passedOver = 0
  private readonly hash: StreamHash | undefined

  constructor(
    start: RegionStart,
    private readonly settings: StreamSettings,
  ) {
    this.from = start.bytes
    this.hash = settings.hashes ? new StreamHash(start.hash) : undefined
    this.bytes = this.newMemory(0)
  }

  get hasLines(): boolean {
    return this.whole > 0
  }

  *take(chunk: Buffer): Generator<StreamRegion> {
    let rest = chunk
    if (this.isTooLong) {
      // Such a line is passed over: what was gathered of it is enough to tell what it is.
      const lineEnd = rest.indexOf(LINE_END)
      this.passOver(lineEnd < 0 ? rest : rest.subarray(0, lineEnd))
      if (lineEnd < 0) return
      this.append(rest.subarray(lineEnd, lineEnd + 1))
      yield this.cut(this.filled, true)
      rest = rest.subarray(lineEnd + 1)
    }
    const before = this.filled
    this.append(rest)
    const lineEnd = rest.lastIndexOf(LINE_END)
    if (lineEnd >= 0) this.whole = before + lineEnd + 1
    if (this.filled >= REGION_BYTES) yield* this.wholeLines()
    if (!this.isLastTooLong) return
    yield* this.wholeLines()
    this.isTooLong = true
  }

  /** The whole lines that are there. */
  *wholeLines(): Generator<StreamRegion> {
    if (this.hasLines) yield this.cut(this.whole, true)
  }

  /** The whole lines that are there, and what is known already to be a bad one. */
  *upToDamage(): Generator<StreamRegion> {
    yield* this.wholeLines()
    if (this.isTooLong) yield* this.end()
  }

  *end(): Generator<StreamRegion> {
    if (this.filled > 0) yield this.cut(this.filled, this.filled === this.whole)
  }

  /** Whether the last line that was gathered, whose end has not come yet, is longer than it may be. */
  private get isLastTooLong(): boolean {
    const length = this.filled - this.whole
    const { maxLineBytes } = this.settings
    if (length <= maxLineBytes) return false
    const isFirst = this.from + this.whole === 0
    const hasMark = isFirst && this.bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK)
    return length - (hasMark ? BYTE_ORDER_MARK.length : 0) > maxLineBytes
  }

  private passOver(bytes: Buffer): void {
    this.hashUpTo(this.filled)
    this.hash?.add(bytes)
    this.passedOver += bytes.length
  }

  private hashUpTo(end: number): void {
    this.hash?.add(this.bytes.subarray(this.hashed, end))
    this.hashed = end
  }

  /** The bytes up to `end`, as a region. */
  private cut(end: number, isWhole: boolean): StreamRegion {
    const { bytes, filled, from, settings } = this
    this.hashUpTo(end)
    this.hashed = 0
    const streamEnd = from + end + this.passedOver
    this.bytes = this.newMemory(filled - end)
    bytes.copy(this.bytes, 0, end, filled)
    this.filled = filled - end
    this.whole = 0
    this.from = streamEnd
    this.isTooLong = false
    this.passedOver = 0
    return {
      task: { kind: 'lines', input: settings.input, bytes: new Uint8Array(bytes.buffer, 0, end), from },
      end: streamEnd,
      hash: this.hash?.state,
      isWhole,
    }
  }

  private append(chunk: Buffer): void {
    if (this.filled + chunk.length > this.bytes.length) {
      const bytes = Buffer.from(new ArrayBuffer(Math.max(this.bytes.length * 2, this.filled + chunk.length)))
      this.bytes.copy(bytes, 0, 0, this.filled)
      this.bytes = bytes
    }
    chunk.copy(this.bytes, this.filled)
    this.filled += chunk.length
  }

  private newMemory(filled: number): Buffer<ArrayBuffer> {
    const wanted = Math.max(REGION_BYTES + SLACK_BYTES, filled)
    const memory = this.settings.memory()
    return Buffer.from(memory !== undefined && memory.byteLength >= wanted ? memory : new ArrayBuffer(wanted))
  }
}

/** The account of a stream whose lines are worked on by others. */
export class StreamAccount implements Account {
  private hash: HashState
  bytes: number
  lines: number

  constructor(start: RegionStart) {
    this.hash = start.hash
    this.bytes = start.bytes
    this.lines = start.lines
  }

  /** Takes what was done of a stream's next region. */
  add({ end, hash }: StreamRegion, lines: number): void {
    this.bytes = end
    this.lines += lines
    if (hash) this.hash = hash
  }

  part(): ReadPart {
    const { bytes, lines, hash } = this
    return { bytes, lines, hash: digestOf(hash, bytes) }
  }

  all(): ReadPart {
    return this.part()
  }
}
