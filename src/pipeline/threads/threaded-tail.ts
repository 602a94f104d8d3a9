import { Batch } from '../../records/batch.js'
import { Stage } from '../../stages/stage.js'
import { unpack } from '../../storage/packed-units.js'
import type { Crew } from './crew.js'
import type { TaskResult } from './messages.js'
import { type ResultSettings, Results } from './results.js'

/**
 * Stands behind a stage that has held records, and has threads do the work of the stages behind itself with them:
 * these get the results, and nothing else to do. Where threads cannot do it, records go through as they always do.
 */
export class ThreadedTail extends Stage {
  private readonly results: Results
  private readonly underWay: Promise<TaskResult>[] = []

  /**
   * @param stages those behind it
   * @param isFit whether threads can do the work; asked when the first record comes
   */
  constructor(
    private readonly crew: Crew,
    stages: readonly Stage[],
    private readonly settings: Pick<ResultSettings, 'onLeftOut'>,
    private readonly isFit: () => boolean,
  ) {
    super('threads', {})
    this.results = new Results(crew, stages)
  }

  /** Memory to pack units into, if there is some that can be used again. */
  memory(): ArrayBuffer | undefined {
    return this.results.inputMemory()
  }

  protected override async *handle(batch: Batch): AsyncGenerator<Batch> {
    const { packed, before, total, error } = batch
    if (packed === null) {
      yield* this.finish()
      yield batch
    } else if (this.isFit()) {
      this.underWay.push(this.crew.run({ kind: 'units', packed, before, total }, this.results.memory()))
      if (this.underWay.length > this.crew.room) yield await this.next()
      if (error === null) return
      yield* this.finish()
      yield Batch.failed(error)
    } else {
      const unpacked = unpack(packed)
      unpacked.total = total
      unpacked.error = error
      yield unpacked
    }
  }

  protected override async *finish(): AsyncGenerator<Batch> {
    while (this.underWay.length > 0) yield await this.next()
  }

  private async next(): Promise<Batch> {
    const [result] = this.underWay.splice(0, 1)
    return this.results.apply(await result, { ...this.settings, counters: this.counters }, 0)
  }
}
