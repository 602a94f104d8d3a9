import { constants } from 'node:buffer'
import type { Token } from 'stream-json/core/parser.js'
import { type ErrorCode, type Place, SteerpipeError } from '../errors.js'
import { Block, JsonRecord, type Origin } from '../records/record.js'
import { MAX_DEPTH, Refusal, scanValue, Tape } from '../records/tape.js'
import { PathFinder } from './json-path.js'
import type { Scan } from './record-reader.js'
import { TokenText } from './token-text.js'

/** What a reader of a document is told. */
export interface DocumentOptions {
  /** The name of the input, for places. */
  readonly input: string
  /** Where the records are: keys joined by dots, a numeric one indexes an array. Default: the document itself. */
  readonly path?: string | undefined
  /** A record that takes more bytes, written on one line, is refused. Default 64 MiB. */
  readonly maxRecordBytes?: number | undefined
}

/** A place in the document. It is asked for its offset only where that is needed: it has to be counted. */
export interface Position {
  /** Bytes of the stream before it. */
  readonly offset: number
}

/** A record that is being read, or what stands in its place. */
interface Element {
  /** From 1. */
  readonly number: number
  /** Bytes of the stream before it. */
  readonly start: number
  /** What it is, if it is no object. */
  readonly kind: string | undefined
  /** Its text so far; undefined if it is refused. */
  text: TokenText | undefined
  /** Objects and arrays that are open in it. */
  depth: number
}

/** Picks the records out of a document's tokens. */
export class DocumentRecords {
  private readonly input: string
  private readonly maxBytes: number
  private readonly path: PathFinder
  /** The path led to an array or an object. */
  private found = false
  /** What else it led to. */
  private foundInstead: string | undefined
  /** Inside the array of records. */
  private inArray = false
  private element: Element | undefined
  private count = 0
  private tape = new Tape()

  constructor({ input, path, maxRecordBytes = 64 * 1024 * 1024 }: DocumentOptions) {
    this.input = input
    // A record and its line end are one string.
    this.maxBytes = Math.min(maxRecordBytes, constants.MAX_STRING_LENGTH - 1)
    this.path = new PathFinder(path)
  }

  /** The record that is open: its number from 1, and the bytes of the stream before it. */
  get open(): { readonly number: number; readonly start: number } | undefined {
    return this.element
  }

  /** The records to come get a tape of their own, so that those that were given out can be forgotten. */
  turnTape(): void {
    if (this.tape.length > 0) this.tape = new Tape()
  }

  /**
   * Takes the next token; what it completes goes into the scan.
   *
   * @param at where the lexeme is that the token belongs to
   * @throws Refusal TOO_DEEP
   */
  take(token: Token, at: Position, scan: Scan): void {
    if (this.element) {
      this.inElement(token, this.element, at, scan)
    } else if (this.inArray && token.name !== 'endArray') {
      this.begin(token, at, scan)
    } else if (this.path.take(token)) {
      const kind = kindOf(token)
      if (kind === 'an array') this.inArray = true
      // Without a path there is nothing that could lead elsewhere: the value is a record, though a bad one.
      else if (kind === undefined || this.path.keys.length === 0) this.begin(token, at, scan)
      if (kind === undefined || kind === 'an array') this.found = true
      else this.foundInstead = kind
    } else {
      this.inArray = false
      if (this.path.depth > MAX_DEPTH) throw tooDeep(at)
    }
  }

  /** The end of the document. Returns the error if there was no place for records in it. */
  end(): SteerpipeError | undefined {
    if (this.found || this.count > 0) return undefined
    const { keys, reached } = this.path
    const whole = keys.join('.')
    const holder = reached === 0 ? 'the document' : `\`${keys.slice(0, reached).join('.')}\``
    const found =
      this.foundInstead === undefined
        ? `nothing under \`${whole}\`: ${holder} has no \`${keys[reached]}\``
        : `${this.foundInstead} under \`${whole}\``
    return new SteerpipeError('NO_SUCH_PATH', {
      found,
      expected: 'an array of records, or one record',
      place: { input: this.input },
    })
  }

  private begin(token: Token, at: Position, scan: Scan): void {
    const kind = kindOf(token)
    this.count++
    const text = kind === undefined ? new TokenText() : undefined
    this.element = { number: this.count, start: at.offset, kind, text, depth: 0 }
    this.inElement(token, this.element, at, scan)
  }

  private inElement(token: Token, element: Element, at: Position, scan: Scan): void {
    if (element.text) {
      element.text.add(token)
      // What is left of it is passed over.
      if (element.text.leastBytes > this.maxBytes) element.text = undefined
    }
    switch (token.name) {
      case 'startObject':
      case 'startArray':
        if (++element.depth > MAX_DEPTH) throw tooDeep(at)
        break
      case 'endObject':
      case 'endArray':
        element.depth--
        if (element.depth === 0) this.finish(token, element, scan)
        break
      case 'endString':
      case 'endNumber':
      case 'trueValue':
      case 'falseValue':
      case 'nullValue':
        if (element.depth === 0) this.finish(token, element, scan)
        break
    }
  }

  private finish(token: Token, element: Element, scan: Scan): void {
    this.element = undefined
    // The path was told of the beginning of the only record, so it must learn of the end.
    if (!this.inArray && element.kind === undefined) this.path.take(token)
    const line = element.text?.line()
    if (line !== undefined && line.length - 1 <= this.maxBytes) scan.records.push(this.record(element, line))
    else scan.faults.push({ index: scan.records.length, error: this.refused(element), line: null })
  }

  private record({ number, start }: Element, text: string): JsonRecord {
    const { tape } = this
    const root = tape.length
    // The parser has checked the grammar; the tape is what is wanted.
    scanValue(text, 0, tape, false)
    // Each record has a block, because bytes of the new text say nothing about bytes of the document.
    const origin: Origin = { input: this.input, first: number, offset: start, unit: 'record' }
    const block = new Block(origin, text, 0, tape, false)
    return new JsonRecord(block, 0, 0, text.length - 1, root)
  }

  private refused({ kind, number, start }: Element): SteerpipeError {
    const place: Place = { input: this.input, record: number, offset: start }
    const error = (code: ErrorCode, found: string, expected: string, fix: string) =>
      new SteerpipeError(code, { found, expected, fix, place })
    return kind === undefined
      ? error(
          'LINE_TOO_LONG',
          `a record of more than ${this.maxBytes} bytes`,
          `at most ${this.maxBytes}`,
          'Raise `max-line-bytes` of `parse`; or give it the `path` of the array, if this holds the records.',
        )
      : error(
          'NOT_AN_OBJECT',
          kind,
          this.inArray ? 'an array of objects' : 'an array of records, or one record',
          'Each record must be an object, `{…}`. If the records are further inside, give `parse` their `path`.',
        )
  }
}

/** What value a token begins, as errors name it; undefined for an object. */
function kindOf(token: Token): string | undefined {
  switch (token.name) {
    case 'startObject':
      return undefined
    case 'startArray':
      return 'an array'
    case 'startString':
      return 'a text'
    case 'startNumber':
      return 'a number'
    case 'trueValue':
    case 'falseValue':
    case 'nullValue':
      return `\`${token.value}\``
    default:
      throw new Error(`no value begins with ${token.name}`)
  }
}

const tooDeep = (at: Position): Refusal =>
  new Refusal('TOO_DEEP', `nesting deeper than ${MAX_DEPTH.toLocaleString('en')} levels`, at.offset)
