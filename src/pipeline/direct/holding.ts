import { SteerpipeError } from '../../errors.js'
import { Batch } from '../../records/batch.js'
import type { MakeAhead } from '../../records/direct.js'
import type { JsonText } from '../../records/json-text.js'
import { RawKeys, RawLines } from '../../records/raw-lines.js'
import type { JsonRecord } from '../../records/record.js'
import { ErrorPolicy } from '../../stages/policy.js'
import type { RawIntake, Stage } from '../../stages/stage.js'
import { Intake } from '../../stages/units.js'
import type { JsonLinesReader } from '../../storage/json-lines.js'
import type { ReadSettings } from '../read.js'
import { rawReads } from './raw-reads.js'
import { Worth } from './worth.js'

/** Chunks of a file after which the stream is given a sign of life: it may have been ended. */
const SIGN_EVERY = 16

/** Reads files for a stage that holds all records until the last has come: they go there as they lie. */
export class HoldingReading {
  /** Whether all records had the member that was asked for. */
  allFit = true
  private readonly keys: RawKeys | undefined
  private readonly found = [-1]
  private readonly worth = new Worth()

  /**
   * @param intake of the stage
   * @param fitWith the member that records are to be looked at for
   * @param makeAhead does the work of those behind the stage before it is their turn, if it can
   */
  constructor(
    private readonly stage: Stage,
    private readonly intake: RawIntake,
    private readonly fitWith: JsonText | undefined,
    private readonly makeAhead: MakeAhead | undefined,
  ) {
    if (fitWith !== undefined) this.keys = new RawKeys([fitWith])
  }

  /** Reads a file. What it gives are batches without records: the stage has them. An error is in the last batch. */
  async *read(file: string, reading: ReadSettings): AsyncGenerator<Batch> {
    const { counters } = reading
    const intake = new Intake('parse', counters, new ErrorPolicy(counters, reading), 1)
    let chunks = 0
    try {
      for await (const { read, reader } of rawReads(file, reading, false, () => true)) {
        if (this.stage.destroyed) return
        const { error } = await (read instanceof RawLines
          ? this.takeRaw(read, reader)
          : this.take(intake.take(read)))
        if (error !== null) throw error
        if (++chunks % SIGN_EVERY === 0) yield new Batch([])
      }
    } catch (error) {
      if (!(error instanceof SteerpipeError)) throw error
      yield Batch.failed(error)
    }
  }

  private async takeRaw(lines: RawLines, reader: JsonLinesReader): Promise<Batch> {
    if (this.keys !== undefined && this.allFit) this.allFit = this.areFit(lines, this.keys, reader)
    const held = await this.hold(lines, reader)
    reader.doneWith(lines)
    return held
  }

  private async hold(lines: RawLines, { origin }: JsonLinesReader): Promise<Batch> {
    const { intake, makeAhead, worth } = this
    if (makeAhead === undefined || !worth.pays()) return intake.lines(lines, origin)
    let left = 0
    const held = await intake.lines(lines, origin, (record, out) => {
      const made = makeAhead(record, out)
      if (made === undefined) left++
      return made
    })
    worth.tell(left, lines.count)
    return held
  }

  private take(batch: Batch<JsonRecord>): Promise<Batch> {
    this.allFit &&= batch.records.every((record) => this.isFit(record))
    return this.intake.batch(batch)
  }

  private areFit(lines: RawLines, keys: RawKeys, reader: JsonLinesReader): boolean {
    for (let index = 0; index < lines.count; index++) {
      lines.go(index)
      const isFit = lines.members(lines.root, keys, this.found)
        ? this.found[0] >= 0
        : this.isFit(reader.recordAt(lines))
      if (!isFit) return false
    }
    return true
  }

  private isFit(record: JsonRecord): boolean {
    return this.fitWith === undefined || record.member(record.root, this.fitWith) >= 0
  }
}
