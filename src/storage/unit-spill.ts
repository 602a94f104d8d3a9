import type { AnyRecord, Batch } from '../records/batch.js'
import { SpillFile } from './spill-file.js'
import { UnitLog, unitsIn } from './unit-log.js'
import { UnitPack, unitKey, unitLength } from './unit-pack.js'

/** How much a spill may hold, and where the rest goes. */
export interface SpillSettings {
  /** Bytes of memory for everything that is held. */
  readonly memory: number
  /** The folder of the spill file; default the system's for temporary files. */
  readonly folder?: string | undefined
  /** Keys lie from 0 up to, not including, 1, and are final: units are spread over the range as they come. */
  readonly spread?: boolean
}

/** Most pieces that a range of keys is cut into at a time. */
const MOST_PIECES = 64

/** Most bytes that are gathered for one write. */
const MOST_CHUNK_BYTES = 256 * 1024

/**
 * Holds units of records, in memory as long as they fit and else in a file, and gives them back as they came or
 * ordered by a key.
 *
 * To order what does not fit, the range of keys is cut into pieces, the units are written to their pieces, and each
 * piece is ordered by itself: all reading and writing is sequential.
 */
export class UnitSpill {
  private readonly pack = new UnitPack()
  private file: SpillFile | null = null
  /** Bytes that are loaded and ordered at a time: a quarter of the memory, for they are there twice for a while. */
  private readonly room: number
  private logs: UnitLog[]
  private closed = false
  /** What is being ordered; the same memory for one piece after the other. */
  private loaded = Buffer.alloc(0)

  constructor(private readonly settings: SpillSettings) {
    this.room = Math.min(settings.memory / 4, 2 ** 30)
    this.logs = [new UnitLog(this.chunkBytes(1))]
  }

  /** Takes the unit `records[start, end)`. */
  add(records: readonly AnyRecord[], start: number, end: number, key: number): void {
    const log = this.logs[pieceOf(key, 0, 1, this.logs.length)]
    log.add((out) => this.pack.pack(records, start, end, key, out))
  }

  /** To be called after some units were added: what is too much goes to the file. */
  async flush(batch: Batch): Promise<void> {
    this.pack.binds ||= batch.unitEnds !== null
    if (this.file === null) {
      if (this.logs[0].bytes <= this.room) return
      this.openFile()
      if (this.settings.spread) this.logs = await this.cut(this.logs[0], 0, 1, (key) => key, MOST_PIECES)
    }
    for (const log of this.logs) await this.flushLog(log)
  }

  /** The units as they came. */
  async *inArrival(): AsyncGenerator<Batch> {
    const unpacker = this.pack.unpacker()
    for await (const chunk of this.logs[0].chunks(this.file)) {
      for (const at of unitsIn(chunk)) {
        unpacker.add(chunk, at)
        if (unpacker.full) yield unpacker.take()
      }
    }
    if (!unpacker.empty) yield unpacker.take()
  }

  /**
   * The units in the order of `rank(key)`.
   *
   * @param limit ranks lie from 0 up to, not including, this
   */
  async *inOrder(rank: (key: number) => number, limit: number): AsyncGenerator<Batch> {
    const unpacker = this.pack.unpacker()
    const { logs } = this
    this.logs = []
    for (const [index, log] of logs.entries()) {
      const [from, to] = [(limit * index) / logs.length, (limit * (index + 1)) / logs.length]
      for await (const { bytes, starts } of this.ordered(log, from, to, rank)) {
        for (const at of starts) {
          unpacker.add(bytes, at)
          if (unpacker.full) yield unpacker.take()
        }
      }
    }
    if (!unpacker.empty) yield unpacker.take()
  }

  /** The units of a log, piece by piece; a piece is good until the next one is asked for. */
  private async *ordered(
    log: UnitLog,
    from: number,
    to: number,
    rank: (key: number) => number,
  ): AsyncGenerator<{ bytes: Buffer; starts: Uint32Array }> {
    if (log.bytes <= this.room || log.units <= 1) {
      if (this.loaded.length < log.bytes) this.loaded = Buffer.allocUnsafeSlow(log.bytes)
      const bytes = await log.load(this.file, this.loaded)
      yield { bytes, starts: sorted(bytes, log.units, rank) }
      return
    }
    const count = Math.min(MOST_PIECES, Math.ceil((log.bytes * 2) / this.room))
    this.openFile()
    const pieces = await this.cut(log, from, to, rank, count)
    for (const [index, piece] of pieces.entries()) {
      const width = (to - from) / count
      yield* this.ordered(piece, from + index * width, from + (index + 1) * width, rank)
    }
  }

  /** The units of a log in `count` logs, each with a part of the range. */
  private async cut(
    log: UnitLog,
    from: number,
    to: number,
    rank: (key: number) => number,
    count: number,
  ): Promise<UnitLog[]> {
    const pieces = Array.from({ length: count }, () => new UnitLog(this.chunkBytes(count)))
    for await (const chunk of log.chunks(this.file)) {
      for (const at of unitsIn(chunk)) {
        const unit = chunk.subarray(at, at + unitLength(chunk, at))
        pieces[pieceOf(rank(unitKey(chunk, at)), from, to, count)].add((out) => out.add(unit))
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
    this.loaded = Buffer.alloc(0)
    this.file = null
    await file?.close()
  }
}

/** Which of `count` pieces of the range a rank lies in. */
function pieceOf(rank: number, from: number, to: number, count: number): number {
  if (count === 1) return 0
  const piece = Math.floor(((rank - from) / (to - from)) * count)
  return Math.max(0, Math.min(count - 1, piece))
}

/** Where the units of a buffer begin, in the order of their ranks. */
function sorted(bytes: Buffer, count: number, rank: (key: number) => number): Uint32Array {
  const starts = new Uint32Array(count)
  const ranks = new Float64Array(count)
  let unit = 0
  for (const at of unitsIn(bytes)) {
    starts[unit] = at
    ranks[unit++] = rank(unitKey(bytes, at))
  }
  const order = Uint32Array.from(starts.keys())
  order.sort((a, b) => ranks[a] - ranks[b])
  return order.map((index) => starts[index])
}
