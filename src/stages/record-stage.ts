import type { Place } from '../errors.js'
import { type AnyRecord, Batch } from '../records/batch.js'
import type { Direct } from '../records/direct.js'
import { type Core, CoreRunner, type CoreTools } from './core.js'
import type { StageSettings } from './policy.js'
import { type Results, Stage } from './stage.js'
import { Grouping } from './units.js'

/** How records are bound together at a stage. */
export interface Binding {
  /** How many neighbouring records that come in are one unit. Default: as they come. */
  readonly group?: number
  /** Whether the records made of one record belong together. Default false. */
  readonly bindsOutput?: boolean | undefined
}

/** A stage that works record by record: a core with its runner, as a Transform. */
export class RecordStage<Out extends AnyRecord> extends Stage {
  private readonly runner: CoreRunner<AnyRecord, Out>
  private readonly grouping: Grouping | null

  /** @param open makes the core, which takes any record and refuses those it has no use for */
  constructor(
    name: string,
    settings: StageSettings,
    open: (tools: CoreTools) => Core<AnyRecord, Out>,
    { group = 1, bindsOutput = false }: Binding = {},
  ) {
    const runner = new CoreRunner<AnyRecord, Out>({ ...settings, stage: name, open, bindsOutput })
    super(name, settings, { work: runner })
    this.runner = runner
    this.grouping = group > 1 ? new Grouping(name, this.counters, this.policy, group) : null
  }

  override get direct(): Direct | undefined {
    return this.grouping === null ? this.runner.direct : undefined
  }

  protected override saved(): unknown {
    // What gathers always waits for what may still belong to the last one.
    return this.runner.gathers || this.grouping?.isEmpty === false ? undefined : null
  }

  protected override get heldFrom(): Place | undefined {
    return this.grouping?.heldFrom ?? this.runner.heldFrom
  }

  protected override handle(batch: Batch): Results {
    const taken = this.grouping ? this.grouping.take(batch) : batch
    return this.runner.gathers ? this.runner.results(taken) : this.runner.run(taken)
  }

  protected override finish(): Results {
    const error = this.grouping?.end()
    return error ? Batch.failed(error) : this.runner.end()
  }
}
