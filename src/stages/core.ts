import { SteerpipeError } from '../errors.js'
import { Counters } from '../observe/counters.js'
import { type AnyRecord, Batch } from '../records/batch.js'
import { ErrorPolicy, type StageSettings } from './policy.js'

/** What a core may do beside emitting records. */
export interface CoreTools {
  /** Counts something that goes through and should be told all the same. */
  note(what: string): void
}

/**
 * The work of a stage on one record: it emits none, one or several. It knows nothing of streams, of places, or of
 * where its batch came from, so that it can run anywhere. A record that is no good makes it throw a
 * SteerpipeError; it says what is wrong, the runner says where.
 */
export type Core<In extends AnyRecord, Out extends AnyRecord> = (
  record: In,
  emit: (record: Out) => void,
) => void

/** How a runner is set up. */
export interface RunnerOptions<In extends AnyRecord, Out extends AnyRecord> extends StageSettings {
  readonly stage: string
  readonly open: (tools: CoreTools) => Core<In, Out>
  /** The records made of one record belong together. */
  readonly bindsOutput?: boolean
}

/** Runs a core over batches: the one place for error policy, units, parts and counters. */
export class CoreRunner<In extends AnyRecord, Out extends AnyRecord> {
  readonly counters = new Counters()
  private readonly policy: ErrorPolicy
  private readonly core: Core<In, Out>
  private made: Out[] = []
  private part: string | null = null

  constructor(private readonly options: RunnerOptions<In, Out>) {
    this.policy = new ErrorPolicy(this.counters, options)
    this.core = options.open({ note: (what) => this.counters.note(what) })
  }

  private readonly emit = (record: Out): void => {
    // What is made of a record belongs to the same part, unless the core sets another.
    record.part ??= this.part
    this.made.push(record)
  }

  /** The batch after the core. An error that ends the stream is in the batch, behind the good records. */
  run(batch: Batch<In>): Batch<Out> {
    const { records } = batch
    const binds = batch.unitEnds !== null || this.options.bindsOutput === true
    const unitEnds: number[] | null = binds ? [] : null
    this.made = []
    let ended: SteerpipeError | undefined
    let start = 0
    for (let unit = 0; start < records.length && !ended; unit++) {
      const end = batch.unitEnds === null ? start + 1 : batch.unitEnds[unit]
      const before = this.made.length
      const error = this.runUnit(records, start, end)
      if (error) {
        this.made.length = before
        ended = this.policy.take(error, end - start)
      } else if (unitEnds !== null && this.made.length > before) unitEnds.push(this.made.length)
      start = end
    }
    this.counters.in += start
    this.counters.out += this.made.length
    const result = new Batch<Out>(this.made, unitEnds)
    result.error = ended ?? batch.error
    return result
  }

  private runUnit(records: readonly In[], start: number, end: number): SteerpipeError | undefined {
    for (let i = start; i < end; i++) {
      const record = records[i]
      this.part = record.part
      try {
        this.core(record, this.emit)
      } catch (error) {
        if (!(error instanceof SteerpipeError)) throw error
        return error.at(record.source.place, this.options.stage)
      }
    }
    return undefined
  }
}
