import { SteerpipeError } from '../errors.js'
import type { Counters } from '../observe/counters.js'
import { Batch, unitsOf } from '../records/batch.js'
import type { JsonRecord } from '../records/record.js'
import type { Scan } from '../storage/record-reader.js'
import type { ErrorPolicy } from './policy.js'

/**
 * Turns scans into batches: applies the error policy to what could not be read, and binds neighbouring records
 * into units of `size`. Counts what comes in (bad records too) and goes out.
 */
export class Intake {
  private pending: (JsonRecord | SteerpipeError)[] = []

  constructor(
    private readonly stage: string,
    private readonly counters: Counters,
    private readonly policy: ErrorPolicy,
    private readonly size: number,
  ) {}

  take(scan: Scan): Batch<JsonRecord> {
    this.counters.in += scan.records.length + scan.faults.length
    if (scan.faults.length === 0 && this.size === 1) {
      this.counters.out += scan.records.length
      return new Batch(scan.records)
    }
    let next = 0
    for (const { index, error } of scan.faults) {
      while (next < index) this.pending.push(scan.records[next++])
      this.pending.push(error.at({ input: '' }, this.stage))
    }
    while (next < scan.records.length) this.pending.push(scan.records[next++])
    return this.wholeUnits()
  }

  /** The end of the input: records that wait for their partners are an error. */
  end(): SteerpipeError | undefined {
    const rest = this.pending
    this.pending = []
    if (rest.length === 0) return undefined
    const first = rest[0]
    const error = new SteerpipeError('GROUP_INCOMPLETE', {
      found: `the last group has ${rest.length} of its ${this.size} records`,
      expected: `a multiple of ${this.size} records`,
      place: first.place,
      stage: this.stage,
    })
    return this.policy.take(error, rest.length)
  }

  private wholeUnits(): Batch<JsonRecord> {
    const records: JsonRecord[] = []
    let start = 0
    let ended: SteerpipeError | undefined
    for (; start + this.size <= this.pending.length && !ended; start += this.size) {
      const unit = this.pending.slice(start, start + this.size)
      const error = unit.find((entry) => entry instanceof SteerpipeError)
      if (error === undefined) records.push(...(unit as JsonRecord[]))
      else ended = this.policy.take(error, this.size)
    }
    this.pending = this.pending.slice(start)
    this.counters.out += records.length
    const batch = new Batch(records, this.size === 1 ? null : unitsOf(records.length, this.size))
    batch.error = ended ?? null
    return batch
  }
}
