import { getManyValues, none } from 'stream-chain/defs.js'
import { jsonParser, type Token, type TokenSource } from 'stream-json/core/parser.js'
import { type ErrorCode, type Place, SteerpipeError } from '../errors.js'
import { Refusal } from '../records/tape.js'
import { type DocumentOptions, DocumentRecords } from './document-records.js'
import { Lexemes } from './json-lexemes.js'
import type { RecordReader, Scan } from './record-reader.js'
import { Utf8Decoder } from './utf8.js'

/** What the parser gives for a piece of text. */
type Tokens = ReturnType<TokenSource>

/** Bytes that are worked on at a time, however large the caller's chunks are. */
const PIECE_BYTES = 64 * 1024

/**
 * Reads the records of one JSON document of any size, through stream-json: legal JSON as `JSON.parse` reads it,
 * nesting to 100,000 levels, with or without a byte order mark. Empty input holds no records.
 *
 * The records are the elements of an array; an object in the array's place is the only record. What is outside is
 * checked and passed over in constant memory. A record is written anew on one line, in the canonical spelling,
 * but its numbers, the order of its keys and repeated keys stay. Its place has its number and its first byte.
 *
 * Faults, which are returned and never thrown:
 * - NOT_AN_OBJECT and LINE_TOO_LONG (more than `maxRecordBytes`) are of one record; reading goes on after it;
 * - JSON_SYNTAX, TOO_DEEP, NOT_UTF8 and NO_SUCH_PATH are of the document, and `fatal`: nothing comes after them.
 */
export class JsonDocumentReader implements RecordReader {
  readonly position = undefined
  private readonly input: string
  private readonly decoder = new Utf8Decoder()
  private readonly lexemes = new Lexemes()
  // Nothing is packed: texts of any length pass through in pieces.
  private readonly parse = jsonParser({ packValues: false }) as (text: string | typeof none) => Tokens
  private readonly records: DocumentRecords
  /** Something else than white space was read. */
  private begun = false
  /** Nothing more can be read. */
  private ended = false

  /** @param options the input's name, and where in the document the records are */
  constructor(options: DocumentOptions) {
    this.input = options.input
    this.records = new DocumentRecords(options)
  }

  read(chunk: Uint8Array): Scan {
    const scan: Scan = { records: [], faults: [] }
    this.records.turnTape()
    for (let at = 0; at < chunk.length && !this.ended; at += PIECE_BYTES) {
      const text = this.decoder.decode(chunk.subarray(at, at + PIECE_BYTES))
      this.guard(scan, () => {
        this.takeText(text, scan)
        this.checkBytes(scan)
      })
    }
    return scan
  }

  end(): Scan {
    const scan: Scan = { records: [], faults: [] }
    this.records.turnTape()
    this.guard(scan, () => {
      this.decoder.end()
      this.checkBytes(scan)
      this.finish(scan)
    })
    this.ended = true
    return scan
  }

  /** Does a piece of work, unless all is over; what it refuses ends the document. */
  private guard(scan: Scan, work: () => void): void {
    if (this.ended) return
    try {
      work()
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      this.stop(error.code, error.found, error.at, scan)
    }
  }

  /** @throws Refusal */
  private takeText(text: string, scan: Scan): void {
    const { lexemes } = this
    lexemes.add(text)
    for (let lexeme = lexemes.next(); lexeme !== undefined; lexeme = lexemes.next()) {
      this.begun = true
      for (const token of this.tokens(lexeme)) this.records.take(token, lexemes, scan)
    }
  }

  private checkBytes(scan: Scan): void {
    const { damaged } = this.decoder
    if (!damaged || this.ended) return
    const byte = damaged.byte.toString(16).padStart(2, '0')
    this.stop('NOT_UTF8', `the byte 0x${byte}, which is not UTF-8,`, damaged.offset, scan)
  }

  /** @throws Refusal */
  private finish(scan: Scan): void {
    if (this.ended) return
    // The space ends a number or literal that the document ends with.
    if (!this.lexemes.inString) this.takeText(' ', scan)
    if (!this.begun) return
    for (const token of this.tokens(none)) this.records.take(token, this.decoder, scan)
    const error = this.records.end()
    if (error) scan.faults.push({ index: scan.records.length, error, line: null, fatal: true })
  }

  /** Feeds a lexeme, or the end, to the parser. @throws Refusal */
  private tokens(lexeme: string | typeof none): readonly Token[] {
    let tokens: Tokens
    try {
      tokens = this.parse(lexeme)
    } catch (error) {
      const at = lexeme === none ? this.decoder.offset : this.lexemes.offset
      throw new Refusal('JSON_SYNTAX', misplaced(lexeme, error), at)
    }
    return tokens === none ? NO_TOKENS : getManyValues(tokens)
  }

  private stop(code: ErrorCode, found: string, at: number, scan: Scan): void {
    const { input } = this
    const record = this.records.open
    // What is wrong in a record has the record's place; elsewhere it has its own.
    const place: Place = record
      ? { input, record: record.number, offset: record.start }
      : { input, offset: at }
    const error = new SteerpipeError(code, {
      found: record ? `${found} at byte ${at - record.start + 1} of the record` : found,
      fix: code === 'NOT_UTF8' ? undefined : FIX,
      place,
    })
    scan.faults.push({ index: scan.records.length, error, line: null, fatal: true })
    this.ended = true
  }
}

const NO_TOKENS: readonly Token[] = []

/** A document cannot be left out in part: `--on-error skip`, which the catalogue names, is no cure here. */
const FIX = 'Mend the document. The records before this place can be read, but none after it.'

/** What stream-json says it has expected, in our words. */
const EXPECTED: Readonly<Record<string, string>> = {
  'expected a value': 'a value',
  "unexpected token ']'": 'a value',
  "unexpected token '}'": 'a key',
  'expected an object key': 'a key',
  "expected ':'": '`:`',
  "expected ','": '`,` or the end of the object or array',
  "expected ']'": '`,` or `]`',
  "expected '}'": '`,` or `}`',
  'expected a string value': 'the closing quote of a string',
}

/** What is wrong with a lexeme (or the end) that stream-json does not take. */
function misplaced(lexeme: string | typeof none, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  if (message.includes('unexpected characters')) return 'more text after the end of the document'
  const shown =
    lexeme === none
      ? 'the end of the document'
      : lexeme.startsWith('"')
        ? 'a text'
        : lexeme.length > 30
          ? 'a number'
          : `\`${lexeme.trim()}\``
  const said = /(?:un)?expected .*$/.exec(message)?.[0] ?? message
  return EXPECTED[said]
    ? `${shown} where ${EXPECTED[said]} belongs`
    : `${shown}, where stream-json ${message}`
}
