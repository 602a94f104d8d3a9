import { SteerpipeError } from '../errors.js'
import type { AnyRecord, Batch } from '../records/batch.js'
import type { Direct, DirectChoosing } from '../records/direct.js'
import { MadeUnits } from './made-units.js'
import type { StageSettings } from './policy.js'
import { Stage } from './stage.js'
import { GappedBatch } from './units.js'

/** Decides about units: records that stand alone, or neighbours that belong together. */
export interface Selection {
  /** What dropped records are counted under. */
  readonly reason: string
  /**
   * How many times in a row the unit `records[start, end)` goes on; 0 drops it. Or the records that go on in its
   * place, as many.
   *
   * @throws SteerpipeError for a unit that cannot be judged
   */
  times(records: readonly AnyRecord[], start: number, end: number): number | readonly AnyRecord[]
  /** Whether all that is still to come will be dropped. Undefined where that cannot be. */
  readonly satisfied?: boolean
  /** The same of records as they lie, one at a time; undefined if there is no such way. */
  readonly direct?: Pick<DirectChoosing, 'times' | 'most'> | undefined
  /** What it remembers of the units before; undefined if it decides about each for itself. */
  readonly memory?: Memory
}

/** What can be kept over the end of a process, and be brought back. */
export interface Memory {
  /** As JSON can spell it; undefined if it is too much for that. */
  save(): unknown
  /** @throws ZodError for what `save` has not given */
  restore(saved: unknown): void
}

/** A stage that drops, keeps, repeats or replaces whole units. */
export class UnitStage extends Stage {
  constructor(
    name: string,
    settings: StageSettings,
    private readonly selection: Selection,
  ) {
    super(name, settings)
  }

  /**
   * Whether nothing that is still to come will go on: whoever reads for this stage alone may stop. Undefined where
   * that cannot be.
   */
  get satisfied(): boolean | undefined {
    return this.selection.satisfied
  }

  override get direct(): Direct | undefined {
    const { direct, reason } = this.selection
    return direct && { ...direct, does: 'choose', reason }
  }

  protected override saved(): unknown {
    const { memory } = this.selection
    return memory === undefined ? null : memory.save()
  }

  protected override takeBack(saved: unknown): void {
    this.selection.memory?.restore(saved)
  }

  protected override *handle(batch: Batch): Generator<Batch> {
    const { records, unitEnds } = batch
    const gaps = batch instanceof GappedBatch ? batch.gaps : []
    let made = new MadeUnits(unitEnds !== null)
    let ended: SteerpipeError | undefined
    let start = 0
    let gap = 0
    for (let unit = 0; start < records.length && !ended; unit++) {
      const end = unitEnds === null ? start + 1 : unitEnds[unit]
      for (; gaps[gap] <= start; gap++) made.leaveGap()
      const times = this.judge(records, start, end)
      this.counters.in += end - start
      if (times instanceof SteerpipeError) {
        ended = this.policy.take(times, records.slice(start, end))
        made.leaveGap()
      } else if (times === 0) {
        this.counters.drop(this.selection.reason, end - start)
        made.leaveGap()
      } else if (typeof times === 'object') {
        made.add(times)
        this.counters.out += times.length
      } else {
        for (let time = 0; time < times; time++) {
          if (made.full) {
            yield made.batch()
            made = new MadeUnits(unitEnds !== null)
          }
          made.add(records, start, end)
          this.counters.out += end - start
        }
      }
      start = end
    }
    for (; gap < gaps.length; gap++) made.leaveGap()
    const last = made.batch()
    last.error = ended ?? batch.error
    yield last
  }

  private judge(
    records: readonly AnyRecord[],
    start: number,
    end: number,
  ): ReturnType<Selection['times']> | SteerpipeError {
    try {
      return this.selection.times(records, start, end)
    } catch (error) {
      if (!(error instanceof SteerpipeError)) throw error
      return error.at(records[start].source.place, this.stageName)
    }
  }
}
