/**
 * Units of records as bytes, for a spill file, and back. What comes back is what went in: the same line when it is
 * written, the same place in errors, the same part. Only the row that a conversation was made of is not kept.
 */
import { type AnyRecord, Batch } from '../records/batch.js'
import type { ByteWriter } from '../records/byte-writer.js'
import { readConversation } from '../records/conversation.js'
import { encode } from '../records/json-text.js'
import { type Block, JsonRecord, type RecordKind } from '../records/record.js'
import { Sample } from '../records/sample.js'
import { scanValue, skipSpace, Tape } from '../records/tape.js'

/** A unit: its size after this header (4 bytes), its key (8), the number of its records (4). */
const UNIT_HEADER = 16
/** A record: kind, what its line number counts, spelling (1 each, and 1 free), part, input, length of its JSON (4
 * each), line number, offset (8 each). */
const RECORD_HEADER = 32

const KINDS: readonly RecordKind[] = ['json', 'conversation', 'sample']

/** Bytes of text that are made into one batch: what a block of JSON Lines has. */
const BATCH_BYTES = 120 * 1024

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

  /** Adds the unit `records[start, end)`. */
  pack(records: readonly AnyRecord[], start: number, end: number, key: number, out: ByteWriter): void {
    const unit = out.reserve(UNIT_HEADER)
    for (let i = start; i < end; i++) this.packRecord(records[i], out)
    const bytes = out.take()
    bytes.writeUInt32LE(out.size - unit - UNIT_HEADER, unit)
    bytes.writeDoubleLE(key, unit + 4)
    bytes.writeUInt32LE(end - start, unit + 12)
  }

  private packRecord(record: AnyRecord, out: ByteWriter): void {
    const { source } = record
    const { origin, respell } = source.block
    const place = source.place
    const header = out.reserve(RECORD_HEADER)
    record.writeTo(out)
    const bytes = out.take()
    bytes[header] = KINDS.indexOf(record.kind)
    bytes[header + 1] = origin.unit === 'line' ? 1 : 0
    bytes[header + 2] = respell ? 1 : 0
    bytes.writeUInt32LE(this.parts.number(record.part), header + 4)
    bytes.writeUInt32LE(this.inputs.number(origin.input), header + 8)
    bytes.writeUInt32LE(out.size - header - RECORD_HEADER, header + 12)
    bytes.writeDoubleLE(origin.first + source.line, header + 16)
    bytes.writeDoubleLE(place.offset ?? Number.NaN, header + 24)
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

/** Bytes of the whole unit at `at`. */
export const unitLength = (bytes: Buffer, at: number): number => UNIT_HEADER + bytes.readUInt32LE(at)

/** The key of the unit at `at`. */
export const unitKey = (bytes: Buffer, at: number): number => bytes.readDoubleLE(at + 4)

/** Makes batches of packed units. */
export class Unpacker {
  /** The JSON of the records, each with a line end. */
  private text = Buffer.allocUnsafeSlow(BATCH_BYTES * 2)
  private length = 0
  /** A header for each record. */
  private headers: Buffer[] = []
  private unitEnds: number[] = []
  /** Cells that a batch's tape begins with: about what the last one needed. */
  private tapeRoom = 1 << 12

  constructor(private readonly pack: UnitPack) {}

  /** Whether there is enough for a batch. */
  get full(): boolean {
    return this.length >= BATCH_BYTES
  }

  get empty(): boolean {
    return this.headers.length === 0
  }

  /** Takes the unit at `at`; its bytes are copied. */
  add(bytes: Buffer, at: number): void {
    const end = at + unitLength(bytes, at)
    for (let header = at + UNIT_HEADER; header < end; ) {
      const from = header + RECORD_HEADER
      const to = from + bytes.readUInt32LE(header + 12)
      this.headers.push(Buffer.from(bytes.subarray(header, from)))
      this.ensure(to - from + 1)
      bytes.copy(this.text, this.length, from, to)
      this.length += to - from
      this.text[this.length++] = 0x0a
      header = to
    }
    this.unitEnds.push(this.headers.length)
  }

  private ensure(more: number): void {
    if (this.length + more <= this.text.length) return
    const text = Buffer.allocUnsafeSlow(Math.max(this.text.length * 2, this.length + more))
    this.text.copy(text, 0, 0, this.length)
    this.text = text
  }

  /** The batch; the unpacker is empty again. */
  take(): Batch {
    const text = this.text.toString('latin1', 0, this.length)
    const tape = new Tape(this.tapeRoom)
    const records: AnyRecord[] = []
    let at = 0
    for (const header of this.headers) {
      const end = at + header.readUInt32LE(12)
      records.push(this.record(header, text, tape, at, end))
      at = end + 1
    }
    this.tapeRoom = tape.length + (tape.length >> 3) + 16
    const batch = new Batch(records, this.pack.binds ? this.unitEnds : null)
    this.length = 0
    this.headers = []
    this.unitEnds = []
    return batch
  }

  private record(header: Buffer, text: string, tape: Tape, start: number, end: number): AnyRecord {
    const offset = header.readDoubleLE(24)
    const block: Block = {
      origin: {
        input: this.pack.input(header.readUInt32LE(8)),
        first: header.readDoubleLE(16),
        // A record's offset is counted from its origin's.
        offset: Number.isNaN(offset) ? undefined : offset - start,
        unit: header[1] === 1 ? 'line' : 'record',
      },
      text,
      base: 0,
      tape,
      respell: header[2] === 1,
    }
    const root = tape.length
    // It was checked when it was read, or is what we have written.
    scanValue(text, skipSpace(text, start), tape, false)
    const source = new JsonRecord(block, 0, start, end, root)
    const record = ofKind(KINDS[header[0]], source)
    record.part = this.pack.part(header.readUInt32LE(4))
    return record
  }
}

function ofKind(kind: RecordKind, source: JsonRecord): AnyRecord {
  if (kind === 'json') return source
  if (kind === 'conversation') return readConversation(source)
  const text = source.member(source.root, TEXT)
  const vector = source.raw(source.member(source.root, LABEL))
  return new Sample(source, source.text(text), vector.slice(1, -1))
}
