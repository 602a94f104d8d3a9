/**
 * Units of records as bytes, for a spill file or another thread. What is unpacked of them is what went in: the same line
 * when it is written, the same place in errors, the same part. Only the row that a conversation was made of is not kept.
 *
 * The tape of a record does not go along: that of a tree is two thirds as long as its text, which is scanned again at
 * more than a gigabyte a second.
 */
import type { AnyRecord } from '../records/batch.js'
import type { ByteWriter } from '../records/byte-writer.js'
import type { UnitNames } from '../records/packed-units.js'
import type { RecordKind } from '../records/record.js'

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
  /** Whether any of the units came bound. */
  binds = false

  /** @param keepLines keep the line that each record was read from, whatever was made of it since */
  constructor(private readonly keepLines = false) {}

  /** The names that were packed so far. */
  get names(): UnitNames {
    return { parts: this.parts.all, inputs: this.inputs.all }
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

  private packRecord(record: AnyRecord, out: ByteWriter): void {
    const { source } = record
    const { block } = source
    const at = out.reserve(RECORD.header)
    record.writeTo(out)
    const json = out.size - at - RECORD.header
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
  }
}

/** Bytes of the whole unit at `at`. */
export const unitLength = (bytes: Buffer, at: number): number =>
  UNIT.header + bytes.readUInt32LE(at + UNIT.size)

/** The key of the unit at `at`. */
export const unitKey = (bytes: Buffer, at: number): number => bytes.readDoubleLE(at + UNIT.key)

/** The number of the records of the unit at `at`. */
export const unitRecords = (bytes: Buffer, at: number): number => bytes.readUInt32LE(at + UNIT.records)
