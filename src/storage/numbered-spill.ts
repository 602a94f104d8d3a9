import type { AnyRecord, Batch } from '../records/batch.js'
import { ByteWriter } from '../records/byte-writer.js'
import type { MakeAhead } from '../records/direct.js'
import type { PackedUnits, PackMemory } from '../records/packed-units.js'
import type { RawLines } from '../records/raw-lines.js'
import type { Origin } from '../records/record.js'
import { UnitGatherer, unpack, unpackUnits } from './packed-units.js'
import { SpillFile } from './spill-file.js'
import type { SpillSettings } from './spill-settings.js'
import { Starts } from './starts.js'
import { UnitLog } from './unit-log.js'
import { UnitPack } from './unit-pack.js'

/** Bytes of a piece of memory. */
const CHUNK_BYTES = 256 * 1024

/** Bytes of a write: each has to wake another thread, which takes this one some 0.1 ms. */
const WRITE_BYTES = 1024 * 1024

/** Room for the unit that makes a piece full: growing would copy the piece, and take twice as much. */
const CHUNK_SLACK = 32 * 1024

/**
 * Holds units of records, numbered as they come, and gives them back in that order or in another one, which may be
 * told at the end. The first ones stay in memory, an eighth of which is for them and half for where each unit is; the rest
 * goes to a file, from which units are read here and there, as the order wants.
 */
export class NumberedSpill {
  private readonly pack: UnitPack
  /** The first units, one after the other. */
  private readonly kept: ByteWriter[] = []
  private keptBytes = 0
  /** The units after those. */
  private readonly rest = new UnitLog(WRITE_BYTES)
  private file: SpillFile | null = null
  private closed = false
  /** Where each unit begins, counted over all of them. */
  private readonly starts = new Starts()

  constructor(private readonly settings: SpillSettings) {
    this.pack = new UnitPack(settings.keepLines)
  }

  /** Takes the unit `records[start, end)`. */
  add(records: readonly AnyRecord[], start: number, end: number): void {
    this.addUnit((out) => this.pack.pack(records, start, end, 0, out))
  }

  /** Takes the record that lines are at, or what is made of it ahead. @param origin of the lines */
  addRaw(lines: RawLines, origin: Origin, makeAhead?: MakeAhead): void {
    this.addUnit((out) => this.pack.packRaw(lines, origin, 0, out, makeAhead))
  }

  /** @param write writes a unit */
  private addUnit(write: (out: ByteWriter) => void): void {
    this.starts.add(this.keptBytes + this.rest.bytes)
    const isKept = this.rest.units === 0 && this.keptBytes < this.settings.memory / 8
    if (!isKept) {
      this.rest.add(write)
      return
    }
    let chunk = this.kept.at(-1)
    if (chunk === undefined || chunk.size >= CHUNK_BYTES) {
      chunk = new ByteWriter(CHUNK_BYTES + CHUNK_SLACK)
      this.kept.push(chunk)
    }
    const before = chunk.size
    write(chunk)
    this.keptBytes += chunk.size - before
  }

  /** To be called after some units were added: what is too much goes to the file. */
  async flush({ unitEnds }: Pick<Batch, 'unitEnds'>): Promise<void> {
    this.pack.binds ||= unitEnds !== null
    if (this.rest.units === 0) return
    if (this.closed) throw new Error('the spill is closed')
    this.file ??= new SpillFile(this.settings.folder)
    await this.rest.flush(this.file)
  }

  /** The units as they came. */
  async *inArrival(): AsyncGenerator<Batch> {
    const { pack } = this
    for await (const chunk of this.chunks()) yield unpackUnits(chunk, pack.binds, pack.names)
  }

  private async *chunks(): AsyncGenerator<Buffer> {
    for (const chunk of this.kept) yield chunk.take()
    yield* this.rest.chunks(this.file)
  }

  /** The units in an order of their numbers, of which the first to come has 0. */
  async *inOrder(numbers: Uint32Array): AsyncGenerator<Batch> {
    for await (const packed of this.gathered(numbers)) yield unpack(packed)
  }

  /** As {@link inOrder}, to be unpacked by another thread. @param memory gives memory to pack into */
  inOrderPacked(numbers: Uint32Array, memory: PackMemory = () => undefined): AsyncGenerator<PackedUnits> {
    return this.gathered(numbers, memory)
  }

  private async *gathered(numbers: Uint32Array, memory?: PackMemory): AsyncGenerator<PackedUnits> {
    const { starts, keptBytes, rest } = this
    if (this.file !== null) await rest.flushAll(this.file)
    const gatherer = new UnitGatherer(this.pack, memory)
    const kept = new PiecesOfMemory(this.kept.map((chunk) => chunk.take()))
    for (const number of numbers) {
      const at = starts.at(number)
      const length = (number + 1 < starts.count ? starts.at(number + 1) : keptBytes + rest.bytes) - at
      if (!gatherer.fits(length)) {
        yield gatherer.take()
        if (this.closed) return
      }
      gatherer.add(length, (unit) => {
        if (at < keptBytes) kept.copy(at, unit)
        else this.file?.readNow({ at: at - keptBytes, length }, unit)
      })
    }
    if (!gatherer.empty) yield gatherer.take()
  }

  /** Gives memory and disk back. */
  async close(): Promise<void> {
    const { file } = this
    this.closed = true
    this.kept.length = 0
    this.file = null
    await file?.close()
  }
}

/** Pieces of memory that lie one after the other, and in each of them whole units. */
class PiecesOfMemory {
  private readonly ends: number[] = []

  constructor(private readonly pieces: readonly Buffer[]) {
    for (const piece of pieces) this.ends.push((this.ends.at(-1) ?? 0) + piece.length)
  }

  /** Copies what begins at `at`, as much as there is room for. */
  copy(at: number, into: Buffer): void {
    const { ends, pieces } = this
    let [low, high] = [0, ends.length - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (at < ends[middle]) high = middle
      else low = middle + 1
    }
    const from = at - (ends[low] - pieces[low].length)
    pieces[low].copy(into, 0, from, from + into.length)
  }
}
