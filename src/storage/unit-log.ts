import { ByteWriter } from '../records/byte-writer.js'
import type { Extent, SpillFile } from './spill-file.js'
import { unitLength } from './unit-pack.js'

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
    this.filling ??= this.free.pop()?.reset() ?? new ByteWriter(this.chunkBytes)
    const before = this.filling.size
    pack(this.filling)
    this.units++
    this.bytes += this.filling.size - before
    if (this.filling.size >= this.chunkBytes) {
      this.full.push(this.filling)
      this.filling = undefined
    }
  }

  /** Writes the full chunks to the file. */
  async flush(file: SpillFile): Promise<void> {
    const { full } = this
    this.full = []
    for (const chunk of full) {
      this.spilled.push(await file.append(chunk.take()))
      this.free.push(chunk)
    }
  }

  /** All of it, a chunk at a time, each of whole units; a chunk is good until the next one is asked for. */
  async *chunks(file: SpillFile | null): AsyncGenerator<Buffer> {
    let buffer = Buffer.alloc(0)
    for (const extent of this.spilled) {
      if (file === null) throw new Error('what was written to a file is read without it')
      if (buffer.length < extent.length) buffer = Buffer.allocUnsafeSlow(extent.length)
      await file.read(extent, buffer)
      yield buffer.subarray(0, extent.length)
    }
    for (const chunk of this.full) yield chunk.take()
    if (this.filling) yield this.filling.take()
  }

  /** All of it in one piece, at the start of `into`. */
  async load(file: SpillFile | null, into: Buffer): Promise<Buffer> {
    let at = 0
    for await (const chunk of this.chunks(file)) at += chunk.copy(into, at)
    return into.subarray(0, at)
  }
}

/** Where each unit of a chunk begins. */
export function* unitsIn(chunk: Buffer): Generator<number> {
  for (let at = 0; at < chunk.length; at += unitLength(chunk, at)) yield at
}
