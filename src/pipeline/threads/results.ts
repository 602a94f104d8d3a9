import type { SteerpipeError } from '../../errors.js'
import type { Counters } from '../../observe/counters.js'
import { Batch } from '../../records/batch.js'
import type { LeftOut } from '../../records/left-out.js'
import type { Stage } from '../../stages/stage.js'
import { type LeftOutPoint, WriteStage } from '../../stages/write.js'
import type { Crew } from './crew.js'
import { errorFrom, placeFrom, type SavedLeftOut, type TaskResult } from './messages.js'

/** What is told beside the stages. */
export interface ResultSettings {
  /** Those of `parse`. */
  readonly counters: Counters
  readonly onLeftOut?: (error: SteerpipeError) => void
}

/** Puts what threads have done where the stages would have put it that they did it for. */
export class Results {
  /** Memory for what is made, and for what is handed over, to be used again: new memory would keep the collector busy. */
  private readonly spare: ArrayBuffer[] = []
  private readonly spareInput: ArrayBuffer[] = []
  /** Outputs that a task may write to. */
  private outputs: number

  /**
   * @param crew does what the stages would do
   * @param stages do nothing themselves: their counters and outputs get what was done
   */
  constructor(
    private readonly crew: Pick<Crew, 'room' | 'worksHere'>,
    private readonly stages: readonly Stage[],
  ) {
    this.outputs = stages.filter((stage) => stage instanceof WriteStage).length
  }

  /** Memory for the outputs of a task, as much as there is that can be used again. */
  memory(): ArrayBuffer[] {
    return this.spare.splice(0, this.outputs)
  }

  /** Memory for lines that are handed over, if there is some that can be used again. */
  inputMemory(): ArrayBuffer | undefined {
    return this.spareInput.pop()
  }

  private giveBack(memory: ArrayBuffer): void {
    // What is made is written while the next tasks are under way.
    if (this.spare.length < 2 * this.crew.room * this.outputs) this.spare.push(memory)
  }

  /**
   * Takes the result of the next task.
   *
   * @param linesBefore lines of the input before the task's first one
   * @returns a batch without records, which have been written: what was left out, and the error
   */
  async apply(result: TaskResult, settings: ResultSettings, linesBefore: number): Promise<Batch> {
    const [parsed, ...others] = result.counters
    settings.counters.add(parsed)
    for (const [index, counters] of others.entries()) this.stages[index].counters.add(counters)
    const leftOut = result.leftOut.map((saved) => restored(saved, linesBefore))
    this.outputs = Math.max(this.outputs, result.made.length)
    for (const { stage, path, lines } of result.made) {
      const write = this.stages[stage]
      if (!(write instanceof WriteStage)) throw new Error(`the stage ${write.stageName} has no outputs`)
      await write.takeLines({
        path,
        lines: lines ? Buffer.from(lines.buffer, lines.byteOffset, lines.length) : Buffer.alloc(0),
        points: pointsIn(path, result.leftOut, leftOut),
        onDone: () => {
          if (lines) this.giveBack(lines.buffer)
        },
        here: this.crew.worksHere,
      })
    }
    for (const memory of result.memory) this.giveBack(memory)
    if (result.input && this.spareInput.length < this.crew.room) this.spareInput.push(result.input)
    for (const error of result.told) settings.onLeftOut?.(errorFrom(error, linesBefore))
    const batch = new Batch([])
    batch.leftOut = leftOut
    batch.error = result.error && errorFrom(result.error, linesBefore)
    return batch
  }
}

function restored({ error, isPartner, place, isRecord, line }: SavedLeftOut, linesBefore: number): LeftOut {
  return {
    error: error && errorFrom(error, linesBefore),
    isPartner,
    place: placeFrom(place, linesBefore),
    isRecord,
    line,
    at: new Map(),
    unplaced: 0,
  }
}

/** Where in an output's lines belongs what was left out. */
function pointsIn(path: string, saved: readonly SavedLeftOut[], leftOut: readonly LeftOut[]): LeftOutPoint[] {
  const points = saved.flatMap(({ at }, index) => {
    const point = at.find(([of]) => of === path)
    return point === undefined ? [] : [{ bytes: point[1], leftOut: leftOut[index], isShared: point[2] }]
  })
  return points.sort((a, b) => a.bytes - b.bytes)
}
