import type { Place } from '../errors.js'
import type { ByteWriter } from './byte-writer.js'
import { canonical, type JsonText } from './json-text.js'
import type { Tape } from './tape.js'

/** Where the records of one region come from. Their own positions are relative to it, so that a region can be
 * worked on without knowing how many lines came before. */
export interface Origin {
  readonly input: string
  /** Number of the region's first line (or record, see `unit`), from 1. */
  first: number
  /** Bytes of the decompressed stream before the region; undefined where there are none to count. */
  offset: number | undefined
  /** What `first` counts. */
  readonly unit: 'line' | 'record'
}

/** A piece of text whose records were scanned together. */
export class Block {
  /**
   * @param text one character a byte
   * @param base bytes from the origin's start to the block's
   * @param respell whether escapes `\u` or `\/` may occur: then keys and texts must be brought to the canonical
   *   spelling
   */
  constructor(
    readonly origin: Origin,
    readonly text: string,
    readonly base: number,
    readonly tape: Tape,
    /** Known when the block is scanned. */
    public respell: boolean,
  ) {}
}

/** The kinds of record that flow between stages. */
export type RecordKind = 'json' | 'conversation' | 'sample'

/** What every record has. */
export interface BaseRecord {
  readonly kind: RecordKind
  /** The JSON record that it was made from: its place, and its line as it was read. */
  readonly source: JsonRecord
  /** The part that it belongs to (`train`, `val`), if a stage has set one. */
  part: string | null
  /** The record in another part: a copy, since one record may stand in a stream several times. */
  inPart(part: string | null): BaseRecord
  /** The record as one line of JSON without its line end; one character a byte. */
  json(): string
  /** Writes what `json` gives, without making one string of it. */
  writeTo(out: ByteWriter): void
}

/** Types of JSON values, as errors name them. */
export type JsonType = 'text' | 'number' | 'true' | 'false' | 'null' | 'an object' | 'an array'

const NONE: readonly number[] = []
const LINE_END = 0x0a

/** Keys that are looked up together. */
export class KeySet {
  readonly all: JsonText[] = []
  /** The keys' numbers, by their length. */
  private readonly byLength: (readonly number[] | undefined)[] = []

  /** Adds a key. Returns its number. */
  add(key: JsonText): number {
    const number = this.all.push(key) - 1
    this.byLength[key.length] = [...this.ofLength(key.length), number]
    return number
  }

  /** The numbers of the keys of a length. */
  private ofLength(length: number): readonly number[] {
    return this.byLength[length] ?? NONE
  }

  /** The number of the key that stands in a text at `start`, as it is spelled there; -1 if none does. */
  match(text: string, start: number, length: number): number {
    const numbers = this.ofLength(length)
    for (let i = 0; i < numbers.length; i++) {
      if (text.startsWith(this.all[numbers[i]], start)) return numbers[i]
    }
    return -1
  }
}

/** A record whose shape is not known: one JSON object, as positions in the text that it was read from. */
export class JsonRecord implements BaseRecord {
  readonly kind = 'json'
  part: string | null = null
  /** The record as it was read, if this one was made of it in between; null if this is it. */
  original: JsonRecord | null = null
  /** What it was read as, for the next stage that reads it. */
  readAs: BaseRecord | null = null

  /**
   * @param line lines (or records) from the origin's first
   * @param start where its line begins in the block's text
   * @param end where its line ends, without the line end
   * @param root where the object stands on the tape
   */
  constructor(
    readonly block: Block,
    readonly line: number,
    readonly start: number,
    readonly end: number,
    readonly root: number,
  ) {}

  get source(): JsonRecord {
    return this
  }

  inPart(part: string | null): JsonRecord {
    const copy = new JsonRecord(this.block, this.line, this.start, this.end, this.root)
    copy.part = part
    copy.original = this.original
    return copy
  }

  /** The line as it was read, whatever was made of it since. */
  get readLine(): string {
    return (this.original ?? this).json()
  }

  /** Where it was read. */
  get place(): Place {
    const { input, first, offset, unit } = this.block.origin
    return {
      input,
      [unit]: first + this.line,
      offset: offset === undefined ? undefined : offset + this.block.base + this.start,
    }
  }

  /** The line as it was read: nothing that a stage does not change is written anew. */
  json(): string {
    return this.block.text.slice(this.start, this.end)
  }

  writeTo(out: ByteWriter): void {
    out.text(this.json())
  }

  /** Whether another record was read right behind this one: with nothing but a line end between them. */
  isRightBefore({ block, start }: JsonRecord): boolean {
    return block === this.block && start === this.end + 1 && block.text.charCodeAt(this.end) === LINE_END
  }

  /** The value of the member `key` of the object at `object`, or -1. Of a repeated key the last one counts. */
  member(object: number, key: JsonText): number {
    const { tape } = this.block
    const { cells } = tape
    const end = cells[object + 2]
    let found = -1
    for (let at = object + 3; at < end; at = cells[at + 4]) {
      if (this.keyIs(at, key)) found = at + 2
    }
    return found
  }

  /**
   * The values of several members of the object at `object`, in one pass: `found[i]` is that of `keys.all[i]`, or -1.
   * Of a repeated key the last one counts.
   */
  members(object: number, keys: KeySet, found: number[]): void {
    for (let i = 0; i < found.length; i++) found[i] = -1 // of five: 9 ns, with `fill` 37
    const { text, tape, respell } = this.block
    const { cells } = tape
    const end = cells[object + 2]
    for (let at = object + 3; at < end; at = cells[at + 4]) {
      // Most keys of a row are not wanted, and most of these have a length that none of the wanted ones has.
      const start = cells[at]
      const index = keys.match(text, start, cells[at + 1] - start)
      if (index >= 0) {
        found[index] = at + 2
        continue
      }
      if (respell && this.raw(at).includes('\\')) {
        const spelled = keys.all.indexOf(this.key(at))
        if (spelled >= 0) found[spelled] = at + 2
      }
    }
  }

  /** Whether the key at `at` on the tape is `key`, however it is spelled. */
  keyIs(at: number, key: JsonText): boolean {
    const { text, respell } = this.block
    const start = this.startOf(at)
    const end = this.endOf(at)
    if (end - start === key.length && text.startsWith(key, start)) return true
    // The canonical spelling is never longer than another one.
    return (
      respell && end - start >= key.length && text.slice(start, end).includes('\\') && this.key(at) === key
    )
  }

  /** Where in the text the value, or the key without its quotes, at `node` begins. */
  startOf(node: number): number {
    return this.block.tape.cells[node]
  }

  /** Where in the text it ends. */
  endOf(node: number): number {
    return this.block.tape.cells[node + 1]
  }

  /** The key at `at` on the tape, in the canonical spelling. */
  key(at: number): JsonText {
    const { text, respell } = this.block
    const key = text.slice(this.startOf(at), this.endOf(at))
    return respell ? canonical(key) : (key as JsonText)
  }

  /** What the value at `node` is. */
  type(node: number): JsonType {
    switch (this.block.text.charCodeAt(this.startOf(node))) {
      case 0x22:
        return 'text'
      case 0x7b:
        return 'an object'
      case 0x5b:
        return 'an array'
      case 0x74:
        return 'true'
      case 0x66:
        return 'false'
      case 0x6e:
        return 'null'
      default:
        return 'number'
    }
  }

  /** Whether the value at `node` is a text. */
  isText(node: number): boolean {
    return this.block.text.charCodeAt(this.startOf(node)) === 0x22
  }

  /** The inside of the string at `node`, in the canonical spelling. */
  text(node: number): JsonText {
    const { text, respell } = this.block
    const inside = text.slice(this.startOf(node) + 1, this.endOf(node) - 1)
    return respell ? canonical(inside) : (inside as JsonText)
  }

  /** The value at `node`, as it was written. */
  raw(node: number): string {
    return this.block.text.slice(this.startOf(node), this.endOf(node))
  }

  /** Where the first thing inside the object or array at `node` stands on the tape. */
  first(node: number): number {
    return node + 3
  }

  /** Where on the tape the value at `node` ends. */
  next(node: number): number {
    return this.block.tape.cells[node + 2]
  }
}
