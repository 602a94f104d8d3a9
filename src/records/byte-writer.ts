import type { DigitForms } from './digit-forms.js'
import type { RawLines } from './raw-lines.js'

/** Room that a new buffer has: a little more than what a usual batch is written as. */
const INITIAL_BYTES = 320 * 1024

/** Longer texts are copied by Node, shorter ones by a loop: a call costs as much as 15 to 20 characters. */
const LOOP_LENGTH = 14

/** A piece of what is written: one-byte text, or the same as bytes, which are copied in a third of the time. */
export type Piece = string | Uint8Array

/** Text that is written over and over, as bytes. @param text one-byte text */
export const constant = (text: string): Uint8Array => Buffer.from(text, 'latin1')

/** Several pieces as one. */
export const joined = (...pieces: readonly Piece[]): Uint8Array =>
  Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? constant(piece) : piece)))

/**
 * Bytes written piece by piece. Records are not joined into one string first: that string would be made, and
 * thrown away, for every record.
 */
export class ByteWriter {
  private bytes: Buffer
  private length = 0
  /** The pieces that were written last as a beginning: how many of which, where they stand, and how long they are. */
  private begun: readonly Piece[] | null = null
  private begunCount = 0
  private begunAt = 0
  private begunLength = 0

  /** @param room bytes to begin with, or memory for them */
  constructor(room: number | Buffer = INITIAL_BYTES) {
    this.bytes = typeof room === 'number' ? Buffer.allocUnsafeSlow(room) : room
  }

  /** Adds one-byte text. */
  text(text: string): this {
    const { length } = text
    if (this.length + length > this.bytes.length) this.grow(length)
    if (length > LOOP_LENGTH) this.bytes.write(text, this.length, 'latin1')
    else for (let i = 0; i < length; i++) this.bytes[this.length + i] = text.charCodeAt(i)
    this.length += length
    return this
  }

  /**
   * Adds the first `count` of some pieces. If what was written last by this was a beginning of it, its bytes are
   * copied from there: that costs a third to a half of what writing one string does.
   *
   * @param pieces may have more put at their end between two calls, and change in no other way
   */
  beginning(pieces: readonly Piece[], count: number): this {
    const at = this.length
    let next = 0
    if (this.begun === pieces && this.begunCount <= count) {
      const { begunAt, begunLength } = this
      if (at + begunLength > this.bytes.length) this.grow(begunLength)
      this.bytes.copyWithin(at, begunAt, begunAt + begunLength)
      this.length += begunLength
      next = this.begunCount
    }
    while (next < count) {
      const piece = pieces[next++]
      if (typeof piece === 'string') this.text(piece)
      else this.add(piece)
    }
    this.begun = pieces
    this.begunCount = count
    this.begunAt = at
    this.begunLength = this.length - at
    return this
  }

  /** Leaves room for `count` bytes, to be filled in `take()`. Returns where they begin. */
  reserve(count: number): number {
    if (this.length + count > this.bytes.length) this.grow(count)
    this.length += count
    return this.length - count
  }

  /** Adds bytes. */
  add(bytes: Uint8Array): this {
    const at = this.reserve(bytes.length)
    this.bytes.set(bytes, at)
    return this
  }

  /** Adds some of the bytes that lie elsewhere. */
  copy(bytes: Uint8Array, start: number, end: number): this {
    const at = this.reserve(end - start)
    this.bytes.set(bytes.subarray(start, end), at)
    return this
  }

  /** Adds the line of the record that lines are at, as it is. */
  line({ bytes, start, end }: RawLines): this {
    return this.copy(bytes, start, end + 1)
  }

  /** Adds the inside of the text at a node, in the canonical spelling. */
  inside(lines: RawLines, node: number): this {
    if (lines.isEscaped(node)) return this.text(lines.text(node))
    const { bytes, cells } = lines
    return this.copy(bytes, cells[node] + 1, cells[node + 1] - 1)
  }

  /** Adds bytes again that were written before. @param start where they stand */
  again(start: number, length: number): this {
    const at = this.reserve(length)
    this.bytes.copyWithin(at, start, start + length)
    return this
  }

  /** Adds what is made of the text at `start`, which has a form. */
  made(forms: DigitForms<unknown>, form: number, view: DataView, start: number): this {
    const at = this.length
    this.add(forms.made(form).bytes)
    forms.fill(form, view, start, this.bytes, at)
    return this
  }

  /** Takes back what was written behind `size`. */
  goBack(size: number): void {
    this.length = size
  }

  /** How many bytes were written. */
  get size(): number {
    return this.length
  }

  /** What was written; it shares the writer's memory. */
  take(): Buffer {
    return this.bytes.subarray(0, this.length)
  }

  /** Begins anew, in the same memory: what was taken before must be done with. */
  reset(): this {
    this.length = 0
    this.begun = null
    return this
  }

  private grow(by: number): void {
    const bytes = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.length + by))
    this.bytes.copy(bytes, 0, 0, this.length)
    this.bytes = bytes
  }
}
