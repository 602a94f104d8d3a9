import * as z from 'zod'
import { SteerpipeError } from '../errors.js'
import type { Counters } from '../observe/counters.js'
import { Batch } from '../records/batch.js'
import type { Mark } from '../records/mark.js'
import { ErrorPolicy, type StageSettings } from '../stages/policy.js'
import { Intake, saysNothing } from '../stages/units.js'
import { type Account, passOver, type ReadPart, withFirst } from '../storage/consumed.js'
import { readBytes } from '../storage/input.js'
import { openKeeping } from '../storage/readers.js'
import type { Scan } from '../storage/record-reader.js'
import { readerSettings, type StageUse } from './pipeline.js'

/** How a file is read. */
export interface ReadSettings extends StageSettings {
  readonly parse: StageUse
  /** The name of the pipeline's input. */
  readonly input: string
  /** Counts what `parse` does. */
  readonly counters: Counters
  /** How much is read; default all. Several files may share it. */
  readonly limit?: Limit | undefined
  /** Called with the number of decompressed bytes that were read. */
  readonly onBytes: (count: number) => void
  /** Go on behind what an earlier run has read. Default: from the start. */
  readonly from?: ReadPart | undefined
  /** Keep account of what is read, so that a later run can go on from here. */
  readonly keeps: boolean
  /** Called with the account, once the file is open. */
  readonly onOpen?: (account: Account) => void
  /** Called after each batch: gives the mark that shall stand behind it, if one is wanted. */
  readonly onMark?: ((account: Account) => Mark | null) | undefined
}

/**
 * The records of a file, batch by batch: what `parse` gives as a stream, without the stream. An error is in the
 * last batch.
 */
export async function* readRecords(file: string, settings: ReadSettings): AsyncGenerator<Batch> {
  const { counters, limit, keeps, from } = settings
  const options = readerSettings(settings.parse, settings.input)
  const group = Number(settings.parse.options.group)
  const policy = new ErrorPolicy(counters, settings)
  const intake = new Intake('parse', counters, policy, group)
  const take = (scan: Scan) => intake.take(limit ? limit.cut(scan) : scan)
  try {
    const chunks = readBytes(file)
    const passed = from && (await passOver(chunks, from, file))
    const start = from && passed && { ...from, hash: passed.state }
    const { reader, account, taken } = await openKeeping(options, file, keeps, start)
    if (account) settings.onOpen?.(account)
    for await (const bytes of passed ? withFirst(passed.rest, chunks) : chunks) {
      settings.onBytes(bytes.length)
      const batch = take(await reader.read(bytes))
      taken(bytes)
      batch.leftOut = policy.taken()
      const isGood = batch.error === null && limit?.reached !== true && intake.isEmpty
      if (isGood && account) batch.mark = settings.onMark?.(account) ?? null
      if (!saysNothing(batch)) yield batch
      if (batch.error || limit?.reached) return
    }
    const last = take(await reader.end())
    if (!limit?.reached) last.error ??= intake.end() ?? null
    last.leftOut = policy.taken()
    if (!saysNothing(last)) yield last
  } catch (error) {
    if (!(error instanceof SteerpipeError)) throw error
    yield Batch.failed(error)
  }
}

const savedLimit = z.strictObject({
  reached: z.boolean(),
  good: z.int(),
  members: z.int(),
  hasFault: z.boolean(),
})

/** How many good records are read: whole groups, until there are enough. */
export class Limit {
  reached = false
  private good = 0
  /** Of the group that is not whole yet. */
  private members = 0
  private hasFault = false

  /**
   * @param count how many records are enough
   * @param group how many neighbouring records belong together
   */
  constructor(
    private readonly count: number,
    private readonly group: number,
  ) {}

  /** What it has counted, as JSON can spell it. */
  save(): z.output<typeof savedLimit> {
    const { reached, good, members, hasFault } = this
    return { reached, good, members, hasFault }
  }

  /** @throws ZodError for what `save` has not given */
  restore(saved: unknown): void {
    Object.assign(this, savedLimit.parse(saved))
  }

  /** A scan without what comes after the last record that is wanted. */
  cut(scan: Scan): Scan {
    const { records, faults } = scan
    let fault = 0
    for (let index = 0; index < records.length; index++) {
      for (; faults[fault]?.index === index; fault++) this.add(true)
      this.add(false)
      if (this.reached) return { records: records.slice(0, index + 1), faults: faults.slice(0, fault) }
    }
    for (; fault < faults.length; fault++) this.add(true)
    return scan
  }

  private add(isFault: boolean): void {
    this.hasFault ||= isFault
    if (++this.members < this.group) return
    if (!this.hasFault) this.good += this.group
    this.members = 0
    this.hasFault = false
    this.reached = this.good >= this.count
  }
}
