import { crc32 } from 'node:zlib'
import { SteerpipeError } from '../errors.js'
import type { LinePosition } from './record-reader.js'

/** The start of a stream, as it was when it was read. */
export interface ReadPart extends LinePosition {
  /** The CRC-32 of its bytes. */
  readonly crc: number
}

/** Keeps the checksum of what a reader of lines is done with, so that a later run can tell whether it is the same still. */
export class Consumed {
  /** All bytes that came, and their checksum. */
  private total: number
  private crc: number
  /** Up to the end of the last line that the reader is done with; undefined inside of one that it passes over. */
  private whole: ReadPart | undefined

  constructor(from: ReadPart = NOTHING) {
    this.total = from.bytes
    this.crc = from.crc
    this.whole = from
  }

  /** Takes the next bytes. @param position how far the reader is after them */
  take(chunk: Uint8Array, position: LinePosition | undefined): void {
    const inChunk = (position?.bytes ?? 0) - this.total
    this.total += chunk.length
    if (position === undefined || inChunk <= 0) {
      this.crc = crc32(chunk, this.crc)
      if (position === undefined) this.whole = undefined
      return
    }
    const crc = crc32(chunk.subarray(0, inChunk), this.crc)
    this.whole = { ...position, crc }
    this.crc = inChunk < chunk.length ? crc32(chunk.subarray(inChunk), crc) : crc
  }

  /** The lines that the reader is done with. */
  get lines(): ReadPart | undefined {
    return this.whole
  }

  /** All that came. */
  get all(): ReadPart {
    return { bytes: this.total, lines: this.whole?.lines ?? 0, crc: this.crc }
  }
}

export const NOTHING: ReadPart = { bytes: 0, lines: 0, crc: 0 }

/**
 * What comes behind the part that an earlier run has read.
 *
 * @param input the name of the input, for places
 * @throws SteerpipeError RESUME_REFUSED if that part is not the same any more
 */
export async function* behind(
  chunks: AsyncIterable<Buffer>,
  part: ReadPart,
  input: string,
): AsyncGenerator<Buffer> {
  let left = part.bytes
  let crc = 0
  for await (const chunk of chunks) {
    if (left === 0) {
      yield chunk
      continue
    }
    const passed = Math.min(left, chunk.length)
    crc = crc32(chunk.subarray(0, passed), crc)
    left -= passed
    if (left > 0) continue
    if (crc !== part.crc)
      throw changed(`the ${part.bytes} bytes that were read of it have changed since`, input)
    if (passed < chunk.length) yield chunk.subarray(passed)
  }
  if (left > 0) throw changed(`it has ${part.bytes - left} bytes, but ${part.bytes} were read of it`, input)
}

/**
 * Checks that what was read of an input is the same still.
 *
 * @param isWhole it was read to its end: nothing may have come behind it
 * @throws SteerpipeError RESUME_REFUSED
 */
export async function checkRead(
  chunks: AsyncIterable<Buffer>,
  part: ReadPart,
  isWhole: boolean,
  input: string,
): Promise<void> {
  for await (const chunk of behind(chunks, part, input)) {
    if (!isWhole) return
    if (chunk.length > 0) throw changed('it was read to its end, and has grown since', input)
  }
}

function changed(found: string, input: string): SteerpipeError {
  return new SteerpipeError('RESUME_REFUSED', {
    found,
    expected: 'what was read to be as it was; what comes behind it may have been mended',
    place: { input },
  })
}
