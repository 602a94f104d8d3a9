import { isUtf8 } from 'node:buffer'
import split from 'split2'
import { SteerpipeError } from '../errors.js'
import { encode } from '../records/json-text.js'
import { Block, JsonRecord, type Origin } from '../records/record.js'
import { scanValue, Tape } from '../records/tape.js'
import { type LinePosition, type RecordReader, type Scan, START } from './record-reader.js'
import { firstNotUtf8 } from './utf8.js'

const LINE_END = 0x0a
const BYTE_ORDER_MARK = Buffer.from('\ufeff')
// Lines are one character a byte.
const BEYOND_ASCII = /[\x80-\xff]/

/** What a reader of plain text is told. */
export interface TextOptions {
  /** The name of the input, for places. */
  readonly input: string
  /** The field of the record that holds the line. */
  readonly field: string
  /** A longer line (its carriage return counted) is refused. */
  readonly maxLineBytes: number
}

/**
 * Reads plain text, a record a line: `{"<field>": "<line>"}`. A byte order mark, a carriage return at a line's end
 * and empty lines are left out; the last line may lack its end. White space is text: it stays.
 *
 * split2 is given one-byte strings, so that its characters are bytes: offsets are exact, and bytes that are not
 * UTF-8 can be told (it would put U+FFFD in their place).
 *
 * Faults are of one line, NOT_UTF8 or LINE_TOO_LONG, and reading goes on after it. No more than `maxLineBytes` and a
 * chunk are held.
 */
export class TextLinesReader implements RecordReader {
  private readonly lines: string[] = []
  private readonly splitter
  /** The record's text up to the line's. */
  private readonly head: string
  /** The first bytes, while they may be the beginning of a byte order mark. */
  private first: Buffer | undefined = Buffer.alloc(0)
  /** Bytes of the stream that were taken. */
  private written = 0
  /** Bytes of the stream before the line that is not whole yet. */
  private offset = 0
  /** The number of that line, from 1. */
  private line = 1
  /** That line is too long, and was reported: what comes of it is passed over. */
  private overflowing = false
  /** What there is of that line. split2 would go through it again with each chunk: it gets whole lines only. */
  private open = Buffer.alloc(0)
  private held = 0

  /**
   * @param options the input's name, the field, and the longest line in bytes
   * @param start where the bytes that it is given begin; default at the start of the stream
   */
  constructor(
    private readonly options: TextOptions,
    start: LinePosition = START,
  ) {
    this.offset = this.written = start.bytes
    this.line = start.lines + 1
    if (start.bytes > 0) this.first = undefined
    this.head = `{"${encode(options.field)}": `
    // Nothing is passed on, so that no buffer of the stream's can fill up and hold lines back.
    const keep = (line: string): void => {
      this.lines.push(line)
    }
    this.splitter = split('\n', keep, { decodeStrings: false })
  }

  get position(): LinePosition | undefined {
    return this.overflowing ? undefined : { bytes: this.offset, lines: this.line - 1 }
  }

  async read(chunk: Uint8Array): Promise<Scan> {
    const scan: Scan = { records: [], faults: [] }
    const bytes = this.withoutMark(chunk)
    if (bytes.length > 0) await this.write(bytes, scan)
    return scan
  }

  async end(): Promise<Scan> {
    const scan: Scan = { records: [], faults: [] }
    const { first } = this
    this.first = undefined
    if (first && first.length > 0) await this.write(first, scan)
    // A line without its end is given one. When split2 ends by itself it takes a line that is too long for a line.
    if (this.offset < this.written) await this.write(Buffer.of(LINE_END), scan)
    this.splitter.destroy()
    return scan
  }

  /** The chunk without a byte order mark at the start of the stream; empty while that is not decided. */
  private withoutMark(chunk: Uint8Array): Buffer {
    const view = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    if (!this.first) return view
    const bytes = Buffer.concat([this.first, view])
    if (bytes.length < 3 && BYTE_ORDER_MARK.subarray(0, bytes.length).equals(bytes)) {
      this.first = bytes
      return Buffer.alloc(0)
    }
    this.first = undefined
    if (!bytes.subarray(0, 3).equals(BYTE_ORDER_MARK)) return bytes
    this.offset = this.written = 3
    return bytes.subarray(3)
  }

  private async write(bytes: Buffer, scan: Scan): Promise<void> {
    if (this.overflowing) {
      const lineEnd = bytes.indexOf(LINE_END)
      this.written += lineEnd < 0 ? bytes.length : lineEnd + 1
      if (lineEnd < 0) return
      this.offset = this.written
      this.line++
      this.overflowing = false
      bytes = bytes.subarray(lineEnd + 1)
    }
    this.written += bytes.length
    const end = bytes.lastIndexOf(LINE_END) + 1
    if (end > 0) {
      const text = this.open.toString('latin1', 0, this.held) + bytes.toString('latin1', 0, end)
      this.held = 0
      await new Promise<void>((resolve, reject) => {
        this.splitter.write(text, 'latin1', (error) => (error ? reject(error) : resolve()))
      })
      const tape = new Tape()
      for (const line of this.lines) this.take(line, tape, scan)
      this.lines.length = 0
    }
    this.hold(bytes.subarray(end))
    if (this.held > this.options.maxLineBytes) {
      this.overflowing = true
      this.open = Buffer.alloc(0)
      this.held = 0
      this.refuse(this.tooLong(), null, scan)
    }
  }

  private hold(bytes: Buffer): void {
    const length = this.held + bytes.length
    if (length > this.open.length) {
      const more = Buffer.allocUnsafeSlow(2 * length)
      this.open.copy(more, 0, 0, this.held)
      this.open = more
    }
    bytes.copy(this.open, this.held)
    this.held = length
  }

  /** Takes a line without its line end. */
  private take(line: string, tape: Tape, scan: Scan): void {
    const text = line.endsWith('\r') ? line.slice(0, -1) : line
    if (line.length > this.options.maxLineBytes) this.refuse(this.tooLong(), null, scan)
    else if (BEYOND_ASCII.test(text) && !isUtf8(Buffer.from(text, 'latin1')))
      this.refuse(notUtf8(text), line, scan)
    else if (text !== '') scan.records.push(this.record(text, tape))
    this.offset += line.length + 1
    this.line++
  }

  private record(line: string, tape: Tape): JsonRecord {
    const { input } = this.options
    const origin: Origin = { input, first: this.line, offset: this.offset, unit: 'line' }
    // What must be escaped is the same in bytes as in characters.
    const text = `${this.head}${JSON.stringify(line)}}\n`
    const root = tape.length
    scanValue(text, 0, tape, false)
    const block = new Block(origin, text, 0, tape, false)
    return new JsonRecord(block, 0, 0, text.length - 1, root)
  }

  private tooLong(): SteerpipeError {
    const { maxLineBytes } = this.options
    return new SteerpipeError('LINE_TOO_LONG', {
      found: `a line of more than ${maxLineBytes} bytes`,
      expected: `at most ${maxLineBytes}`,
      fix: 'Raise `max-line-bytes` of `parse`.',
    })
  }

  private refuse(error: SteerpipeError, line: string | null, scan: Scan): void {
    const place = { input: this.options.input, line: this.line, offset: this.offset }
    scan.faults.push({ index: scan.records.length, error: error.at(place), line })
  }
}

/** @param line one character a byte */
function notUtf8(line: string): SteerpipeError {
  const at = firstNotUtf8(Buffer.from(line, 'latin1'))
  const byte = line.charCodeAt(at).toString(16).padStart(2, '0')
  return new SteerpipeError('NOT_UTF8', {
    found: `the byte 0x${byte} at byte ${at + 1} of the line is not UTF-8`,
  })
}
