/** Room that a new buffer has: a little more than what a usual batch is written as. */
const INITIAL_BYTES = 320 * 1024

/** Longer texts are copied by Node, shorter ones by a loop: a call costs as much as some thirty characters. */
const LOOP_LENGTH = 24

/**
 * Bytes written piece by piece. Records are not joined into one string first: that string would be made, and
 * thrown away, for every record.
 */
export class ByteWriter {
  private bytes: Buffer
  private length = 0

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
    return this
  }

  private grow(by: number): void {
    const bytes = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.length + by))
    this.bytes.copy(bytes, 0, 0, this.length)
    this.bytes = bytes
  }
}
