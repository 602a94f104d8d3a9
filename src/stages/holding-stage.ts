import { Batch } from '../records/batch.js'
import { type SpillSettings, UnitSpill } from '../storage/unit-spill.js'
import type { StageSettings } from './policy.js'
import { Stage } from './stage.js'

/** A stage that holds units back, in memory and beyond that in a file, until it has seen all of them. */
export abstract class HoldingStage extends Stage {
  protected readonly spill: UnitSpill
  /** How many units are held. */
  protected held = 0

  constructor(name: string, settings: StageSettings, spill: SpillSettings) {
    super(name, settings)
    this.spill = new UnitSpill(spill)
  }

  /** Holds the units of a batch, each with a key if they have any. */
  protected async hold(batch: Batch, keyOf?: () => number): Promise<Batch> {
    // What is made of all the records cannot be made of some of them.
    if (batch.error !== null) return Batch.failed(batch.error)
    const { records, unitEnds } = batch
    let start = 0
    for (let unit = 0; start < records.length; unit++) {
      const end = unitEnds === null ? start + 1 : unitEnds[unit]
      this.spill.add(records, start, end, keyOf?.())
      this.held++
      start = end
    }
    await this.spill.flush(batch)
    return new Batch([])
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.spill.close().then(
      () => callback(error),
      (failure: Error) => callback(error ?? failure),
    )
  }
}
