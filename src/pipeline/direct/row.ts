import type { ByteWriter } from '../../records/byte-writer.js'
import { LEFT, type MadeAhead, type MadeNote, type MakeAhead } from '../../records/direct.js'
import type { RawLines } from '../../records/raw-lines.js'
import type { Stage } from '../../stages/stage.js'
import type { WriteStage } from '../../stages/write.js'
import { type DirectPlan, planOf } from './plan.js'
import { Worth } from './worth.js'

/** Gives what the lines of an output are written into, once that is open. */
export type LinesOf = (write: WriteStage, path: string) => ByteWriter

/**
 * Stages and their output, from the bytes that were read to those that are written: without records, and without what
 * streams are for. It counts for all of them.
 */
export class DirectRow {
  readonly write: WriteStage
  private readonly worth = new Worth()
  /** What the looks have found of the record at hand. */
  private readonly found: number[] = []
  /** What the lines of each output are written into. */
  private outs: (ByteWriter | undefined)[] = []
  /** Records of which lines were made that are not counted yet, and how many lines. */
  private taken = 0
  private made = 0
  private written = 0

  constructor(
    private readonly plan: DirectPlan,
    private readonly linesOf: LinesOf,
  ) {
    this.write = plan.write
  }

  /** Whether the next lines are worth it, going by those before them. To be asked once for each. */
  pays(): boolean {
    return this.worth.pays()
  }

  /**
   * Begins with records whose lines go into other memory. Resolves when the outputs are open.
   *
   * @param before how many records come before them, and how many there are in all, where that is known
   */
  async begin(before: number | null, total: number | null): Promise<void> {
    this.outs = []
    this.plan.counting?.begin(before, total)
    await this.write.start()
  }

  /**
   * Works on lines. Resolves when all of them are done.
   *
   * @param other has the stages themselves work on the record with a number, which is one that is left to them
   * @throws what `other` throws: what is behind that record is left
   */
  async work(lines: RawLines, other: (index: number) => Promise<void>): Promise<void> {
    let others = 0
    for (let next = 0; next < lines.count; next++) {
      next = this.workFrom(lines, next)
      if (next === lines.count) break
      others++
      await other(next)
    }
    this.worth.tell(others, lines.count)
  }

  /** Works on lines up to the first one that is left to the stages. Returns its number. */
  private workFrom(lines: RawLines, first: number): number {
    let index = first
    while (index < lines.count) {
      lines.go(index)
      if (!this.workOn(lines)) break
      index++
    }
    this.countLines()
    return index
  }

  /** Works on the record that the lines are at. Returns false if it is left to the stages: then nothing was done. */
  private workOn(lines: RawLines): boolean {
    const { looks } = this.plan
    const { found } = this
    let part = 0
    let times = 1
    let seen = 0
    while (seen < looks.length && times > 0) {
      const { does } = looks[seen]
      const each = does.does === 'choose' ? does.times(lines) : does.part(lines)
      if (each === LEFT) return false
      if (does.does === 'choose') times *= each
      else part = each
      found[seen++] = each
    }
    if (times > 0 && !this.make(lines, part, times)) return false
    this.countLooks(seen)
    return true
  }

  /** Writes what is made of a record, several times. Returns false if it is left to the stages. */
  private make(lines: RawLines, part: number, times: number): boolean {
    const { core } = this.plan
    const out = this.outFor(part)
    const start = out.size
    let made = 1
    if (core === undefined) out.line(lines)
    else made = core(lines, out)
    if (made === LEFT) return false
    const length = out.size - start
    for (let time = 1; time < times; time++) out.again(start, length)
    this.taken++
    this.made += made
    this.written += made * times
    return true
  }

  private outFor(part: number): ByteWriter {
    const { write, paths } = this.plan
    const number = paths.length === 1 ? 0 : part
    this.outs[number] ??= this.linesOf(write, paths[number])
    return this.outs[number]
  }

  // ----------------------------------------------------------------------------------------------------- made ahead

  /** Makes lines of records before it is their turn; undefined if more is asked about a record than what it becomes. */
  get makeAhead(): MakeAhead | undefined {
    const { core, makers, looks, counting } = this.plan
    if (core === undefined || looks.some(({ does }) => does !== counting)) return undefined
    return (lines, out) => {
      const count = core(lines, out)
      return count === LEFT ? undefined : { count, notes: notesOf(makers) }
    }
  }

  /** Takes what was made ahead of the next record. @param lines those that were made */
  take({ count, notes }: MadeAhead, lines: Uint8Array): void {
    const { counting, looks, makers } = this.plan
    let part = 0
    if (counting !== undefined) {
      part = counting.part()
      if (part === LEFT) throw new Error('what is made ahead has its place among all')
      this.found[0] = part
    }
    this.outFor(part).add(lines)
    this.countLooks(looks.length)
    this.taken++
    this.made += count
    this.written += count
    this.countLines()
    for (const { stage, what } of notes) makers[stage].counters.note(what)
  }

  // ---------------------------------------------------------------------------------------------------------- counts

  /** Counts for the first of the looks, those that were asked about a record. */
  private countLooks(seen: number): void {
    const { found, plan } = this
    let times = 1
    for (let i = 0; i < seen; i++) {
      const { stage, does } = plan.looks[i]
      stage.counters.in += times
      if (does.does === 'count') does.took()
      else if (does.does === 'choose') {
        if (found[i] === 0) stage.counters.drop(does.reason, times)
        times *= found[i]
      }
      stage.counters.out += times
    }
  }

  /** Counts for those that have made lines of records, and written them. */
  private countLines(): void {
    const { makers, write } = this.plan
    const { taken, made, written } = this
    for (let i = 0; i < makers.length; i++) {
      makers[i].counters.in += i === 0 ? taken : made
      makers[i].counters.out += made
    }
    write.counters.in += written
    write.counters.out += written
    this.taken = 0
    this.made = 0
    this.written = 0
  }
}

/** What stages have noted; they begin anew. */
function notesOf(stages: readonly Stage[]): MadeNote[] {
  const noted: MadeNote[] = []
  for (let stage = 0; stage < stages.length; stage++) {
    for (const [what, count] of stages[stage].counters.takeNotes())
      for (let i = 0; i < count; i++) noted.push({ stage, what })
  }
  return noted
}

/** A row of stages as a direct one; undefined if it is none. */
export function directRow(stages: readonly Stage[], linesOf: LinesOf): DirectRow | undefined {
  const plan = planOf(stages)
  return plan && new DirectRow(plan, linesOf)
}
