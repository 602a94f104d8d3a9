/**
 * Units of records as bytes, for a spill file, and back. What comes back is what went in: the same line when it is
 * written, the same place in errors, the same part. Only the row that a conversation was made of is not kept.
 *
 * The tape of a record as it was read goes along: to scan the text again takes five times as long as to copy it.
 */
import { type AnyRecord, Batch } from '../records/batch.js'
import type { ByteWriter } from '../records/byte-writer.js'
import { readConversation } from '../records/conversation.js'
import { encode } from '../records/json-text.js'
import { Block, JsonRecord, type Origin, type RecordKind } from '../records/record.js'
import { Sample } from '../records/sample.js'
import { scanValue, skipSpace, Tape } from '../records/tape.js'

/** A unit: its size after this header (4 bytes), its key (8), the number of its records (4). */
const UNIT = { size: 0, key: 4, records: 12, header: 16 } as const

/** A record: three small things of a byte each, then numbers of four and eight bytes, its JSON, its tape. */
const RECORD = {
  kind: 0,
  /** Whether its number counts lines. */
  isLine: 1,
  respell: 2,
  part: 4,
  input: 8,
  /** Bytes of its JSON. */
  json: 12,
  first: 16,
  offset: 24,
  /** Cells of its tape; none if it must be scanned again. */
  cells: 32,
  /** What its positions, and the ends on its tape, are counted from. */
  textFrom: 36,
  tapeFrom: 40,
  /** Bytes of the line that it was read from; none if its JSON is that line, or nobody will ask. */
  line: 44,
  header: 48,
} as const

const CELL = Int32Array.BYTES_PER_ELEMENT

const KINDS: readonly RecordKind[] = ['json', 'conversation', 'sample']

/** Bytes of text that are made into one batch: what a read of a file brings. */
const BATCH_BYTES = 256 * 1024

const TEXT = encode('text')
const LABEL = encode('label')

/** Names by number, for what many records have in common. */
class Names {
  private readonly numbers = new Map<string | null, number>()
  private readonly names: (string | null)[] = []

  number(name: string | null): number {
    let number = this.numbers.get(name)
    if (number === undefined) {
      number = this.names.push(name) - 1
      this.numbers.set(name, number)
    }
    return number
  }

  name(number: number): string | null {
    return this.names[number]
  }
}

/** Packs units, and unpacks what it has packed. */
export class UnitPack {
  private readonly parts = new Names()
  private readonly inputs = new Names()
  /** Whether any of the units came bound. */
  binds = false

  /** @param keepLines keep the line that each record was read from, whatever was made of it since */
  constructor(private readonly keepLines = false) {}

  /** Adds the unit `records[start, end)`. */
  pack(records: readonly AnyRecord[], start: number, end: number, key: number, out: ByteWriter): void {
    const unit = out.reserve(UNIT.header)
    for (let i = start; i < end; i++) this.packRecord(records[i], out)
    const bytes = out.take()
    bytes.writeUInt32LE(out.size - unit - UNIT.header, unit + UNIT.size)
    bytes.writeDoubleLE(key, unit + UNIT.key)
    bytes.writeUInt32LE(end - start, unit + UNIT.records)
  }

  private packRecord(record: AnyRecord, out: ByteWriter): void {
    const { source } = record
    const { block } = source
    const at = out.reserve(RECORD.header)
    record.writeTo(out)
    const json = out.size - at - RECORD.header
    const cells = record.kind === 'json' ? packTape(record, out) : 0
    const before = out.size
    if (this.keepLines && (record.kind !== 'json' || source.original !== null)) out.text(source.readLine)
    const line = out.size - before
    const bytes = out.take()
    bytes.writeUInt32LE(line, at + RECORD.line)
    bytes[at + RECORD.kind] = KINDS.indexOf(record.kind)
    bytes[at + RECORD.isLine] = block.origin.unit === 'line' ? 1 : 0
    bytes[at + RECORD.respell] = block.respell ? 1 : 0
    bytes.writeUInt32LE(this.parts.number(record.part), at + RECORD.part)
    bytes.writeUInt32LE(this.inputs.number(block.origin.input), at + RECORD.input)
    bytes.writeUInt32LE(json, at + RECORD.json)
    bytes.writeDoubleLE(block.origin.first + source.line, at + RECORD.first)
    bytes.writeDoubleLE(source.place.offset ?? Number.NaN, at + RECORD.offset)
    bytes.writeUInt32LE(cells, at + RECORD.cells)
    bytes.writeInt32LE(source.start - block.textShift, at + RECORD.textFrom)
    bytes.writeInt32LE(source.root - block.tapeShift, at + RECORD.tapeFrom)
  }

  /** Opens a batch that units are unpacked into. */
  unpacker(): Unpacker {
    return new Unpacker(this)
  }

  /** @internal */
  part(number: number): string | null {
    return this.parts.name(number)
  }

  /** @internal */
  input(number: number): string {
    return this.inputs.name(number) ?? ''
  }
}

/** Adds the cells of a record's tape. Returns how many there are. */
function packTape(record: JsonRecord, out: ByteWriter): number {
  const { root } = record
  const { cells } = record.block.tape
  const count = record.next(root) - root
  out.add(Buffer.from(cells.buffer, cells.byteOffset + root * CELL, count * CELL))
  return count
}

/** Bytes of the whole unit at `at`. */
export const unitLength = (bytes: Buffer, at: number): number =>
  UNIT.header + bytes.readUInt32LE(at + UNIT.size)

/** The key of the unit at `at`. */
export const unitKey = (bytes: Buffer, at: number): number => bytes.readDoubleLE(at + UNIT.key)

/** Makes batches of packed units. */
export class Unpacker {
  private records: AnyRecord[] = []
  private unitEnds: number[] = []
  /** Bytes of text in the records. */
  private length = 0
  /** Cells that a batch's tape begins with: about what the last one needed. */
  private tapeRoom = 1 << 12
  private tape = new Tape(this.tapeRoom)

  constructor(private readonly pack: UnitPack) {}

  /** Whether there is enough for a batch. */
  get full(): boolean {
    return this.length >= BATCH_BYTES
  }

  get empty(): boolean {
    return this.records.length === 0
  }

  /** Takes the unit at the start of the bytes; nothing of them is kept. */
  add(bytes: Buffer): void {
    const end = unitLength(bytes, 0)
    for (let at: number = UNIT.header; at < end; ) at = this.addRecord(bytes, at)
    this.unitEnds.push(this.records.length)
  }

  /** The batch; the unpacker is empty again. */
  take(): Batch {
    const batch = new Batch(this.records, this.pack.binds ? this.unitEnds : null)
    this.tapeRoom = this.tape.length + (this.tape.length >> 3) + 16
    this.tape = new Tape(this.tapeRoom)
    this.length = 0
    this.records = []
    this.unitEnds = []
    return batch
  }

  /** Takes the record whose header is at `at`. Returns where it ends. */
  private addRecord(bytes: Buffer, at: number): number {
    const { tape, pack } = this
    const json = at + RECORD.header
    const cells = json + bytes.readUInt32LE(at + RECORD.json)
    const line = cells + bytes.readUInt32LE(at + RECORD.cells) * CELL
    const end = line + bytes.readUInt32LE(at + RECORD.line)
    const offset = bytes.readDoubleLE(at + RECORD.offset)
    const origin: Origin = {
      input: pack.input(bytes.readUInt32LE(at + RECORD.input)),
      first: bytes.readDoubleLE(at + RECORD.first),
      offset: Number.isNaN(offset) ? undefined : offset,
      unit: bytes[at + RECORD.isLine] === 1 ? 'line' : 'record',
    }
    const respell = bytes[at + RECORD.respell] === 1
    const text = bytes.toString('latin1', json, cells)
    const root = tape.length
    let block: Block
    if (line > cells) {
      tape.append(bytes.subarray(cells, line))
      const textShift = -bytes.readInt32LE(at + RECORD.textFrom)
      const tapeShift = root - bytes.readInt32LE(at + RECORD.tapeFrom)
      block = new Block(origin, text, 0, tape, respell, textShift, tapeShift)
    } else {
      // It is what we have written ourselves, so that the grammar is right.
      scanValue(`${text}\n`, skipSpace(text, 0), tape, false)
      block = new Block(origin, text, 0, tape, respell)
    }
    const source = new JsonRecord(block, 0, 0, text.length, root)
    if (end > line) source.original = lineRecord(bytes.toString('latin1', line, end), origin)
    const record = ofKind(KINDS[bytes[at + RECORD.kind]], source)
    record.part = pack.part(bytes.readUInt32LE(at + RECORD.part))
    this.records.push(record)
    this.length += text.length
    return end
  }
}

/** A record of which nothing will be asked but its line and its place. */
function lineRecord(line: string, origin: Origin): JsonRecord {
  return new JsonRecord(new Block(origin, line, 0, NO_TAPE, false), 0, 0, line.length, 0)
}

const NO_TAPE = new Tape(1)

function ofKind(kind: RecordKind, source: JsonRecord): AnyRecord {
  if (kind === 'json') return source
  if (kind === 'conversation') return readConversation(source)
  const text = source.member(source.root, TEXT)
  const vector = source.raw(source.member(source.root, LABEL))
  return new Sample(source, source.text(text), vector.slice(1, -1))
}
