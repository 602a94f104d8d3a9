import type { SteerpipeError } from '../../errors.js'
import type { Counters } from '../../observe/counters.js'
import { Batch } from '../../records/batch.js'
import type { LeftOut } from '../../records/left-out.js'
import type { Stage } from '../../stages/stage.js'
import { type LeftOutPoint, WriteStage } from '../../stages/write.js'
import { errorFrom, placeFrom, type SavedLeftOut, type TaskResult } from './messages.js'

/** What is told beside the stages. */
export interface ResultSettings {
  /** Those of `parse`. */
  readonly counters: Counters
  readonly onLeftOut?: (error: SteerpipeError) => void
}

/** Puts what threads have done where the stages would have put it that they did it for. */
export class Results {
  private readonly spare: ArrayBuffer[] = []
  private readonly outputs: number

  /**
   * @param stages do nothing themselves: their counters and outputs get what the threads have done
   * @param mostSpare pieces of memory that wait to be used again
   */
  constructor(
    private readonly stages: readonly Stage[],
    private readonly mostSpare: number,
  ) {
    this.outputs = stages.filter((stage) => stage instanceof WriteStage).length
  }

  /** Memory for the outputs of a task, if there is some that can be used again. */
  memory(): ArrayBuffer[] {
    return this.spare.splice(0, this.outputs)
  }

  /** A piece of memory that can be used again, if there is one. */
  piece(): ArrayBuffer | undefined {
    return this.spare.pop()
  }

  private giveBack(memory: ArrayBuffer): void {
    if (this.spare.length < this.mostSpare) this.spare.push(memory)
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
    for (const { stage, path, lines } of result.made) {
      const write = this.stages[stage]
      if (!(write instanceof WriteStage)) throw new Error(`the stage ${write.stageName} has no outputs`)
      const bytes = lines ? Buffer.from(lines.buffer, lines.byteOffset, lines.length) : Buffer.alloc(0)
      await write.takeLines(path, bytes, pointsIn(path, result.leftOut, leftOut), () => {
        if (lines) this.giveBack(lines.buffer)
      })
    }
    for (const memory of result.memory) this.giveBack(memory)
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
