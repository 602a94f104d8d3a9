import { Batch } from '../../records/batch.js'
import { Stage } from '../../stages/stage.js'
import { unpack } from '../../storage/packed-units.js'
import type { Crew } from './crew.js'
import type { TailThreads } from './input-threads.js'
import type { Lane } from './lane.js'
import type { TaskResult, UnitsTask } from './messages.js'
import { type ResultSettings, Results } from './results.js'

/** Of how many units other than those that were made ahead it is worth it to have a thread see to them. */
const MOST_OTHERS = 1 / 16

/**
 * Stands behind a stage that has held records, and has threads do the work of the stages behind itself with them:
 * these get the results, and nothing else to do. Where threads cannot do it, records go through as they always do.
 */
export class ThreadedTail extends Stage {
  private readonly crew: Crew
  private readonly lane: Lane | undefined
  private readonly results: Results
  /** What was given to threads, and what was done here behind that, in order. */
  private readonly underWay: (Promise<TaskResult> | TaskResult)[] = []
  /** Whether the lane has had to do all tasks, since what becomes of a record hangs on others. */
  private isTied = false

  /**
   * @param hands the threads, and this one
   * @param stages those behind it
   * @param isFit whether threads can do the work; asked when the first record comes
   */
  constructor(
    { crew, lane }: Pick<TailThreads, 'crew' | 'lane'>,
    stages: readonly Stage[],
    private readonly settings: Pick<ResultSettings, 'onLeftOut'>,
    private readonly isFit: () => boolean,
  ) {
    super('threads', {})
    this.crew = crew
    this.lane = lane
    this.results = new Results(crew, stages)
  }

  /** Memory to pack units into, if there is some that can be used again. */
  memory(): ArrayBuffer | undefined {
    return this.results.inputMemory()
  }

  protected override async *handle(batch: Batch): AsyncGenerator<Batch> {
    const { packed, before, total, error } = batch
    if (packed === null) {
      yield* this.settled()
      yield batch
    } else if (this.isFit() || this.lane?.makeAhead !== undefined) {
      await this.begin({ kind: 'units', packed, before, total, isTied: !this.isFit() })
      // What is done would only take memory.
      while (this.underWay.length > this.crew.room || this.isFirstDone()) yield await this.next()
      if (error === null) return
      yield* this.settled()
      yield Batch.failed(error)
    } else {
      const unpacked = unpack(packed)
      unpacked.total = total
      unpacked.error = error
      yield unpacked
    }
  }

  protected override async *finish(): AsyncGenerator<Batch> {
    yield* this.settled()
    if (this.isTied && this.lane) yield await this.applied(await this.lane.end(this.results.memory()))
  }

  /** What is under way. */
  private async *settled(): AsyncGenerator<Batch> {
    while (this.underWay.length > 0) yield await this.next()
  }

  /**
   * Begins with a task, or does it: what was made ahead has only to be put in its place, which is done before a thread is
   * woken for it.
   */
  private async begin(task: UnitsTask): Promise<void> {
    const { packed, isTied } = task
    const { crew, lane, underWay } = this
    const memory = this.results.memory()
    this.isTied ||= isTied
    if (lane && (isTied || packed.units - packed.ahead <= packed.units * MOST_OTHERS))
      underWay.push(await lane.run(task, memory))
    else underWay.push(crew.run(task, memory))
  }

  private isFirstDone(): boolean {
    const first = this.underWay.at(0)
    return first !== undefined && !(first instanceof Promise)
  }

  private async next(): Promise<Batch> {
    const [result] = this.underWay.splice(0, 1)
    return this.applied(await result)
  }

  private applied(result: TaskResult): Promise<Batch> {
    return this.results.apply(result, { ...this.settings, counters: this.counters }, 0)
  }
}
