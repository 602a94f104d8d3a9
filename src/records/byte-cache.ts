/** Places for a power of two of them, of which at most so many are taken. */
const PLACES = 32_768
const MOST = 20_000

/** Longer ones are not remembered. */
const LONGEST = 1024

interface Entry<T> {
  readonly bytes: Uint8Array
  readonly value: T
}

/**
 * What short pieces of bytes were read as. (A `Map` would take them as strings, which are made and hashed anew for each
 * look: 370 ns for a label of nine scores, here 110.)
 */
export class ByteCache<T> {
  private entries: (Entry<T> | undefined)[] = []
  private count = 0

  /** What the bytes `start` up to `end` were read as; undefined if that is not known. */
  get(bytes: Uint8Array, start: number, end: number): T | undefined {
    for (let place = hash(bytes, start, end); ; place = (place + 1) & (PLACES - 1)) {
      const entry = this.entries[place]
      if (entry === undefined) return undefined
      if (isSame(entry.bytes, bytes, start, end)) return entry.value
    }
  }

  /** Remembers what bytes were read as, which it does not know yet. When there are too many it begins anew. */
  set(bytes: Uint8Array, start: number, end: number, value: T): void {
    if (end - start > LONGEST) return
    if (this.count === MOST || this.count === 0) {
      this.entries = new Array<Entry<T> | undefined>(PLACES).fill(undefined)
      this.count = 0
    }
    let place = hash(bytes, start, end)
    while (this.entries[place] !== undefined) place = (place + 1) & (PLACES - 1)
    this.entries[place] = { bytes: new Uint8Array(bytes.subarray(start, end)), value }
    this.count++
  }
}

/** A place, by FNV's way of mixing, four bytes at a time. */
function hash(bytes: Uint8Array, start: number, end: number): number {
  let mixed = end - start
  let at = start
  for (; at + 4 <= end; at += 4) {
    const word = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
    mixed = Math.imul(mixed ^ word, 0x01000193)
    mixed ^= mixed >>> 15
  }
  for (; at < end; at++) mixed = Math.imul(mixed ^ bytes[at], 0x01000193)
  return (mixed ^ (mixed >>> 15)) & (PLACES - 1)
}

function isSame(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (known.length !== end - start) return false
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[start + i]) return false
  return true
}
