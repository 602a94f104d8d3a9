import type { AnyRecord, Batch } from '../records/batch.js'
import { type Core, CoreRunner, type CoreTools } from './core.js'
import type { StageSettings } from './policy.js'
import { Stage } from './stage.js'

/** A stage that works record by record: a core with its runner, as a Transform. */
export class RecordStage<Out extends AnyRecord> extends Stage {
  private readonly runner: CoreRunner<AnyRecord, Out>

  /**
   * @param open makes the core, which takes any record and refuses those it has no use for
   * @param bindsOutput whether the records made of one record belong together
   */
  constructor(
    name: string,
    settings: StageSettings,
    open: (tools: CoreTools) => Core<AnyRecord, Out>,
    bindsOutput = false,
  ) {
    const runner = new CoreRunner<AnyRecord, Out>({ ...settings, stage: name, open, bindsOutput })
    super(name, settings, { counters: runner.counters })
    this.runner = runner
  }

  protected override handle(batch: Batch): Batch<Out> {
    return this.runner.run(batch)
  }
}
