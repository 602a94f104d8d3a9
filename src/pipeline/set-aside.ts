import { existsSync } from 'node:fs'
import { isBehind, type Place, SteerpipeError } from '../errors.js'
import type { Batch, Line } from '../records/batch.js'
import type { ByteWriter } from '../records/byte-writer.js'
import type { LeftOut } from '../records/left-out.js'
import { lock } from '../storage/lock.js'
import { type Output, openOutput } from '../storage/output.js'
import { partialName } from '../storage/sink.js'
import type { SavedAside } from './checkpoint.js'
import { type DeadLetter, deadLetter, type InputName } from './dead-letter.js'

/** How many bad records are too many: a number, or a part of those that were read. */
export type MaxErrors = { readonly count: number } | { readonly percent: number }

/** Records that are read before a part of them says anything. */
const ENOUGH_READ = 1000

/** What becomes of records that were left out. */
export interface AsideSettings {
  /** The file that they go to; undefined if they are only counted. */
  readonly path?: string | undefined
  readonly maxErrors?: MaxErrors | undefined
  /** How often a record was tried before. Default: never. */
  readonly triesBefore?: (letter: DeadLetter) => number
}

/** Takes what was left out in a run: writes it to a file in the order in which it was read, and says when it is too much. */
export class SetAside {
  private output: Output | undefined
  /** What an earlier run has put into another file. */
  private earlier: Output | undefined
  private bad = 0
  /** Records that were read of the inputs before. */
  private readBefore = 0
  private pending: LeftOut[] = []
  /** Where the record was read that came last. */
  private latest: Place | undefined
  private readonly files = new Map<string, number>()

  constructor(private readonly settings: AsideSettings) {}

  /** Goes on from what an earlier run has set aside. */
  async open(saved: SavedAside | undefined): Promise<void> {
    this.bad = saved?.bad ?? 0
    this.readBefore = saved?.read ?? 0
    const { path } = this.settings
    const from = saved?.file ?? undefined
    if (from !== undefined && existsSync(from.path) && !existsSync(partialName(from.path))) {
      // The run was ended when it was all but done, perhaps before it could remove its lock.
      const held = await lock(from.path)
      held.release()
      return
    }
    if (from !== undefined && from.path !== path) this.earlier = await openOutput(from.path, { from })
    if (path !== undefined) this.output = await openOutput(path, from?.path === path ? { from } : {})
  }

  /** Whether anybody wants to know what was left out. */
  get isWanted(): boolean {
    return this.settings.path !== undefined || this.settings.maxErrors !== undefined
  }

  /**
   * Takes what was left out of a batch.
   *
   * @param input the name of the pipeline's input
   * @param isInOrder records come in the order in which they were read
   * @param read how many records were read so far
   * @throws SteerpipeError TOO_MANY_ERRORS, WRITE_FAILED
   */
  async take({ leftOut, records }: Batch, input: InputName, isInOrder: boolean, read: number): Promise<void> {
    const [first] = records
    // A file that is named twice begins anew: what waits is of the time before.
    if (this.latest && first && isBehind(this.latest, first.source.place))
      await this.flush(input, () => false)
    this.latest = records.at(-1)?.source.place ?? this.latest
    for (const each of leftOut) {
      this.pending.push(each)
      if (each.place) this.fileNumber(each.place.input)
    }
    if (this.pending.length === 0) return
    const place = records.at(-1)?.source.place
    // What comes without records comes behind all those that it was among. With them it may come before its neighbours.
    // (A `write` before the stage that has left the records out may still have to see what comes next.)
    if (!isInOrder || place === undefined) await this.flush(input, ({ unplaced }) => unplaced > 0)
    else await this.flush(input, (each) => !each.place || !isBehind(place, each.place))
    this.check(read, read >= ENOUGH_READ)
  }

  /** Writes what belongs before a mark, or the end of an input. @throws SteerpipeError TOO_MANY_ERRORS, WRITE_FAILED */
  async takeRest(input: InputName, read: number, isEnd: boolean): Promise<void> {
    await this.flush(input, () => false)
    if (!isEnd) return
    this.check(read, true)
    this.readBefore += read
  }

  private async flush(input: InputName, waits: (each: LeftOut) => boolean): Promise<void> {
    const ready = this.pending.filter((each) => !waits(each))
    if (ready.length === 0) return
    this.pending = this.pending.filter(waits)
    ready.sort((a, b) => this.compare(a.place, b.place))
    this.bad += ready.filter(({ isPartner }) => !isPartner).length
    await this.output?.write(ready.map((each) => new DeadLetterLine(this.letter(each, input))))
  }

  /** Which of two places was read first. */
  private compare(a: Place | undefined, b: Place | undefined): number {
    if (!a || !b) return 0
    if (a.input !== b.input) return this.fileNumber(a.input) - this.fileNumber(b.input)
    if (isBehind(a, b)) return 1
    return isBehind(b, a) ? -1 : 0
  }

  /** Files in the order in which records of them came. */
  private fileNumber(file: string): number {
    const known = this.files.get(file)
    if (known !== undefined) return known
    this.files.set(file, this.files.size)
    return this.files.size - 1
  }

  private letter(leftOut: LeftOut, input: InputName): DeadLetter {
    const letter = deadLetter(leftOut, input)
    return { ...letter, tries: letter.tries + (this.settings.triesBefore?.(letter) ?? 0) }
  }

  private check(readOfInput: number, isEnough: boolean): void {
    const { maxErrors } = this.settings
    if (maxErrors === undefined) return
    const read = this.readBefore + readOfInput
    const isPart = 'percent' in maxErrors
    const most = isPart ? (read * maxErrors.percent) / 100 : maxErrors.count
    if (this.bad <= most || (isPart && !isEnough)) return
    throw new SteerpipeError('TOO_MANY_ERRORS', {
      found: `${this.bad} of ${read} records are bad`,
      expected: isPart ? `at most ${maxErrors.percent}%` : `at most ${maxErrors.count}`,
    })
  }

  /** How far it has come, once that is on the disk. */
  async save(): Promise<SavedAside> {
    const { bad, readBefore: read, output } = this
    const saved = await output?.save()
    await output?.sync()
    return { bad, read, file: output && saved ? { path: output.path, ...saved } : null }
  }

  async commit(): Promise<void> {
    await this.earlier?.commit()
    await this.output?.commit()
  }

  async abandon(): Promise<void> {
    await this.earlier?.abandon(true)
    await this.output?.abandon(true)
  }
}

class DeadLetterLine implements Line {
  constructor(private readonly letter: DeadLetter) {}

  writeTo(out: ByteWriter): void {
    out.text(Buffer.from(JSON.stringify(this.letter)).toString('latin1'))
  }
}
