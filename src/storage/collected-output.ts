import { type Line, writeLines } from '../records/batch.js'
import type { ByteWriter } from '../records/byte-writer.js'
import type { OutputPoint } from '../records/left-out.js'
import type { Output, SavedOutput } from './output.js'

/** Lines that somebody else is to write: in memory, until they are taken. */
export class CollectedOutput implements Output {
  private writer: ByteWriter | undefined

  /** @param room gives the memory to write into */
  constructor(
    readonly path: string,
    private readonly room: () => ByteWriter,
  ) {}

  get bytes(): number {
    return this.writer?.size ?? 0
  }

  /** What was written since the last time; undefined if that is nothing. The memory goes with it. */
  take(): Buffer | undefined {
    const { writer } = this
    this.writer = undefined
    return writer?.take()
  }

  /** Counted from what was taken last; without a checksum, which whoever writes it adds. */
  async pointFor(): Promise<OutputPoint> {
    return { bytes: this.bytes, crc: 0 }
  }

  /** What lines are written into. */
  get lines(): ByteWriter {
    this.writer ??= this.room()
    return this.writer
  }

  async write(records: readonly Line[]): Promise<void> {
    if (records.length > 0) writeLines(records, this.lines)
  }

  async save(): Promise<SavedOutput> {
    return { bytes: this.bytes, crc: 0 }
  }

  async sync(): Promise<void> {}

  async finish(): Promise<void> {}

  async commit(): Promise<void> {}

  async abandon(): Promise<void> {}
}
