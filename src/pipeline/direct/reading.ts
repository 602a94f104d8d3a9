import { SteerpipeError } from '../../errors.js'
import { Batch } from '../../records/batch.js'
import { ByteWriter } from '../../records/byte-writer.js'
import { RawLines } from '../../records/raw-lines.js'
import { ErrorPolicy } from '../../stages/policy.js'
import type { Stage } from '../../stages/stage.js'
import { Intake } from '../../stages/units.js'
import type { WriteStage } from '../../stages/write.js'
import type { JsonLinesReader } from '../../storage/json-lines.js'
import type { ReadSettings } from '../read.js'
import { rawReads } from './raw-reads.js'
import { type DirectRow, directRow } from './row.js'

/**
 * Reads files through a stage and its output from bytes to bytes. What the stage wants to see as records goes through it,
 * in its place.
 */
export class DirectReading {
  private readonly row: DirectRow
  private readonly write: WriteStage
  /** Lines that are not written yet, by the path of their output. */
  private readonly lines = new Map<string, ByteWriter>()

  /** @param stages such as can be a direct row */
  constructor(private readonly stages: readonly Stage[]) {
    const row = directRow(stages, (_, path) => this.linesOf(path))
    if (row === undefined) throw new Error('these stages are no direct row')
    this.row = row
    this.write = row.write
  }

  /**
   * Reads a file. What it gives are batches without records: these have been written. An error is in the last batch.
   */
  async *read(file: string, reading: ReadSettings): AsyncGenerator<Batch> {
    const { counters, keeps } = reading
    const intake = new Intake('parse', counters, new ErrorPolicy(counters, reading), 1)
    try {
      for await (const { read, reader } of rawReads(file, reading, true, () => this.row.pays())) {
        if (read instanceof RawLines) await this.takeRaw(read, reader)
        else await this.through(0, intake.take(read))
        const batch = new Batch([])
        if (keeps) batch.mark = reading.onMark?.(reader) ?? null
        yield batch
      }
    } catch (error) {
      if (!(error instanceof SteerpipeError)) throw error
      yield Batch.failed(error)
    }
  }

  private async takeRaw(lines: RawLines, reader: JsonLinesReader): Promise<void> {
    await this.row.begin(null, null)
    await this.row.work(lines, async (index) => {
      await this.flush()
      lines.go(index)
      await this.through(0, new Batch([reader.recordAt(lines)]))
    })
    await this.flush()
    reader.doneWith(lines)
  }

  /** Gives a batch to a stage, and what comes of it to the next one. @throws SteerpipeError that of the batch */
  private async through(stage: number, batch: Batch): Promise<void> {
    if (stage < this.stages.length)
      return this.stages[stage].work(batch, (made) => this.through(stage + 1, made))
    if (batch.error !== null) throw batch.error
  }

  private linesOf(path: string): ByteWriter {
    const lines = this.lines.get(path) ?? new ByteWriter()
    this.lines.set(path, lines)
    return lines
  }

  private async flush(): Promise<void> {
    for (const [path, lines] of this.lines) {
      if (lines.size === 0) continue
      await this.write.writeLines(path, lines.take())
      lines.reset()
    }
  }
}
