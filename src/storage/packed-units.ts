import { type AnyRecord, Batch } from '../records/batch.js'
import { readConversation } from '../records/conversation.js'
import { encode } from '../records/json-text.js'
import { LineScanner, lineScanner } from '../records/line-scanner.js'
import type { PackedUnits, PackMemory, UnitNames } from '../records/packed-units.js'
import { Block, JsonRecord, type Origin, type RecordKind } from '../records/record.js'
import { Sample } from '../records/sample.js'
import { scanValue, skipSpace, Tape } from '../records/tape.js'
import {
  isAhead,
  KINDS,
  RECORD,
  UNIT,
  type UnitAhead,
  type UnitPack,
  unitAhead,
  unitLength,
  unitRecords,
} from './unit-pack.js'

/** Bytes of units that are made into one batch: about what a read of a file brings. */
const BATCH_BYTES = 256 * 1024

/** Gathers units for batches. */
export class UnitGatherer {
  private bytes = NO_BYTES
  private length = 0
  private units = 0
  private records = 0
  private ahead = 0

  /**
   * @param memory gives memory to begin a batch in, whose bytes are given away; undefined if they are filled again after
   *   each batch
   */
  constructor(
    private readonly pack: UnitPack,
    private readonly memory?: PackMemory,
  ) {}

  get empty(): boolean {
    return this.units === 0
  }

  /** Whether a unit of so many bytes belongs to the batch, and not to the next one. */
  fits(bytes: number): boolean {
    return this.empty || this.length + bytes <= this.bytes.length
  }

  /**
   * Adds a unit that {@link fits}.
   *
   * @param bytes how many it has
   * @param fill writes them
   */
  add(bytes: number, fill: (unit: Buffer) => void): void {
    if (bytes > this.bytes.length) this.bytes = this.newBytes(bytes)
    const unit = this.bytes.subarray(this.length, this.length + bytes)
    fill(unit)
    this.length += bytes
    this.units++
    this.records += unitRecords(unit, 0)
    if (isAhead(unit, 0)) this.ahead++
  }

  private newBytes(least: number): Buffer<ArrayBuffer> {
    const used = least <= BATCH_BYTES ? this.memory?.() : undefined
    if (used?.byteLength === BATCH_BYTES) return Buffer.from(used)
    return Buffer.allocUnsafeSlow(Math.max(least, BATCH_BYTES))
  }

  /** What was gathered; it is empty again. */
  take(): PackedUnits {
    const { length, units, records, ahead, pack } = this
    const { buffer: bytes } = this.bytes
    const packed: PackedUnits = { bytes, length, units, records, ahead, binds: pack.binds, names: pack.names }
    // A unit that is larger than usual has had memory of its own.
    if (this.memory || length > BATCH_BYTES) this.bytes = NO_BYTES
    this.length = 0
    this.units = 0
    this.records = 0
    this.ahead = 0
    return packed
  }
}

const NO_BYTES = Buffer.allocUnsafeSlow(0)

const TEXT = encode('text')
const LABEL = encode('label')

/** Text that is made into one string: as much as V8 keeps with its small objects. */
const BLOCK_BYTES = 120 * 1024

/** Cells that a tape begins with. Batches are much alike: the next one will need about as much as the last one. */
let tapeRoom = 1 << 12

/**
 * The batch that was packed, in whatever thread. Nothing of the bytes is kept.
 *
 * @param tape where the values of the records are noted; default one of their own
 */
export const unpack = ({ bytes, length, binds, names }: PackedUnits, tape?: Tape): Batch =>
  unpackUnits(Buffer.from(bytes, 0, length), binds, names, tape)

/** Units among which some were made ahead: those, and between them batches of others, in order. */
export function* unpackMixed(packed: PackedUnits): Generator<UnitAhead | Batch> {
  const { length, binds, names } = packed
  const bytes = Buffer.from(packed.bytes, 0, length)
  let start = 0
  for (let at = 0; at < length; ) {
    const next = at + unitLength(bytes, at)
    if (isAhead(bytes, at)) {
      if (start < at) yield unpackUnits(bytes.subarray(start, at), binds, names)
      yield unitAhead(bytes, at, names)
      start = next
    }
    at = next
  }
  if (start < length) yield unpackUnits(bytes.subarray(start), binds, names)
}

/** The batch of units that stand one after the other. Nothing of the bytes is kept. */
export function unpackUnits(
  units: Buffer,
  binds: boolean,
  names: UnitNames,
  tape = new Tape(tapeRoom),
): Batch {
  const unpacking = new Unpacking(units, names, tape)
  const unitEnds: number[] = []
  for (let at = 0; at < units.length; ) {
    const end = at + unitLength(units, at)
    at += UNIT.header
    while (at < end) at = unpacking.add(at)
    unitEnds.push(unpacking.count)
  }
  const records = unpacking.end()
  tapeRoom = tape.length + (tape.length >> 3) + 16
  return new Batch(records, binds ? unitEnds : null)
}

/** A batch that is being unpacked: the texts of records are gathered into blocks, which are scanned together. */
class Unpacking {
  private readonly records: AnyRecord[] = []
  /** Where the headers are of the records in the block. */
  private readonly headers: number[] = []
  private readonly scanner = lineScanner()

  constructor(
    private readonly bytes: Buffer,
    private readonly names: UnitNames,
    private readonly tape: Tape,
  ) {}

  /** Records that were added. */
  get count(): number {
    return this.records.length + this.headers.length
  }

  /** Adds the record whose header is at `at`. Returns where it ends. */
  add(at: number): number {
    const { bytes, scanner } = this
    const json = at + RECORD.header
    const line = json + bytes.readUInt32LE(at + RECORD.json)
    if (scanner.size + (line - json) > BLOCK_BYTES) this.endBlock()
    this.headers.push(at)
    if (line - json < LineScanner.mostBytes) scanner.addLine(bytes.subarray(json, line))
    else {
      this.scanSlowly(`${bytes.toString('latin1', json, line)}\n`)
      this.headers.length = 0
    }
    return line + bytes.readUInt32LE(at + RECORD.line)
  }

  /** All records. */
  end(): AnyRecord[] {
    this.endBlock()
    return this.records
  }

  private endBlock(): void {
    const { scanner, headers, tape } = this
    if (headers.length === 0) return
    const text = scanner.text()
    const lines = scanner.scan(tape, (line, start, end, root) =>
      this.make(headers[line], text, start, end, root),
    )
    if (lines === undefined) this.scanSlowly(text)
    headers.length = 0
    scanner.clear()
  }

  /** Scans what is nested deeper than the quick scanner takes, or very long. */
  private scanSlowly(text: string): void {
    const { tape } = this
    let start = 0
    for (const header of this.headers) {
      const root = tape.length
      // We have written it ourselves, so that the grammar is right.
      scanValue(text, skipSpace(text, start), tape, false)
      const end = text.indexOf('\n', start)
      this.make(header, text, start, end, root)
      start = end + 1
    }
  }

  /** Makes the record with the header at `at`, whose JSON is `text[start, end)`. */
  private make(at: number, text: string, start: number, end: number, root: number): void {
    const { bytes, names, tape } = this
    const offset = bytes.readDoubleLE(at + RECORD.offset)
    const origin: Origin = {
      input: names.inputs[bytes.readUInt32LE(at + RECORD.input)],
      first: bytes.readDoubleLE(at + RECORD.first),
      offset: Number.isNaN(offset) ? undefined : offset,
      unit: bytes[at + RECORD.isLine] === 1 ? 'line' : 'record',
    }
    // The origin is that of this record alone, which stands somewhere in the block.
    const block = new Block(origin, text, -start, tape, bytes[at + RECORD.respell] === 1)
    const source = new JsonRecord(block, 0, start, end, root)
    const lineAt = at + RECORD.header + (end - start)
    const lineEnd = lineAt + bytes.readUInt32LE(at + RECORD.line)
    if (lineEnd > lineAt) source.original = lineRecord(bytes.toString('latin1', lineAt, lineEnd), origin)
    const record = ofKind(KINDS[bytes[at + RECORD.kind]], source)
    record.part = names.parts[bytes.readUInt32LE(at + RECORD.part)]
    this.records.push(record)
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
