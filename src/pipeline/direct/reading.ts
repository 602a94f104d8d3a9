import { SteerpipeError } from '../../errors.js'
import { Batch } from '../../records/batch.js'
import { ByteWriter } from '../../records/byte-writer.js'
import { HASH_START } from '../../records/bytes.js'
import { RawLines } from '../../records/raw-lines.js'
import { ErrorPolicy } from '../../stages/policy.js'
import type { Stage } from '../../stages/stage.js'
import { Intake } from '../../stages/units.js'
import type { WriteStage } from '../../stages/write.js'
import { passOver, withFirst } from '../../storage/consumed.js'
import { readBytes } from '../../storage/input.js'
import { JsonLinesReader } from '../../storage/json-lines.js'
import { type Scan, START } from '../../storage/record-reader.js'
import { readerSettings } from '../pipeline.js'
import type { ReadSettings } from '../read.js'
import { type DirectRow, directRow } from './row.js'

/**
 * Reads files through a stage and its output from bytes to bytes. What the stage wants to see as records goes through it,
 * in its place.
 */
export class DirectReading {
  private readonly row: DirectRow
  private readonly write: WriteStage
  /** Lines that are not written yet. */
  private readonly lines = new ByteWriter()

  /** @param stages such as can be a direct row */
  constructor(private readonly stages: readonly Stage[]) {
    const row = directRow(stages, () => this.lines)
    if (row === undefined) throw new Error('these stages are no direct row')
    this.row = row
    this.write = row.write
  }

  /**
   * Reads a file. What it gives are batches without records: these have been written. An error is in the last batch.
   */
  async *read(file: string, reading: ReadSettings): AsyncGenerator<Batch> {
    const { counters, keeps, from } = reading
    const { maxLineBytes } = readerSettings(reading.parse, reading.input)
    const intake = new Intake('parse', counters, new ErrorPolicy(counters, reading), 1)
    try {
      const chunks = readBytes(file, undefined, true)
      const passed = from && (await passOver(chunks, from, file))
      const hash = keeps ? (passed?.state ?? HASH_START) : undefined
      const reader = new JsonLinesReader({ input: file, maxLineBytes }, from ?? START, hash)
      if (keeps) reading.onOpen?.(reader)
      for await (const bytes of passed ? withFirst(passed.rest, chunks) : chunks) {
        reading.onBytes(bytes.length)
        reader.room(bytes.length).set(bytes)
        const read = this.row.pays() ? reader.filledRaw(bytes.length) : reader.filled(bytes.length)
        if (read instanceof RawLines) {
          counters.in += read.count
          counters.out += read.count
          await this.takeRaw(read, reader)
        } else await this.take(read, intake)
        const batch = new Batch([])
        if (keeps) batch.mark = reading.onMark?.(reader) ?? null
        yield batch
      }
      await this.take(reader.end(), intake)
    } catch (error) {
      if (!(error instanceof SteerpipeError)) throw error
      yield Batch.failed(error)
    }
  }

  private async takeRaw(lines: RawLines, reader: JsonLinesReader): Promise<void> {
    await this.row.work(lines, async (index) => {
      await this.flush()
      lines.go(index)
      await this.through(0, new Batch([reader.recordAt(lines)]))
    })
    await this.flush()
    reader.doneWith(lines)
  }

  private take(scan: Scan, intake: Intake): Promise<void> {
    return this.through(0, intake.take(scan))
  }

  /** Gives a batch to a stage, and what comes of it to the next one. @throws SteerpipeError that of the batch */
  private async through(stage: number, batch: Batch): Promise<void> {
    if (stage < this.stages.length)
      return this.stages[stage].work(batch, (made) => this.through(stage + 1, made))
    if (batch.error !== null) throw batch.error
  }

  private async flush(): Promise<void> {
    const { lines } = this
    if (lines.size === 0) return
    await this.write.writeLines(lines.take())
    lines.reset()
  }
}
