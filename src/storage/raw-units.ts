import type { Batch } from '../records/batch.js'
import { LineScanner } from '../records/line-scanner.js'
import type { PackedUnits } from '../records/packed-units.js'
import type { RawLines } from '../records/raw-lines.js'
import { unpackUnits } from './packed-units.js'
import { KINDS, RECORD, UNIT, unitLength, unitRecords } from './unit-pack.js'

/** Bytes that the memory for lines begins with: those of a usual batch. */
const ROOM_BYTES = 256 * 1024

const JSON_KIND = KINDS.indexOf('json')

/** Packed units as lines that lie in memory: those of one record each, as it was read. */
export class RawUnits {
  private scanner: LineScanner | undefined
  /** Where among the packed ones each unit begins, and behind them the end of the last one. */
  private readonly starts: number[] = []

  /** The lines; undefined if some units are none of those. They are good until others are read. */
  read({ bytes, length, binds, names }: PackedUnits): RawLines | undefined {
    if (binds) return undefined
    const packed = Buffer.from(bytes, 0, length)
    this.scanner ??= new LineScanner(ROOM_BYTES)
    const scanner = this.scanner.clear()
    const { starts } = this
    starts.length = 0
    for (let at = 0; at < length; at += unitLength(packed, at)) {
      const record = at + UNIT.header
      if (unitRecords(packed, at) !== 1 || packed[record + RECORD.kind] !== JSON_KIND) return undefined
      if (names.parts[packed.readUInt32LE(record + RECORD.part)] !== null) return undefined
      const json = packed.readUInt32LE(record + RECORD.json)
      if (scanner.size + json >= LineScanner.mostBytes) return undefined
      const start = record + RECORD.header
      scanner.addLine(packed.subarray(start, start + json))
      starts.push(at)
    }
    starts.push(length)
    return scanner.scanRaw(scanner.size)
  }

  /** The batch of one of the units that were read last. */
  batchOf({ bytes, binds, names }: PackedUnits, unit: number): Batch {
    const start = this.starts[unit]
    return unpackUnits(Buffer.from(bytes, start, this.starts[unit + 1] - start), binds, names)
  }
}
