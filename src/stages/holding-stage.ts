import { type AnyRecord, Batch } from '../records/batch.js'
import type { MakeAhead } from '../records/direct.js'
import type { RawLines } from '../records/raw-lines.js'
import type { Origin } from '../records/record.js'
import type { StageSettings } from './policy.js'
import { Stage } from './stage.js'

/** What holds units for a stage. */
export interface Spill {
  /** Takes the unit `records[start, end)`. */
  add(records: readonly AnyRecord[], start: number, end: number): void
  /** Takes the record that lines are at, or what is made of it ahead. @param origin of the lines */
  addRaw(lines: RawLines, origin: Origin, makeAhead?: MakeAhead): void
  /** Called after the units of each batch. */
  flush(batch: Pick<Batch, 'unitEnds'>): Promise<void>
  close(): Promise<void>
}

/** A stage that holds units back, in memory and beyond that in a file, until it has seen all of them. */
export abstract class HoldingStage extends Stage {
  /** How many units are held. */
  protected held = 0

  constructor(
    name: string,
    settings: StageSettings,
    private readonly spill: Spill,
  ) {
    super(name, settings)
  }

  /** Holds the units of a batch. */
  protected async hold(batch: Batch): Promise<Batch> {
    // What is made of all the records cannot be made of some of them.
    if (batch.error !== null) return Batch.failed(batch.error)
    const { records, unitEnds } = batch
    let start = 0
    for (let unit = 0; start < records.length; unit++) {
      const end = unitEnds === null ? start + 1 : unitEnds[unit]
      this.spill.add(records, start, end)
      this.held++
      start = end
    }
    await this.spill.flush(batch)
    return new Batch([])
  }

  /** Holds the records of lines, or what is made of them ahead. */
  protected async holdRaw(lines: RawLines, origin: Origin, makeAhead?: MakeAhead): Promise<Batch> {
    this.counters.in += lines.count
    for (let index = 0; index < lines.count; index++) {
      lines.go(index)
      this.spill.addRaw(lines, origin, makeAhead)
      this.held++
    }
    await this.spill.flush({ unitEnds: null })
    return new Batch([])
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.spill.close().then(
      () => callback(error),
      (failure: Error) => callback(error ?? failure),
    )
  }
}
