/**
 * Units of records as bytes, for a spill file or another thread. What is unpacked of them is what went in: the same line
 * when it is written, the same place in errors, the same part. Only the row that a conversation was made of is not kept.
 *
 * The tape of a record does not go along: that of a tree is two thirds as long as its text, which is scanned again at
 * more than a gigabyte a second.
 */
import type { AnyRecord } from '../records/batch.js'
import type { ByteWriter } from '../records/byte-writer.js'
import type { MadeAhead, MadeNote, MakeAhead } from '../records/direct.js'
import type { UnitNames } from '../records/packed-units.js'
import type { RawLines } from '../records/raw-lines.js'
import type { Origin, RecordKind } from '../records/record.js'

/** A unit: its size after this header (4 bytes), its key (8), the number of its records (4). */
export const UNIT = { size: 0, key: 4, records: 12, header: 16 } as const

/** A record: three small things of a byte each, then numbers of four and eight bytes, its JSON, its line. */
export const RECORD = {
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
  /** Bytes of the line that it was read from; none if its JSON is that line, or nobody will ask. */
  line: 32,
  header: 36,
} as const

/**
 * What was made of a record ahead has the same header: its lines take the place of the JSON, how many there are that of
 * the number, and what is to be told of it that of the line, in pairs of four bytes: a stage's number, a note's.
 */
export const AHEAD_KIND = 3
const NOTE_BYTES = 8

/** What the header of a record says. */
interface PackedRecord {
  readonly kind: RecordKind
  readonly respell: boolean
  readonly part: string | null
  readonly origin: Origin
  /** The number of its line (or record), from 1. */
  readonly first: number
  readonly offset: number | undefined
  /** Bytes of its JSON, and of the line that is kept beside that. */
  readonly json: number
  readonly line: number
}

export const KINDS: readonly RecordKind[] = ['json', 'conversation', 'sample']

/** Numbers for names that many records have in common. */
class Names<Name extends string | null> {
  readonly all: Name[] = []
  private readonly numbers = new Map<Name, number>()

  number(name: Name): number {
    let number = this.numbers.get(name)
    if (number === undefined) {
      number = this.all.push(name) - 1
      this.numbers.set(name, number)
    }
    return number
  }
}

/** Packs units. */
export class UnitPack {
  private readonly parts = new Names<string | null>()
  private readonly inputs = new Names<string>()
  private readonly notes = new Names<string>()
  /** Whether any of the units came bound. */
  binds = false

  /** @param keepLines keep the line that each record was read from, whatever was made of it since */
  constructor(private readonly keepLines = false) {}

  /** The names that were packed so far. */
  get names(): UnitNames {
    return { parts: this.parts.all, inputs: this.inputs.all, notes: this.notes.all }
  }

  /** Adds the unit `records[start, end)`. */
  pack(records: readonly AnyRecord[], start: number, end: number, key: number, out: ByteWriter): void {
    const unit = out.reserve(UNIT.header)
    for (let i = start; i < end; i++) this.packRecord(records[i], out)
    const bytes = out.take()
    bytes.writeUInt32LE(out.size - unit - UNIT.header, unit + UNIT.size)
    bytes.writeDoubleLE(key, unit + UNIT.key)
    bytes.writeUInt32LE(end - start, unit + UNIT.records)
  }

  /** Adds the record that lines are at, as a unit, or what is made of it ahead. @param origin of the lines */
  packRaw(lines: RawLines, origin: Origin, key: number, out: ByteWriter, makeAhead?: MakeAhead): void {
    if (makeAhead !== undefined && this.packAhead(lines, makeAhead, key, out)) return
    const json = lines.end - lines.start
    const at = out.reserve(UNIT.header + RECORD.header)
    out.copy(lines.bytes, lines.start, lines.end)
    const bytes = out.take()
    bytes.writeUInt32LE(RECORD.header + json, at + UNIT.size)
    bytes.writeDoubleLE(key, at + UNIT.key)
    bytes.writeUInt32LE(1, at + UNIT.records)
    const offset = origin.offset === undefined ? undefined : origin.offset + lines.start
    this.writeHeader(bytes, at + UNIT.header, {
      kind: 'json',
      respell: lines.respell,
      part: null,
      origin,
      first: origin.first + lines.line,
      offset,
      json,
      line: 0,
    })
  }

  /** Returns false, and adds nothing, if nothing can be made. */
  private packAhead(lines: RawLines, makeAhead: MakeAhead, key: number, out: ByteWriter): boolean {
    const at = out.reserve(UNIT.header + RECORD.header)
    const start = out.size
    const made = makeAhead(lines, out)
    if (made === undefined) {
      out.goBack(at)
      return false
    }
    const { count, notes } = made
    const length = out.size - start
    const told = notes.length * NOTE_BYTES
    const noted = out.reserve(told)
    const bytes = out.take()
    bytes.writeUInt32LE(RECORD.header + length + told, at + UNIT.size)
    bytes.writeDoubleLE(key, at + UNIT.key)
    bytes.writeUInt32LE(1, at + UNIT.records)
    const record = at + UNIT.header
    bytes.fill(0, record, record + RECORD.header)
    bytes[record + RECORD.kind] = AHEAD_KIND
    bytes.writeUInt32LE(length, record + RECORD.json)
    bytes.writeDoubleLE(count, record + RECORD.first)
    bytes.writeUInt32LE(told, record + RECORD.line)
    notes.forEach(({ stage, what }, index) => {
      bytes.writeUInt32LE(stage, noted + index * NOTE_BYTES)
      bytes.writeUInt32LE(this.notes.number(what), noted + index * NOTE_BYTES + 4)
    })
    return true
  }

  private packRecord(record: AnyRecord, out: ByteWriter): void {
    const { source } = record
    const { block } = source
    const at = out.reserve(RECORD.header)
    record.writeTo(out)
    const json = out.size - at - RECORD.header
    const before = out.size
    if (this.keepLines && (record.kind !== 'json' || source.original !== null)) out.text(source.readLine)
    const line = out.size - before
    this.writeHeader(out.take(), at, {
      kind: record.kind,
      respell: block.respell,
      part: record.part,
      origin: block.origin,
      first: block.origin.first + source.line,
      offset: source.place.offset,
      json,
      line,
    })
  }

  private writeHeader(bytes: Buffer, at: number, record: PackedRecord): void {
    const { kind, respell, part, origin, first, offset = Number.NaN, json, line } = record
    bytes[at + RECORD.kind] = KINDS.indexOf(kind)
    bytes[at + RECORD.isLine] = origin.unit === 'line' ? 1 : 0
    bytes[at + RECORD.respell] = respell ? 1 : 0
    bytes.writeUInt32LE(this.parts.number(part), at + RECORD.part)
    bytes.writeUInt32LE(this.inputs.number(origin.input), at + RECORD.input)
    bytes.writeUInt32LE(json, at + RECORD.json)
    bytes.writeDoubleLE(first, at + RECORD.first)
    bytes.writeDoubleLE(offset, at + RECORD.offset)
    bytes.writeUInt32LE(line, at + RECORD.line)
  }
}

/** Bytes of the whole unit at `at`. */
export const unitLength = (bytes: Buffer, at: number): number =>
  UNIT.header + bytes.readUInt32LE(at + UNIT.size)

/** Whether the unit at `at` is what was made of a record ahead. */
export const isAhead = (bytes: Buffer, at: number): boolean =>
  bytes[at + UNIT.header + RECORD.kind] === AHEAD_KIND

/** What was made ahead, with its lines and their ends. */
export interface UnitAhead extends MadeAhead {
  readonly lines: Uint8Array
}

/** What was made ahead, as it lies in the unit at `at`. */
export function unitAhead(bytes: Buffer, at: number, names: UnitNames): UnitAhead {
  const record = at + UNIT.header
  const start = record + RECORD.header
  const end = start + bytes.readUInt32LE(record + RECORD.json)
  const notes: MadeNote[] = []
  const last = end + bytes.readUInt32LE(record + RECORD.line)
  for (let note = end; note < last; note += NOTE_BYTES)
    notes.push({ stage: bytes.readUInt32LE(note), what: names.notes[bytes.readUInt32LE(note + 4)] })
  return { count: bytes.readDoubleLE(record + RECORD.first), lines: bytes.subarray(start, end), notes }
}

/** The key of the unit at `at`. */
export const unitKey = (bytes: Buffer, at: number): number => bytes.readDoubleLE(at + UNIT.key)

/** The number of the records of the unit at `at`. */
export const unitRecords = (bytes: Buffer, at: number): number => bytes.readUInt32LE(at + UNIT.records)
