const REPLACEMENT = '\ufffd'

/** Where the first bytes that are not UTF-8 begin in `bytes`, counted from 0; -1 if all of them are UTF-8. */
export function firstNotUtf8(bytes: Buffer): number {
  // Decoding puts U+FFFD in the place of what is not UTF-8; but the text may hold a U+FFFD of its own.
  const text = bytes.toString('utf8')
  let at = 0
  let counted = 0
  for (let found = text.indexOf(REPLACEMENT); found >= 0; found = text.indexOf(REPLACEMENT, found + 1)) {
    at += Buffer.byteLength(text.slice(counted, found))
    counted = found
    if (bytes[at] !== 0xef || bytes[at + 1] !== 0xbf || bytes[at + 2] !== 0xbd) return at
  }
  return -1
}

/**
 * Bytes to text, chunk by chunk. Unlike a fatal TextDecoder it gives out all the text before the first bytes that
 * are not UTF-8, and says where they are: both are the same however the bytes are cut into chunks.
 */
export class Utf8Decoder {
  /** The beginning of a character that was not whole yet. */
  private tail: Buffer = Buffer.alloc(0)
  /** Bytes of the stream before `tail`. */
  private decoded = 0
  private damage: { readonly offset: number; readonly byte: number } | undefined

  /** Bytes taken so far. */
  get offset(): number {
    return this.decoded + this.tail.length
  }

  /** The first byte that is not UTF-8 and the bytes before it; undefined as long as none was met. */
  get damaged(): { readonly offset: number; readonly byte: number } | undefined {
    return this.damage
  }

  /** The text of the next bytes; a byte order mark stays in it. After damage was met, nothing. */
  decode(chunk: Uint8Array): string {
    if (this.damage) return ''
    const view = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    const bytes = this.tail.length === 0 ? view : Buffer.concat([this.tail, view])
    const end = bytes.length - openLength(bytes)
    // A copy: the chunk belongs to the caller.
    this.tail = Buffer.from(bytes.subarray(end))
    return this.decodeWhole(bytes.subarray(0, end))
  }

  /** The end of the bytes: a character that is still open is damage. */
  end(): void {
    if (this.tail.length > 0) this.damage ??= { offset: this.decoded, byte: this.tail[0] }
  }

  private decodeWhole(bytes: Buffer): string {
    const text = bytes.toString('utf8')
    // Looking for U+FFFD is cheaper than validating, and nearly always it is not there.
    const bad = text.includes(REPLACEMENT) ? firstNotUtf8(bytes) : -1
    if (bad < 0) {
      this.decoded += bytes.length
      return text
    }
    this.decoded += bad
    this.damage = { offset: this.decoded, byte: bytes[bad] }
    return bytes.toString('utf8', 0, bad)
  }
}

/** How many bytes at the end may be the beginning of a character that goes on in the next chunk: 0 to 3. */
function openLength(bytes: Buffer): number {
  for (let length = 1; length <= 3 && length <= bytes.length; length++) {
    const byte = bytes[bytes.length - length]
    if (byte < 0x80) return 0
    if (byte >= 0xc0) return length < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? length : 0
  }
  return 0
}
