import { type Place, SteerpipeError } from '../errors.js'
import type { Counters } from '../observe/counters.js'
import { type AnyRecord, Batch, unitsOf } from '../records/batch.js'
import type { JsonRecord } from '../records/record.js'
import type { Fault, Scan } from '../storage/record-reader.js'
import type { ErrorPolicy, Unread } from './policy.js'

/**
 * Turns scans into batches: applies the error policy to what could not be read, and binds neighbouring records
 * into units of `size`. Counts what comes in (bad records too) and goes out.
 */
export class Intake {
  private pending: (JsonRecord | Fault)[] = []

  constructor(
    private readonly stage: string,
    private readonly counters: Counters,
    private readonly policy: ErrorPolicy,
    private readonly size: number,
  ) {}

  /** Whether nothing waits for its partners. */
  get isEmpty(): boolean {
    return this.pending.length === 0
  }

  take(scan: Scan): Batch<JsonRecord> {
    const { length: faults } = scan.faults.filter((fault) => !fault.fatal)
    this.counters.in += scan.records.length + faults
    if (scan.faults.length === 0 && this.size === 1) {
      this.counters.out += scan.records.length
      return new Batch(scan.records)
    }
    let next = 0
    for (const fault of scan.faults) {
      while (next < fault.index) this.pending.push(scan.records[next++])
      fault.error.at({ input: '' }, this.stage)
      if (fault.fatal) return this.endedBy(fault.error)
      this.pending.push(fault)
    }
    while (next < scan.records.length) this.pending.push(scan.records[next++])
    return this.wholeUnits()
  }

  /** What there is before an error after which nothing can be read, so that the policy is not asked. */
  private endedBy(error: SteerpipeError): Batch<JsonRecord> {
    const batch = this.wholeUnits()
    batch.error ??= error
    this.pending = []
    return batch
  }

  /** The end of the input: records that wait for their partners are an error. */
  end(): SteerpipeError | undefined {
    const rest = this.pending
    this.pending = []
    if (rest.length === 0) return undefined
    const place = 'error' in rest[0] ? rest[0].error.place : rest[0].place
    return this.policy.take(incomplete(rest.length, this.size, place, this.stage), rest.map(unreadOr))
  }

  private wholeUnits(): Batch<JsonRecord> {
    const records: JsonRecord[] = []
    const gaps: number[] = []
    let start = 0
    let ended: SteerpipeError | undefined
    for (; start + this.size <= this.pending.length && !ended; start += this.size) {
      const unit = this.pending.slice(start, start + this.size)
      const fault = unit.find((entry) => 'error' in entry)
      if (fault === undefined) for (const record of unit) records.push(record as JsonRecord)
      else {
        ended = this.policy.take(fault.error, unit.map(unreadOr))
        gaps.push(records.length)
      }
    }
    this.pending = this.pending.slice(start)
    this.counters.out += records.length
    const units = this.size === 1 ? null : unitsOf(records.length, this.size)
    const batch =
      units === null && gaps.length > 0 ? new GappedBatch(records, gaps) : new Batch(records, units)
    batch.error = ended ?? null
    return batch
  }
}

const unreadOr = (entry: JsonRecord | Fault): JsonRecord | Unread =>
  'error' in entry ? { place: entry.error.place, line: entry.line } : entry

/** A batch that single records were left out of. Whoever binds neighbours must know where they stood. */
export class GappedBatch<R extends AnyRecord> extends Batch<R> {
  /** @param gaps how many of the records stand before each one that was left out, in order */
  constructor(
    records: readonly R[],
    readonly gaps: readonly number[],
  ) {
    super(records)
  }

  override first(count: number): Batch<R> {
    const gaps = this.gaps.filter((gap) => gap <= count)
    return new GappedBatch(this.records.slice(0, count), gaps)
  }
}

/** Whether a batch says nothing: no records, no error, none that were left out, and no mark. */
export function saysNothing(batch: Batch): boolean {
  const { records, packed, error, leftOut, mark } = batch
  if (records.length > 0 || packed !== null || error !== null || leftOut.length > 0 || mark !== null)
    return false
  return !(batch instanceof GappedBatch)
}

/** Binds neighbouring records into units of `size`, whatever batches they come in. */
export class Grouping {
  /** The unit that is not whole yet; undefined stands for a record that was left out. */
  private unit: (AnyRecord | undefined)[] = []

  constructor(
    private readonly stage: string,
    private readonly counters: Counters,
    private readonly policy: ErrorPolicy,
    private readonly size: number,
  ) {}

  /** Whether no record waits for its partners. */
  get isEmpty(): boolean {
    return this.unit.length === 0
  }

  /** Where the first record was read that waits for its partners. */
  get heldFrom(): Place | undefined {
    return this.unit.find((record) => record !== undefined)?.source.place
  }

  /** The units that the batch makes whole. */
  take(batch: Batch): Batch {
    const gaps = batch instanceof GappedBatch ? batch.gaps : []
    const whole: AnyRecord[] = []
    let next = 0
    for (const gap of gaps) {
      while (next < gap) this.add(batch.records[next++], whole)
      this.add(undefined, whole)
    }
    while (next < batch.records.length) this.add(batch.records[next++], whole)
    const result = new Batch(whole, unitsOf(whole.length, this.size))
    result.error = batch.error
    return result
  }

  /** The end of the input: records that wait for their partners are an error. */
  end(): SteerpipeError | undefined {
    const rest = this.unit.filter((record) => record !== undefined)
    this.unit = []
    if (rest.length === 0) return undefined
    this.counters.in += rest.length
    const [first] = rest
    return this.policy.take(incomplete(rest.length, this.size, first.source.place, this.stage), rest)
  }

  private add(record: AnyRecord | undefined, whole: AnyRecord[]): void {
    this.unit.push(record)
    if (this.unit.length < this.size) return
    const there = this.unit.filter((member) => member !== undefined)
    this.unit = []
    if (there.length === this.size) for (const member of there) whole.push(member)
    else if (there.length > 0) {
      this.counters.in += there.length
      this.policy.leavePartners(there)
    }
  }
}

function incomplete(there: number, size: number, place: Place | undefined, stage: string): SteerpipeError {
  return new SteerpipeError('GROUP_INCOMPLETE', {
    found: `the last group has ${there} of its ${size} records`,
    expected: `a multiple of ${size} records`,
    place,
    stage,
  })
}
