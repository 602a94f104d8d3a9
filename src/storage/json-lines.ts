import { isUtf8 } from 'node:buffer'
import { SteerpipeError } from '../errors.js'
import { CONTROL, digestOf, type HashState, ILLEGAL, RESPELL, type RegionBytes } from '../records/bytes.js'
import { LineScanner } from '../records/line-scanner.js'
import type { RawLines } from '../records/raw-lines.js'
import { Block, JsonRecord, type Origin } from '../records/record.js'
import { Refusal, scanValue, skipSpace, Tape } from '../records/tape.js'
import type { Account, ReadPart } from './consumed.js'
import { type LinePosition, type RecordReader, type Scan, START } from './record-reader.js'
import { firstNotUtf8 } from './utf8.js'

const LINE_END = 0x0a

/**
 * Bytes that are decoded into one string. Strings beyond some 128 KiB go to V8's space for large objects, which
 * costs 15% of the time and half as much memory again.
 */
const BLOCK_BYTES = 120 * 1024

/** Bytes of a region to begin with: two reads of a file. */
const REGION_BYTES = 512 * 1024

/** What a reader of lines is told. */
export interface LinesOptions {
  /** The name of the input, for places. */
  readonly input: string
  /** A longer line is refused. */
  readonly maxLineBytes: number
  /** Where the values of all records are noted; its owner empties it. Default: each region has a tape of its own. */
  readonly tape?: Tape
  /** What the lines are called in places: the elements of a document may come as lines. Default `line`. */
  readonly unit?: Origin['unit']
}

/** Memory of readers that have come to their end. A new one for each of many small files would be wasted. */
const idle: LineScanner[] = []
const MOST_IDLE = 2

/**
 * Reads JSON Lines: a record a line, in legal JSON as `JSON.parse` reads it. A byte order mark and blank lines
 * are allowed, and a carriage return before the line end.
 *
 * Bytes are gathered into regions of whole lines, validated (UTF-8, escapes, control characters) in passes over
 * the region, decoded as one-byte strings and scanned onto a tape. Only when a region is refused is it gone
 * through line by line, to find out what is wrong where.
 */
export class JsonLinesReader implements RecordReader, Account {
  private readonly scanner = idle.pop() ?? new LineScanner(REGION_BYTES)
  /** Bytes in the buffer. */
  private held = 0
  /** Bytes of the stream before the buffer. */
  private offset = 0
  /** Number of the buffer's first line. */
  private line = 1
  /** Whether what is done with is hashed. */
  private hashes: boolean
  /** What was read, once the stream has ended. */
  private whole: ReadPart | undefined
  /** Inside a line that is too long: its bytes are passed over. */
  private discarding = false
  /** Where the lines end that were given as they lie. */
  private rawEnd = 0
  /** Cells that a region's tape begins with. */
  private tapeRoom = 1 << 12

  /**
   * @param start where the bytes that it is given begin; default at the start of the stream
   * @param hash the state of the hash of what comes before; undefined if nobody wants to know what was read
   */
  constructor(
    private readonly options: LinesOptions,
    start: LinePosition = START,
    hash?: HashState,
  ) {
    this.offset = start.bytes
    this.line = start.lines + 1
    this.hashes = hash !== undefined
    if (hash) this.region.restoreHash(hash)
  }

  /**
   * Begins with another piece of a stream, in the same memory.
   *
   * @param start where the bytes that it is given begin
   * @param inside they begin somewhere in a line that is not wanted: all up to its end is passed over, uncounted
   * @param hash the state of the hash of what comes before; undefined if nobody wants to know what was read
   * @param cells gets the cells of the hash that are ended
   */
  begin(start: LinePosition, inside: boolean, hash: HashState | undefined, cells?: Uint8Array[]): void {
    this.held = 0
    this.offset = start.bytes
    this.line = start.lines + (inside ? 0 : 1)
    this.discarding = inside
    this.whole = undefined
    this.hashes = hash !== undefined
    if (hash) this.region.restoreHash(hash, cells)
  }

  /** How far the hash has come: that of what is done with, or, at the end, of all. */
  get hashState(): HashState {
    return this.region.saveHash()
  }

  get position(): LinePosition | undefined {
    return this.discarding ? undefined : { bytes: this.offset, lines: this.line - 1 }
  }

  part(): ReadPart | undefined {
    const { position } = this
    return position && { ...position, hash: digestOf(this.region.saveHash(), position.bytes) }
  }

  all(): ReadPart {
    const { offset: bytes, line } = this
    return this.whole ?? { bytes, lines: line - 1, hash: digestOf(this.region.saveHash(), bytes) }
  }

  /** Lines that it is done with; at the end, all. */
  get lines(): number {
    return this.line - 1
  }

  private get unit(): Origin['unit'] {
    return this.options.unit ?? 'line'
  }

  /** Of what the buffer begins with, and of lines as they lie. */
  get origin(): Origin {
    const { line: first, offset, unit } = this
    return { input: this.options.input, first, offset, unit }
  }

  private get region(): RegionBytes {
    return this.scanner.region
  }

  private get bytes(): Buffer {
    return this.region.bytes
  }

  read(chunk: Uint8Array): Scan {
    this.room(chunk.length).set(chunk)
    return this.filled(chunk.length)
  }

  /** Memory for the next bytes, to be filled from its start on: it saves a copy of what would be given to `read`. */
  room(count: number): Buffer {
    this.region.ensure(this.held + count)
    return this.bytes.subarray(this.held, this.held + count)
  }

  /** As `read`, of bytes that were put into the room. */
  filled(count: number): Scan {
    return this.scanTo(this.wholeLines(count))
  }

  /**
   * As {@link filled}; lines in which nothing is wrong are given as they lie, and are good until `doneWith` is told that
   * they may go.
   */
  filledRaw(count: number): RawLines | Scan {
    const end = this.wholeLines(count)
    const raw = end > 0 && this.held - end <= this.options.maxLineBytes ? this.scanRaw(end) : undefined
    if (raw === undefined) return this.scanTo(end)
    this.rawEnd = end
    return raw
  }

  /** Drops lines that {@link filledRaw} has given. */
  doneWith({ lines }: RawLines): void {
    this.line += lines
    this.skip(this.rawEnd)
  }

  /** The record that lines are at, as {@link filled} would have given it. */
  recordAt({ start, end, line, respell }: RawLines): JsonRecord {
    const text = this.bytes.toString('latin1', start, end + 1)
    const block = new Block(this.origin, text, start, this.options.tape ?? new Tape(), respell)
    const records: JsonRecord[] = []
    scanBlock(block, line, false, records)
    return records[0]
  }

  private scanRaw(end: number): RawLines | undefined {
    if (end > LineScanner.mostBytes || this.hasLongLine(end)) return undefined
    return isUtf8(this.bytes.subarray(0, end)) ? this.scanner.scanRaw(end) : undefined
  }

  /** Takes bytes that were put into the room. Returns where the last whole line ends that there is then. */
  private wholeLines(count: number): number {
    let added = this.held
    this.held += count
    if (this.skipsMark()) added = 0
    if (this.discarding) {
      // Nothing else is held then.
      const lineEnd = this.bytes.subarray(0, this.held).indexOf(LINE_END)
      this.skip(lineEnd < 0 ? this.held : lineEnd + 1)
      if (lineEnd < 0) return 0
      this.line++
      this.discarding = false
      added = 0
    }
    // Only new bytes are searched: a long line is not gone through again with each chunk.
    const lastEnd = this.bytes.subarray(added, this.held).lastIndexOf(LINE_END)
    return lastEnd < 0 ? 0 : added + lastEnd + 1
  }

  /** Scans the lines up to `end`, and sees to what is behind them. */
  private scanTo(end: number): Scan {
    const scan: Scan = { records: [], faults: [] }
    if (end > 0) this.scanRegion(end, scan)
    this.passOverTooLong(scan)
    return scan
  }

  /** Passes over the line that is still open, if it is too long already. */
  private passOverTooLong(scan: Scan): void {
    if (this.held <= this.options.maxLineBytes) return
    const place = { input: this.options.input, [this.unit]: this.line, offset: this.offset }
    scan.faults.push({ index: scan.records.length, error: this.tooLong().at(place), line: null })
    this.skip(this.held)
    this.discarding = true
  }

  end(): Scan {
    const scan: Scan = { records: [], faults: [] }
    if (this.hashes) {
      this.hash(this.held)
      const bytes = this.offset + this.held
      const lines = this.line - 1 + (this.held > 0 ? 1 : 0)
      this.whole = { bytes, lines, hash: digestOf(this.region.saveHash(), bytes) }
      this.hashes = false
    }
    if (this.held > 0) {
      this.room(1)[0] = LINE_END
      this.held++
      this.scanRegion(this.held, scan)
    }
    if (idle.length < MOST_IDLE) idle.push(this.scanner)
    return scan
  }

  /** Drops a byte order mark, which can only stand at the start of the stream. Returns whether there was one. */
  private skipsMark(): boolean {
    const { bytes } = this
    if (this.offset > 0 || this.held < 3 || bytes[0] !== 0xef || bytes[1] !== 0xbb || bytes[2] !== 0xbf)
      return false
    this.skip(3)
    return true
  }

  private hash(count: number): void {
    if (this.hashes) this.region.hash(0, count)
  }

  /** Drops bytes from the start of the buffer. */
  private skip(count: number): void {
    this.hash(count)
    this.bytes.copyWithin(0, count, this.held)
    this.held -= count
    this.offset += count
  }

  /** Scans the whole lines in `bytes[0, end)` and drops them. */
  private scanRegion(end: number, scan: Scan): void {
    const { origin } = this
    const lines = this.hasLongLine(end) ? undefined : this.scanFast(end, origin, scan.records)
    this.line += lines ?? this.scanByLine(end, origin, scan)
    this.skip(end)
  }

  /** Whether one of the lines in `bytes[0, end)` is too long. */
  private hasLongLine(end: number): boolean {
    const { maxLineBytes } = this.options
    for (let start = 0; end - start > maxLineBytes; ) {
      const lineEnd = this.bytes.indexOf(LINE_END, start)
      if (lineEnd - start > maxLineBytes) return true
      start = lineEnd + 1
    }
    return false
  }

  /** Scans the region in one go. Returns the number of lines, or undefined if anything in it is refused. */
  private scanFast(end: number, origin: Origin, records: JsonRecord[]): number | undefined {
    if (!isUtf8(this.bytes.subarray(0, end))) return undefined
    return this.scanQuickly(end, origin, records) ?? this.scanCarefully(end, origin, records)
  }

  /** Leaves it to {@link scanCarefully} to say what is wrong, or to find that nothing is. */
  private scanQuickly(end: number, origin: Origin, records: JsonRecord[]): number | undefined {
    const { scanner } = this
    const tape = this.options.tape ?? new Tape(this.tapeRoom)
    let line = 0
    for (let base = 0; base < end; ) {
      const next = this.blockEnd(base, end)
      const block = new Block(origin, this.bytes.toString('latin1', base, next), base, tape, false)
      const first = line
      const take = (at: number, start: number, to: number, root: number) => {
        records.push(new JsonRecord(block, first + at, start, to, root))
      }
      const lines = next - base > LineScanner.mostBytes ? undefined : scanner.scan(tape, take, base, next)
      if (lines === undefined) {
        records.length = 0
        return undefined
      }
      block.respell = (scanner.flags & RESPELL) !== 0
      line += lines
      base = next
    }
    this.noteTape(tape)
    return line
  }

  private scanCarefully(end: number, origin: Origin, records: JsonRecord[]): number | undefined {
    const flags = this.region.inspect(end)
    if (flags & ILLEGAL) return undefined
    const careful = (flags & CONTROL) !== 0
    const respell = (flags & RESPELL) !== 0
    const tape = this.options.tape ?? new Tape(this.tapeRoom)
    let line = 0
    try {
      for (let base = 0; base < end; ) {
        const next = this.blockEnd(base, end)
        const block = new Block(origin, this.bytes.toString('latin1', base, next), base, tape, respell)
        line = scanBlock(block, line, careful, records)
        base = next
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      records.length = 0
      return undefined
    }
    this.noteTape(tape)
    return line
  }

  /** Regions are much alike: the next one will need about as much. */
  private noteTape({ length }: Tape): void {
    this.tapeRoom = length + (length >> 3) + 16
  }

  /** Where a block that begins at `base` ends: after the last line end that it can hold, or its only line's. */
  private blockEnd(base: number, end: number): number {
    if (base + BLOCK_BYTES >= end) return end
    const last = this.bytes.subarray(base, base + BLOCK_BYTES).lastIndexOf(LINE_END)
    return last >= 0 ? base + last + 1 : this.bytes.indexOf(LINE_END, base + BLOCK_BYTES) + 1
  }

  /** Scans the region line by line: good records go on, each bad line becomes a fault with its place. */
  private scanByLine(end: number, origin: Origin, scan: Scan): number {
    const tape = new Tape()
    let line = 0
    for (let start = 0; start < end; line++) {
      const lineEnd = this.bytes.indexOf(LINE_END, start)
      const bytes = this.bytes.subarray(start, lineEnd + 1)
      const base = start
      start = lineEnd + 1
      try {
        if (bytes.length - 1 > this.options.maxLineBytes) throw this.tooLong()
        if (!isUtf8(bytes)) throw notUtf8(bytes)
        const text = bytes.toString('latin1')
        const illegal = illegalEscape(text)
        if (illegal) throw illegal
        scanBlock(new Block(origin, text, base, tape, text.includes('\\')), line, true, scan.records)
      } catch (error) {
        const place = {
          input: origin.input,
          [origin.unit]: origin.first + line,
          offset: (origin.offset ?? 0) + base,
        }
        scan.faults.push({
          index: scan.records.length,
          error: lineError(error).at(place),
          line:
            bytes.length - 1 > this.options.maxLineBytes
              ? null
              : bytes.toString('latin1', 0, bytes.length - 1),
        })
      }
    }
    return line
  }

  private tooLong(): SteerpipeError {
    return new SteerpipeError('LINE_TOO_LONG', {
      found: `a line of more than ${this.options.maxLineBytes} bytes`,
    })
  }
}

/** Scans the lines of a block. Returns the number of the line after it. @throws Refusal */
function scanBlock(block: Block, firstLine: number, careful: boolean, records: JsonRecord[]): number {
  const { text, tape } = block
  let line = firstLine
  for (let start = 0; start < text.length; line++) {
    const lineEnd = text.indexOf('\n', start)
    const at = skipSpace(text, start)
    if (at < lineEnd) {
      const root = tape.length
      const end = skipSpace(text, scanValue(text, at, tape, careful))
      // A string that was not closed may have found its quote in a later line.
      if (end > lineEnd) throw new Refusal('JSON_SYNTAX', 'a string without its closing quote', at)
      if (end < lineEnd) throw new Refusal('JSON_SYNTAX', 'more text after the end of the record', end)
      if (text.charCodeAt(at) !== 0x7b) throw new Refusal('NOT_AN_OBJECT', shownKind(text, at), at)
      records.push(new JsonRecord(block, line, start, lineEnd, root))
    }
    start = lineEnd + 1
  }
  return line
}

function shownKind(text: string, at: number): string {
  const first = text[at]
  if (first === '[') return 'an array'
  if (first === '"') return 'a text'
  return `\`${text.slice(at, at + 20).trim()}\``
}

/** What is wrong with a line, as a coded error without its place. */
function lineError(error: unknown): SteerpipeError {
  if (error instanceof SteerpipeError) return error
  if (!(error instanceof Refusal)) throw error
  const column = error.code === 'JSON_SYNTAX' ? ` at byte ${error.at + 1} of the line` : ''
  return new SteerpipeError(error.code, {
    found: error.found + column,
    expected: error.code === 'TOO_DEEP' ? 'at most 100,000 levels' : 'one legal JSON object a line',
  })
}

function notUtf8(bytes: Buffer): SteerpipeError {
  const at = firstNotUtf8(bytes)
  return new SteerpipeError('NOT_UTF8', {
    found: `the byte 0x${bytes[at].toString(16).padStart(2, '0')} at byte ${at + 1} of the line is not UTF-8`,
    expected: 'UTF-8',
  })
}

const ESCAPES = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y

/** The first backslash that does not begin an escape of JSON's. */
function illegalEscape(text: string): Refusal | undefined {
  for (let at = text.indexOf('\\'); at >= 0; at = text.indexOf('\\', ESCAPES.lastIndex)) {
    ESCAPES.lastIndex = at
    if (!ESCAPES.test(text)) {
      const [, next] = Buffer.from(text.slice(at, at + 5), 'latin1').toString('utf8')
      const shown = next > ' ' ? `\\${next}` : '\\'
      return new Refusal('JSON_SYNTAX', `an escape that JSON does not have, \`${shown}\`,`, at)
    }
  }
  return undefined
}
