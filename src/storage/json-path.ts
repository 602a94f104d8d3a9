import type { Token } from 'stream-json/core/parser.js'

/**
 * Finds the value that a path leads to, in a stream of tokens.
 *
 * A path is keys joined by dots; a numeric one is an index where it meets an array. Nothing but the keys along the
 * path is looked at, so that the memory does not grow with the document. Where a key is repeated, each of its
 * values is on the path.
 */
export class PathFinder {
  /** The keys of the path. */
  readonly keys: readonly string[]
  /** Objects and arrays that are open. */
  depth = 0
  /** How many keys of the path were found, at the best. */
  reached = 0
  /** The open objects and arrays that are on the path: always the outermost ones. */
  private matched = 0
  /** For each of those: the index of the array's next element, or -1 for an object. */
  private readonly next: number[] = []
  private readonly indexes: readonly number[]
  private key = ''
  private inKey = false

  /** @param path undefined or empty: the document itself */
  constructor(path: string | undefined) {
    this.keys = path ? path.split('.') : []
    this.indexes = this.keys.map((key) => (/^(?:0|[1-9]\d*)$/.test(key) ? Number(key) : -1))
  }

  /** Takes the next token; whether it begins a value that the path leads to. */
  take(token: Token): boolean {
    switch (token.name) {
      case 'startObject':
        return this.open(-1)
      case 'startArray':
        return this.open(0)
      case 'startString':
      case 'startNumber':
      case 'trueValue':
      case 'falseValue':
      case 'nullValue':
        return this.isNext() && this.depth === this.keys.length
      case 'endObject':
      case 'endArray':
        this.depth--
        if (this.matched > this.depth) this.matched = this.depth
        return false
      case 'startKey':
        this.key = ''
        this.inKey = this.matched === this.depth
        return false
      case 'endKey':
        this.inKey = false
        return false
      case 'stringChunk':
        // One character more than the path's key is enough to tell that this is another one.
        if (this.inKey && this.key.length <= this.keys[this.depth - 1].length) this.key += token.value
        return false
      default:
        return false
    }
  }

  private open(next: number): boolean {
    const on = this.isNext()
    const found = on && this.depth === this.keys.length
    if (on && !found) this.next[this.matched++] = next
    this.depth++
    return found
  }

  /** Whether the value that begins now is on the path. */
  private isNext(): boolean {
    if (this.matched !== this.depth) return false
    if (this.depth > 0) {
      const holder = this.depth - 1
      const on =
        this.next[holder] < 0 ? this.key === this.keys[holder] : this.next[holder]++ === this.indexes[holder]
      if (!on) return false
    }
    if (this.depth > this.reached) this.reached = this.depth
    return true
  }
}
