import { SteerpipeError } from '../errors.js'
import { type AnyRecord, Batch } from '../records/batch.js'
import type { StageSettings } from './policy.js'
import { Stage } from './stage.js'

/** Decides about units: records that stand alone, or neighbours that belong together. */
export interface Selection {
  /** What dropped records are counted under. */
  readonly reason: string
  /**
   * How many times in a row the unit `records[start, end)` goes on; 0 drops it.
   *
   * @throws SteerpipeError for a unit that cannot be judged
   */
  times(records: readonly AnyRecord[], start: number, end: number): number
  /** Whether all that is still to come will be dropped. */
  readonly satisfied?: boolean
}

/** How many records a batch has at the most when units are repeated. */
const MOST_RECORDS = 4096

/** A stage that drops, keeps or repeats whole units, and leaves the records themselves alone. */
export class UnitStage extends Stage {
  constructor(
    name: string,
    settings: StageSettings,
    private readonly selection: Selection,
  ) {
    super(name, settings)
  }

  /** Whether nothing that is still to come will go on: whoever reads for this stage alone may stop. */
  get satisfied(): boolean {
    return this.selection.satisfied === true
  }

  protected override *handle(batch: Batch): Generator<Batch> {
    const { records, unitEnds } = batch
    let made = new Selected(unitEnds !== null)
    let ended: SteerpipeError | undefined
    let start = 0
    for (let unit = 0; start < records.length && !ended; unit++) {
      const end = unitEnds === null ? start + 1 : unitEnds[unit]
      const times = this.judge(records, start, end)
      this.counters.in += end - start
      if (times instanceof SteerpipeError) ended = this.policy.take(times, end - start)
      else if (times === 0) this.counters.drop(this.selection.reason, end - start)
      else {
        for (let time = 0; time < times; time++) {
          if (made.records.length >= MOST_RECORDS) {
            yield made.batch()
            made = new Selected(unitEnds !== null)
          }
          made.add(records, start, end)
          this.counters.out += end - start
        }
      }
      start = end
    }
    const last = made.batch()
    last.error = ended ?? batch.error
    yield last
  }

  private judge(records: readonly AnyRecord[], start: number, end: number): number | SteerpipeError {
    try {
      return this.selection.times(records, start, end)
    } catch (error) {
      if (!(error instanceof SteerpipeError)) throw error
      return error.at(records[start].source.place, this.stageName)
    }
  }
}

/** The units that go on. */
class Selected {
  readonly records: AnyRecord[] = []
  private readonly unitEnds: number[] | null

  constructor(binds: boolean) {
    this.unitEnds = binds ? [] : null
  }

  add(records: readonly AnyRecord[], start: number, end: number): void {
    for (let i = start; i < end; i++) this.records.push(records[i])
    this.unitEnds?.push(this.records.length)
  }

  batch(): Batch {
    return new Batch(this.records, this.unitEnds)
  }
}
