import { ByteWriter } from '../records/byte-writer.js'
import type { Extent, SpillFile } from './spill-file.js'
import { unitLength } from './unit-pack.js'

/** Room for the unit that makes a chunk full: growing would copy the chunk, and take twice as much. */
const SLACK_BYTES = 32 * 1024

/** Packed units one after the other: in memory, or, once they are flushed, in a spill file. */
export class UnitLog {
  bytes = 0
  units = 0
  private readonly spilled: Extent[] = []
  /** Full chunks that are still in memory. */
  private full: ByteWriter[] = []
  private filling: ByteWriter | undefined
  /** Chunks whose bytes are in the file, to be filled again. */
  private readonly free: ByteWriter[] = []

  /** @param chunkBytes bytes that are gathered before they are written */
  constructor(private readonly chunkBytes: number) {}

  /** Adds what `pack` writes, which is one unit. */
  add(pack: (out: ByteWriter) => void): void {
    this.filling ??= this.free.pop()?.reset() ?? new ByteWriter(this.chunkBytes + SLACK_BYTES)
    const before = this.filling.size
    pack(this.filling)
    this.units++
    this.bytes += this.filling.size - before
    if (this.filling.size >= this.chunkBytes) {
      this.full.push(this.filling)
      this.filling = undefined
    }
  }

  /** Begins to write the full chunks to the file. Resolves when the file can take more. */
  async flush(file: SpillFile): Promise<void> {
    const { full } = this
    this.full = []
    for (const chunk of full) {
      this.spilled.push(await file.append(chunk.take(), () => this.free.push(chunk)))
    }
  }

  /** All of it, a chunk at a time, each of whole units; a chunk is good until the next one is asked for. */
  async *chunks(file: SpillFile | null): AsyncGenerator<Buffer> {
    if (file !== null) yield* file.readAll(this.spilled)
    for (const chunk of this.full) yield chunk.take()
    if (this.filling) yield this.filling.take()
  }

  /** All of it: what is in the file at the start of `into`, what is in memory where it is. */
  async load(file: SpillFile | null, into: Buffer): Promise<Buffer[]> {
    const pieces: Buffer[] = []
    let at = 0
    const reading = this.spilled.map((extent) => {
      const piece = into.subarray(at, at + extent.length)
      at += extent.length
      pieces.push(piece)
      return file?.read(extent, piece)
    })
    await Promise.all(reading)
    for (const chunk of this.full) pieces.push(chunk.take())
    if (this.filling) pieces.push(this.filling.take())
    return pieces
  }

  /** Writes all of it to the file. */
  async flushAll(file: SpillFile): Promise<void> {
    if (this.filling) this.full.push(this.filling)
    this.filling = undefined
    await this.flush(file)
    await file.settled()
  }

  /** Bytes that are in the file. */
  get spilledBytes(): number {
    return this.spilled.reduce((sum, { length }) => sum + length, 0)
  }
}

/** Where each unit of a chunk begins. */
export function* unitsIn(chunk: Buffer): Generator<number> {
  for (let at = 0; at < chunk.length; at += unitLength(chunk, at)) yield at
}
