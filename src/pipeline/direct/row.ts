import type { ByteWriter } from '../../records/byte-writer.js'
import type { DirectCore } from '../../records/direct-core.js'
import type { RawLines } from '../../records/raw-lines.js'
import type { Stage } from '../../stages/stage.js'
import { WriteStage } from '../../stages/write.js'

/** A record that is left to the stages costs several times what it costs them among others: of how many one may be that. */
const MOST_OTHERS = 1 / 16

/** How many times it is not worth it before that is looked at again. */
const PAUSE = 15

/**
 * One stage and its output, from the bytes that were read to those that are written: without records, and without what
 * streams are for. It counts for both.
 */
export class DirectRow {
  /** For how many times more it is left to the stages to do the work. */
  private paused = 0

  constructor(
    private readonly core: DirectCore,
    private readonly stage: Stage,
    readonly write: WriteStage,
    private readonly linesOf: (write: WriteStage) => ByteWriter,
  ) {}

  /** Whether the next lines are worth it, going by those before them. To be asked once for each. */
  pays(): boolean {
    return this.paused === 0 || --this.paused === 0
  }

  /**
   * Works on lines. Resolves when all of them are done.
   *
   * @param other has the stages themselves work on the record with a number, which is one that the core leaves to them
   * @throws what `other` throws: what is behind that record is left
   */
  async work(lines: RawLines, other: (index: number) => Promise<void>): Promise<void> {
    if (lines.count === 0) return
    await this.write.start()
    let others = 0
    for (let next = 0; next < lines.count; next++) {
      next = this.workFrom(lines, next)
      if (next === lines.count) break
      others++
      await other(next)
    }
    if (others > Math.max(1, lines.count * MOST_OTHERS)) this.paused = PAUSE
  }

  /** Works on lines up to the first one that the core leaves to others. Returns its number. */
  private workFrom(lines: RawLines, first: number): number {
    const { core } = this
    const out = this.linesOf(this.write)
    let index = first
    let made = 0
    for (; index < lines.count; index++) {
      lines.go(index)
      const count = core(lines, out)
      if (count < 0) break
      made += count
    }
    this.stage.counters.in += index - first
    this.stage.counters.out += made
    this.write.counters.in += made
    this.write.counters.out += made
    return index
  }
}

/**
 * A row of stages as a direct one; undefined if it is none.
 *
 * @param linesOf gives what the lines of an output are written into, once that is open
 */
export function directRow(
  stages: readonly Stage[],
  linesOf: (write: WriteStage) => ByteWriter,
): DirectRow | undefined {
  const [stage, write, ...others] = stages
  if (stage?.direct === undefined || !(write instanceof WriteStage) || others.length > 0) return undefined
  return write.takesLines ? new DirectRow(stage.direct, stage, write, linesOf) : undefined
}

/** Whether a row of stages can be a direct one. */
export const canBeDirect = (stages: readonly Stage[]): boolean =>
  directRow(stages, () => {
    throw new Error('it is not to work')
  }) !== undefined
