import type { AnyRecord, Batch } from '../records/batch.js'
import type { MakeAhead } from '../records/direct.js'
import type { PackedUnits, PackMemory } from '../records/packed-units.js'
import type { RawLines } from '../records/raw-lines.js'
import type { Origin } from '../records/record.js'
import { UnitGatherer, unpack } from './packed-units.js'
import { SpillFile } from './spill-file.js'
import type { SpillSettings } from './spill-settings.js'
import { UnitLog, unitsIn } from './unit-log.js'
import { UnitPack, unitKey, unitLength } from './unit-pack.js'

/** Most pieces that a range of keys is cut into at a time. */
const MOST_PIECES = 64

/** Most bytes that are gathered for one write. */
const MOST_CHUNK_BYTES = 256 * 1024

/**
 * Holds units of records, each with a key from 0 up to, not including, 1, and gives them back in the order of their
 * keys.
 *
 * What does not fit into memory goes to a file: the range of keys is cut into pieces, units go to their pieces as they
 * come, and each piece is ordered by itself, so that all reading and writing is sequential.
 */
export class KeyedSpill {
  private readonly pack: UnitPack
  private file: SpillFile | null = null
  /** Bytes that are held at a time: a quarter of the memory, for two pieces are there at once, and what is made of them. */
  private readonly room: number
  private logs: UnitLog[]
  private closed = false
  /** What is being given, and what is read meanwhile; the same memory for one after the other. */
  private readonly loaded = [Buffer.alloc(0), Buffer.alloc(0)]

  constructor(private readonly settings: SpillSettings) {
    this.pack = new UnitPack(settings.keepLines)
    this.room = Math.min(settings.memory / 4, 2 ** 30)
    this.logs = [new UnitLog(this.chunkBytes(1))]
  }

  /** Takes the unit `records[start, end)`. */
  add(records: readonly AnyRecord[], start: number, end: number, key: number): void {
    this.logFor(key).add((out) => this.pack.pack(records, start, end, key, out))
  }

  /** Takes the record that lines are at, or what is made of it ahead. @param origin of the lines */
  addRaw(lines: RawLines, origin: Origin, key: number, makeAhead?: MakeAhead): void {
    this.logFor(key).add((out) => this.pack.packRaw(lines, origin, key, out, makeAhead))
  }

  private logFor(key: number): UnitLog {
    return this.logs[pieceOf(key, 0, 1, this.logs.length)]
  }

  /** To be called after some units were added: what is too much goes to the file. */
  async flush({ unitEnds }: Pick<Batch, 'unitEnds'>): Promise<void> {
    this.pack.binds ||= unitEnds !== null
    if (this.file === null) {
      if (this.logs[0].bytes <= this.room) return
      this.openFile()
      this.logs = await this.cut(this.logs[0], 0, 1, MOST_PIECES)
    }
    for (const log of this.logs) await this.flushLog(log)
  }

  /** The units in the order of their keys. */
  async *inOrder(): AsyncGenerator<Batch> {
    for await (const packed of this.gathered()) yield unpack(packed)
  }

  /** As {@link inOrder}, to be unpacked by another thread. @param memory gives memory to pack into */
  inOrderPacked(memory: PackMemory = () => undefined): AsyncGenerator<PackedUnits> {
    return this.gathered(memory)
  }

  private async *gathered(memory?: PackMemory): AsyncGenerator<PackedUnits> {
    const gatherer = new UnitGatherer(this.pack, memory)
    const { logs } = this
    this.logs = []
    const leaves = this.leaves(logs, 0, 1)
    const load = async (turn: number) => {
      const leaf = await leaves.next()
      return leaf.done ? undefined : this.ordered(leaf.value, turn)
    }
    let next = load(0)
    for (let turn = 1; ; turn ^= 1) {
      const leaf = await next
      if (leaf === undefined) break
      // The next piece is read while this one is given.
      next = load(turn)
      next.catch(() => {}) // told where it is awaited
      for (const place of leaf.places) {
        const number = Math.floor(place / PIECE)
        const [piece, at] = [leaf.pieces[number], place - number * PIECE]
        const length = unitLength(piece, at)
        if (!gatherer.fits(length)) yield gatherer.take()
        gatherer.add(length, (unit) => piece.copy(unit, 0, at, at + length))
      }
    }
    if (!gatherer.empty) yield gatherer.take()
  }

  /** Logs that can be ordered in memory, in the order of their keys. */
  private async *leaves(logs: readonly UnitLog[], from: number, to: number): AsyncGenerator<UnitLog> {
    const width = (to - from) / logs.length
    for (const [index, log] of logs.entries()) {
      if (log.bytes <= this.room || log.units <= 1) yield log
      else {
        const [first, last] = [from + index * width, from + (index + 1) * width]
        const count = Math.min(MOST_PIECES, Math.ceil((log.bytes * 2) / this.room))
        this.openFile()
        yield* this.leaves(await this.cut(log, first, last, count), first, last)
      }
    }
  }

  /** The units of a log in memory, and where they are, in the order of their keys. */
  private async ordered(log: UnitLog, turn: number): Promise<Leaf> {
    const { spilledBytes } = log
    if (this.loaded[turn].length < spilledBytes) this.loaded[turn] = Buffer.allocUnsafeSlow(spilledBytes)
    const pieces = await log.load(this.file, this.loaded[turn])
    return { pieces, places: placesInOrder(pieces, log.units) }
  }

  /** The units of a log in `count` logs, each with a part of the range. */
  private async cut(log: UnitLog, from: number, to: number, count: number): Promise<UnitLog[]> {
    const pieces = Array.from({ length: count }, () => new UnitLog(this.chunkBytes(count)))
    for await (const chunk of log.chunks(this.file)) {
      for (const at of unitsIn(chunk)) {
        const unit = chunk.subarray(at, at + unitLength(chunk, at))
        pieces[pieceOf(unitKey(chunk, at), from, to, count)].add((out) => out.add(unit))
      }
      for (const piece of pieces) await this.flushLog(piece)
    }
    return pieces
  }

  private chunkBytes(logs: number): number {
    return Math.max(4096, Math.min(MOST_CHUNK_BYTES, this.room / logs))
  }

  private openFile(): void {
    if (this.closed) throw new Error('the spill is closed')
    this.file ??= new SpillFile(this.settings.folder)
  }

  private async flushLog(log: UnitLog): Promise<void> {
    if (this.file !== null) await log.flush(this.file)
  }

  /** Gives memory and disk back. */
  async close(): Promise<void> {
    const { file } = this
    this.closed = true
    this.logs = []
    this.loaded.fill(Buffer.alloc(0))
    this.file = null
    await file?.close()
  }
}

/** Which of `count` pieces of the range a key lies in. */
function pieceOf(key: number, from: number, to: number, count: number): number {
  if (count === 1) return 0
  const piece = Math.floor(((key - from) / (to - from)) * count)
  return Math.max(0, Math.min(count - 1, piece))
}

/** Units that are in memory, and their places: the number of the piece times {@link PIECE}, and where in it. */
interface Leaf {
  readonly pieces: readonly Buffer[]
  readonly places: Float64Array
}

const PIECE = 2 ** 32

function placesInOrder(pieces: readonly Buffer[], count: number): Float64Array {
  const places = new Float64Array(count)
  const keys = new Float64Array(count)
  let unit = 0
  for (const [index, piece] of pieces.entries()) {
    for (const at of unitsIn(piece)) {
      places[unit] = index * PIECE + at
      keys[unit++] = unitKey(piece, at)
    }
  }
  const order = Uint32Array.from(keys.keys())
  order.sort((a, b) => keys[a] - keys[b])
  return Float64Array.from(order, (index) => places[index])
}
