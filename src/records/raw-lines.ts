import { RESPELL } from './bytes.js'
import type { JsonText } from './json-text.js'

/** Cells that a scanned record is described with: its line, where that begins and ends, its root, its flags. */
export const RECORD_CELLS = 5

const QUOTE = 0x22
const OPEN_OBJECT = 0x7b
const OPEN_ARRAY = 0x5b
/** What `null` begins with, and no other value. */
const NULL = 0x6e

/** Keys that are looked up together, as bytes. */
export class RawKeys {
  private readonly all: Uint8Array[] = []
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
    const number = this.all.push(Buffer.from(key, 'latin1')) - 1
    while (this.byLength.length <= key.length) this.byLength.push([])
    this.byLength[key.length].push(number)
    return number
  }

  /** The number of the key that stands at `start`; -1 if none does. */
  match(bytes: Uint8Array, start: number, length: number): number {
    if (length >= this.byLength.length) return -1
    const numbers = this.byLength[length]
    for (let i = 0; i < numbers.length; i++) {
      if (isAt(bytes, start, this.all[numbers[i]])) return numbers[i]
    }
    return -1
  }
}

function isAt(bytes: Uint8Array, start: number, key: Uint8Array): boolean {
  for (let i = 0; i < key.length; i++) if (bytes[start + i] !== key[i]) return false
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
  ) {}

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
   * @returns false if one of the keys is there twice
   */
  members(object: number, keys: RawKeys, found: number[]): boolean {
    const { bytes, cells } = this
    for (let i = 0; i < found.length; i++) found[i] = -1
    const end = cells[object + 2]
    for (let at = object + 3; at < end; at = cells[at + 4]) {
      const start = cells[at]
      const key = keys.match(bytes, start, cells[at + 1] - start)
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
