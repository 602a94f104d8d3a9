import type { AnyRecord, Batch } from '../records/batch.js'
import { ByteWriter } from '../records/byte-writer.js'
import { SpillFile } from './spill-file.js'
import type { SpillSettings } from './spill-settings.js'
import { Starts } from './starts.js'
import { UnitLog, unitsIn } from './unit-log.js'
import { UnitPack } from './unit-pack.js'

/** Bytes of a piece of memory, and of a write. */
const CHUNK_BYTES = 256 * 1024

/** Room for the unit that makes a piece full: growing would copy the piece, and take twice as much. */
const CHUNK_SLACK = 32 * 1024

/**
 * Holds units of records, numbered as they come, and gives them back in that order or in another one, which may be
 * told at the end. The first ones stay in memory, half of which is for them and half for where each unit is; the rest
 * goes to a file, from which units are read here and there, as the order wants.
 */
export class NumberedSpill {
  private readonly pack: UnitPack
  /** The first units, one after the other. */
  private readonly kept: ByteWriter[] = []
  private keptBytes = 0
  /** The units after those. */
  private readonly rest = new UnitLog(CHUNK_BYTES)
  private file: SpillFile | null = null
  private closed = false
  /** Where each unit begins, counted over all of them. */
  private readonly starts = new Starts()

  constructor(private readonly settings: SpillSettings) {
    this.pack = new UnitPack(settings.keepLines)
  }

  /** Takes the unit `records[start, end)`. */
  add(records: readonly AnyRecord[], start: number, end: number): void {
    this.starts.add(this.keptBytes + this.rest.bytes)
    const isKept = this.rest.units === 0 && this.keptBytes < this.settings.memory / 2
    if (!isKept) {
      this.rest.add((out) => this.pack.pack(records, start, end, 0, out))
      return
    }
    let chunk = this.kept.at(-1)
    if (chunk === undefined || chunk.size >= CHUNK_BYTES) {
      chunk = new ByteWriter(CHUNK_BYTES + CHUNK_SLACK)
      this.kept.push(chunk)
    }
    const before = chunk.size
    this.pack.pack(records, start, end, 0, chunk)
    this.keptBytes += chunk.size - before
  }

  /** To be called after some units were added: what is too much goes to the file. */
  async flush(batch: Batch): Promise<void> {
    this.pack.binds ||= batch.unitEnds !== null
    if (this.rest.units === 0) return
    if (this.closed) throw new Error('the spill is closed')
    this.file ??= new SpillFile(this.settings.folder)
    await this.rest.flush(this.file)
  }

  /** The units as they came. */
  async *inArrival(): AsyncGenerator<Batch> {
    const unpacker = this.pack.unpacker()
    for await (const chunk of this.chunks()) {
      for (const at of unitsIn(chunk)) {
        unpacker.add(chunk.subarray(at))
        if (unpacker.full) yield unpacker.take()
      }
    }
    if (!unpacker.empty) yield unpacker.take()
  }

  private async *chunks(): AsyncGenerator<Buffer> {
    for (const chunk of this.kept) yield chunk.take()
    yield* this.rest.chunks(this.file)
  }

  /** The units in an order of their numbers, of which the first to come has 0. */
  async *inOrder(numbers: Uint32Array): AsyncGenerator<Batch> {
    const unpacker = this.pack.unpacker()
    if (this.file !== null) await this.rest.flushAll(this.file)
    const inMemory = unitInMemory(this.kept.map((chunk) => chunk.take()))
    const inFile = unitInFile(this.file)
    for (const number of numbers) {
      const at = this.starts.at(number)
      const next =
        number + 1 < this.starts.count ? this.starts.at(number + 1) : this.keptBytes + this.rest.bytes
      unpacker.add(at < this.keptBytes ? inMemory(at) : inFile(at - this.keptBytes, next - at))
      if (!unpacker.full) continue
      yield unpacker.take()
      if (this.closed) return
    }
    if (!unpacker.empty) yield unpacker.take()
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

/** Finds what begins somewhere in pieces of memory that lie one after the other. */
function unitInMemory(pieces: readonly Buffer[]): (at: number) => Buffer {
  const ends: number[] = []
  for (const piece of pieces) ends.push((ends.at(-1) ?? 0) + piece.length)
  return (at) => {
    let [low, high] = [0, ends.length - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (at < ends[middle]) high = middle
      else low = middle + 1
    }
    return pieces[low].subarray(at - (ends[low] - pieces[low].length))
  }
}

/** Reads units from a file that holds one after the other. */
function unitInFile(file: SpillFile | null): (at: number, length: number) => Buffer {
  let buffer = Buffer.alloc(0)
  return (at, length) => {
    if (buffer.length < length) buffer = Buffer.allocUnsafeSlow(Math.max(64 * 1024, length * 2))
    file?.readNow({ at, length }, buffer)
    return buffer
  }
}
