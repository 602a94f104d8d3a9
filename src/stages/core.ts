import { type Place, SteerpipeError } from '../errors.js'
import { Counters } from '../observe/counters.js'
import { type AnyRecord, Batch } from '../records/batch.js'
import type { DirectMaking } from '../records/direct.js'
import type { Gathers } from '../records/gathers.js'
import { Gathering } from './gathering.js'
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
export interface Core<In extends AnyRecord, Out extends AnyRecord> {
  (record: In, emit: (record: Out) => void): void
  /** Of a core that makes something of several records together. They are good together, or left out together. */
  readonly gathers?: Gathers<In, Out> | undefined
  /** The same work from bytes to bytes. */
  readonly direct?: DirectMaking | undefined
}

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
  readonly policy: ErrorPolicy
  private readonly core: Core<In, Out>
  private readonly gathering: Gathering<In> | null
  /** Whether what is made of a unit belongs together. */
  private binds: boolean
  private made: Out[] = []
  private unitEnds: number[] = []
  private part: string | null = null

  constructor(private readonly options: RunnerOptions<In, Out>) {
    this.policy = new ErrorPolicy(this.counters, options)
    this.core = options.open({ note: (what) => this.counters.note(what) })
    const { gathers } = this.core
    this.gathering = gathers
      ? new Gathering(this.counters, this.policy, (record) => gathers.tie(record))
      : null
    this.binds = options.bindsOutput === true
  }

  /** Whether it is one for {@link results} rather than {@link run}. */
  get gathers(): boolean {
    return this.gathering !== null
  }

  /** The core's work from bytes to bytes, if it can do that. */
  get direct(): DirectMaking | undefined {
    return this.core.direct
  }

  /** Where the first record was read that is held back, because others may belong to it. */
  get heldFrom(): Place | undefined {
    return this.gathering?.heldFrom
  }

  private readonly emit = (record: Out): void => {
    // What is made of a record belongs to the same part, unless the core sets another.
    record.part ??= this.part
    this.made.push(record)
  }

  /**
   * The batch after a core that gathers nothing. An error that ends the stream is in the batch, behind the good
   * records.
   */
  run(batch: Batch<In>): Batch<Out> {
    const [result] = this.results(batch)
    return result
  }

  /** As {@link run}, for any core: one that gathers may give several batches, or few records for now. */
  *results(batch: Batch<In>): Generator<Batch<Out>> {
    this.binds = batch.unitEnds !== null || this.options.bindsOutput === true
    yield* this.work(this.gathering === null ? batch : this.gathering.take(batch))
  }

  /** What a core that gathers has left at the end of the input. */
  *end(): Generator<Batch<Out>> {
    if (this.gathering !== null) yield* this.work(this.gathering.end())
  }

  private *work({ records, unitEnds, error }: Batch<In>): Generator<Batch<Out>> {
    let ended: SteerpipeError | undefined
    let start = 0
    for (let unit = 0; start < records.length && !ended; unit++) {
      const end = unitEnds === null ? start + 1 : unitEnds[unit]
      const before = this.made.length
      const bad = this.runUnit(records, start, end)
      const gathered = this.core.gathers?.end()
      this.counters.in += end - start
      if (bad) {
        this.made.length = before
        ended = this.policy.take(bad, records.slice(start, end))
      } else {
        if (gathered !== undefined) yield* this.takeGathered(gathered)
        if (this.binds && this.made.length > before) this.unitEnds.push(this.made.length)
      }
      start = end
    }
    const last = this.taken()
    last.error = ended ?? error
    yield last
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

  /** Takes what a unit gives. Much of it goes out in several batches, unless it belongs together. */
  private *takeGathered(gathered: Iterable<readonly Out[]>): Generator<Batch<Out>> {
    let more = false
    for (const records of gathered) {
      if (more && !this.binds) yield this.taken()
      for (const record of records) this.emit(record)
      more = true
    }
  }

  private taken(): Batch<Out> {
    const batch = new Batch<Out>(this.made, this.binds ? this.unitEnds : null)
    this.counters.out += this.made.length
    this.made = []
    this.unitEnds = []
    return batch
  }
}
