import { RESPELL } from './bytes.js'
import { canonical, type JsonText } from './json-text.js'

/** Cells that a scanned record is described with: its line, where that begins and ends, its root, its flags. */
export const RECORD_CELLS = 5

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_OBJECT = 0x7b
const OPEN_ARRAY = 0x5b
/** What `null` begins with, and no other value. */
const NULL = 0x6e

/** A key as numbers of four bytes, of which the last two may overlap: with shorter keys it is not worth it. */
interface RawKey {
  readonly bytes: Uint8Array
  readonly first: number
  readonly last: number
}

const WORD = 4

/** Keys that are looked up together, as bytes. */
export class RawKeys {
  private readonly all: RawKey[] = []
  /** The keys' numbers, by their length. */
  private readonly byLength: number[][] = []

  constructor(keys: readonly JsonText[] = []) {
    for (const key of keys) this.add(key)
  }

  get count(): number {
    return this.all.length
  }

  /** Adds a key. Returns its number. */
  add(key: JsonText): number {
    const number = this.all.push(rawKey(key)) - 1
    while (this.byLength.length <= key.length) this.byLength.push([])
    this.byLength[key.length].push(number)
    return number
  }

  /** The number of the key that stands at `start`; -1 if none does. */
  match(view: DataView, start: number, length: number): number {
    if (length >= this.byLength.length) return -1
    const numbers = this.byLength[length]
    for (let i = 0; i < numbers.length; i++) {
      if (isAt(view, start, length, this.all[numbers[i]])) return numbers[i]
    }
    return -1
  }
}

function rawKey(key: JsonText): RawKey {
  const bytes = Buffer.from(key, 'latin1')
  if (bytes.length < WORD) return { bytes, first: 0, last: 0 }
  return { bytes, first: bytes.readInt32LE(0), last: bytes.readInt32LE(bytes.length - WORD) }
}

/** Whether a key stands at `start`, which has the same length. */
function isAt(view: DataView, start: number, length: number, { bytes, first, last }: RawKey): boolean {
  let at = 0
  let end = length
  if (length >= WORD) {
    if (view.getInt32(start, true) !== first) return false
    if (view.getInt32(start + length - WORD, true) !== last) return false
    at = WORD
    end = length - WORD
  }
  for (; at < end; at++) if (view.getUint8(start + at) !== bytes[at]) return false
  return true
}

/**
 * Lines that were scanned where they lie: positions in the bytes that were read, and no objects for records, texts or
 * fields. They are gone through one record after the other.
 *
 * The tape is that of tape.ts; the numbers on it are places in `cells`.
 */
export class RawLines {
  /** The number of the record's line. */
  line = 0
  /** Where that begins and ends. */
  start = 0
  end = 0
  /** Where the record stands on the tape. */
  root = 0
  /** Whether a key or text of it may have to be brought to the canonical spelling. */
  respell = false
  /** The bytes, for whoever looks at several of them at a time. */
  readonly view: DataView
  private buffer: Buffer | undefined

  /**
   * @param cells all memory that was scanned in, with the records at its end
   * @param lines how many lines there are, blank ones among them
   * @param count how many records
   */
  constructor(
    readonly bytes: Uint8Array,
    readonly cells: Int32Array,
    readonly lines: number,
    readonly count: number,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Goes to a record. */
  go(index: number): void {
    const { cells } = this
    const at = cells.length - (index + 1) * RECORD_CELLS
    this.line = cells[at]
    this.start = cells[at + 1]
    this.end = cells[at + 2]
    this.root = cells[at + 3]
    this.respell = (cells[at + 4] & RESPELL) !== 0
  }

  /**
   * The values of several members of an object: `found[i]` is that of the key `i`, or -1.
   *
   * @returns false if that cannot be told: one of the keys is there twice, or any key may be spelled otherwise
   */
  members(object: number, keys: RawKeys, found: number[]): boolean {
    const { view, cells, respell } = this
    for (let i = 0; i < found.length; i++) found[i] = -1
    const end = cells[object + 2]
    for (let at = object + 3; at < end; at = cells[at + 4]) {
      if (respell && this.isEscaped(at)) return false
      const start = cells[at]
      const key = keys.match(view, start, cells[at + 1] - start)
      if (key < 0) continue
      if (found[key] >= 0) return false
      found[key] = at + 2
    }
    return true
  }

  isText(node: number): boolean {
    return this.bytes[this.cells[node]] === QUOTE
  }

  isObject(node: number): boolean {
    return this.bytes[this.cells[node]] === OPEN_OBJECT
  }

  isArray(node: number): boolean {
    return this.bytes[this.cells[node]] === OPEN_ARRAY
  }

  /** Whether there is no value (`node` is -1), or null. */
  isNothing(node: number): boolean {
    return node < 0 || this.bytes[this.cells[node]] === NULL
  }

  /** Whether there is a backslash in the key or the value at a node: it may have to be brought to the canonical spelling. */
  isEscaped(node: number): boolean {
    return this.respell && this.bytes.subarray(this.cells[node], this.cells[node + 1]).includes(BACKSLASH)
  }

  /** The inside of the text at a node, in the canonical spelling. */
  text(node: number): JsonText {
    const { buffer, byteOffset, byteLength } = this.bytes
    this.buffer ??= Buffer.from(buffer, byteOffset, byteLength)
    const text = this.buffer.toString('latin1', this.cells[node] + 1, this.cells[node + 1] - 1)
    return this.respell ? canonical(text) : (text as JsonText)
  }

  /** Whether the texts at two nodes are the same. */
  areSame(node: number, other: number): boolean {
    const { bytes, cells } = this
    const start = cells[node]
    const length = cells[node + 1] - start
    const second = cells[other]
    if (cells[other + 1] - second !== length) return false
    for (let i = 0; i < length; i++) if (bytes[start + i] !== bytes[second + i]) return false
    return true
  }
}
