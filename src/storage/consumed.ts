import { SteerpipeError } from '../errors.js'
import { digestOf, HASH_START, type HashState, RegionBytes } from '../records/bytes.js'
import type { LinePosition } from './record-reader.js'

/** The start of a stream, as it was when it was read. */
export interface ReadPart extends LinePosition {
  /** A hash of its bytes: against change by mistake, not against forgers. */
  readonly hash: string
}

/** Keeps account of what was read, so that a later run can tell whether it is the same still. */
export interface Account {
  /** The whole lines that are done with; undefined where one cannot begin to read. */
  part(): ReadPart | undefined
  /** All that was read. */
  all(): ReadPart
}

/** Bytes that are hashed at a time, when they are not in memory that can be hashed. */
const PIECE_BYTES = 256 * 1024

/** A hash of bytes that lie anywhere. */
export class StreamHash {
  private readonly region = new RegionBytes(PIECE_BYTES)

  constructor(from: HashState) {
    this.region.restoreHash(from)
  }

  add(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const piece = bytes.subarray(at, at + PIECE_BYTES)
      this.region.bytes.set(piece)
      this.region.hash(0, piece.length)
    }
  }

  get state(): HashState {
    return this.region.saveHash()
  }
}

/** The account of a reader that keeps none itself. */
export class Consumed implements Account {
  private readonly hash: StreamHash
  /** All bytes that came. */
  private total: number
  /** What the reader is done with; undefined inside of a line that it passes over. */
  private lines: (LinePosition & { readonly state: HashState }) | undefined
  private latest: LinePosition

  /** @param state of the hash at the start */
  constructor(start: LinePosition, state: HashState) {
    this.hash = new StreamHash(state)
    this.total = start.bytes
    this.latest = start
    this.lines = { ...start, state }
  }

  /** Takes the next bytes. @param position how far the reader is after them */
  take(chunk: Uint8Array, position: LinePosition | undefined): void {
    const done = Math.max(0, (position?.bytes ?? 0) - this.total)
    this.total += chunk.length
    this.hash.add(chunk.subarray(0, done))
    if (position === undefined) this.lines = undefined
    else if (done > 0) this.lines = { ...position, state: this.hash.state }
    this.latest = position ?? this.latest
    this.hash.add(chunk.subarray(done))
  }

  part(): ReadPart | undefined {
    if (this.lines === undefined) return undefined
    const { bytes, lines, state } = this.lines
    return { bytes, lines, hash: digestOf(state, bytes) }
  }

  all(): ReadPart {
    return { bytes: this.total, lines: this.latest.lines, hash: digestOf(this.hash.state, this.total) }
  }
}

/** What comes behind the part of a stream that an earlier run has read. */
export interface Passed {
  /** Of the chunk in which that part ends; it is good until the next chunk is asked for. */
  readonly rest: Buffer
  readonly state: HashState
}

/**
 * Reads over the part that an earlier run has read.
 *
 * @param input the name of the input, for places
 * @throws SteerpipeError RESUME_REFUSED if that part is not the same any more
 */
export async function passOver(
  chunks: AsyncGenerator<Buffer>,
  part: ReadPart,
  input: string,
): Promise<Passed> {
  const hash = new StreamHash(HASH_START)
  let left = part.bytes
  let rest: Buffer = Buffer.alloc(0)
  while (left > 0) {
    const { done, value } = await chunks.next()
    if (done) throw changed(`it has ${part.bytes - left} bytes, but ${part.bytes} were read of it`, input)
    hash.add(value.subarray(0, left))
    rest = value.subarray(left)
    left -= Math.min(left, value.length)
  }
  const { state } = hash
  if (digestOf(state, part.bytes) === part.hash) return { rest, state }
  throw changed(`the ${part.bytes} bytes that were read of it have changed since`, input)
}

/** What is left of a chunk, and all that comes after it. */
export async function* withFirst(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first
  yield* rest
}

/**
 * Checks that what was read of an input is the same still.
 *
 * @param isWhole it was read to its end: nothing may have come behind it
 * @throws SteerpipeError RESUME_REFUSED
 */
export async function checkRead(
  chunks: AsyncGenerator<Buffer>,
  part: ReadPart,
  isWhole: boolean,
  input: string,
): Promise<void> {
  const { rest } = await passOver(chunks, part, input)
  const hasMore = isWhole && (rest.length > 0 || (await chunks.next()).done !== true)
  await chunks.return(undefined)
  if (hasMore) throw changed('it was read to its end, and has grown since', input)
}

function changed(found: string, input: string): SteerpipeError {
  return new SteerpipeError('RESUME_REFUSED', {
    found,
    expected: 'what was read to be as it was; what comes behind it may have been mended',
    place: { input },
  })
}
