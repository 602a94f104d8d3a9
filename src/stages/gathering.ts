import type { Place } from '../errors.js'
import type { Counters } from '../observe/counters.js'
import { type AnyRecord, Batch } from '../records/batch.js'
import type { Tie } from '../records/gathers.js'
import type { ErrorPolicy } from './policy.js'
import { GappedBatch } from './units.js'

/** Binds records that make something together into units, whatever batches they come in. */
export class Gathering<In extends AnyRecord> {
  /** The unit that may go on. */
  private unit: In[] = []
  /** Whether a record was left out in the unit, or right behind it. */
  private cut = false
  private whole: In[] = []
  private unitEnds: number[] = []

  constructor(
    private readonly counters: Counters,
    private readonly policy: ErrorPolicy,
    private readonly tie: (record: In) => Tie,
  ) {}

  /** Where the first record was read of the unit that may go on. */
  get heldFrom(): Place | undefined {
    return this.unit.at(0)?.source.place
  }

  /** The units that the batch makes whole. Units that come in are not torn. */
  take(batch: Batch<In>): Batch<In> {
    const { records, unitEnds } = batch
    const gaps = batch instanceof GappedBatch ? batch.gaps : []
    let gap = 0
    let start = 0
    for (let unit = 0; start < records.length; unit++) {
      for (; gap < gaps.length && gaps[gap] <= start; gap++) this.leaveGap()
      const end = unitEnds === null ? start + 1 : unitEnds[unit]
      let tie = this.tie(records[start])
      if (tie !== 'next') this.close()
      this.unit.push(records[start])
      while (++start < end) {
        tie = this.tie(records[start])
        this.unit.push(records[start])
      }
      if (tie === 'alone') this.close()
    }
    if (gap < gaps.length) this.leaveGap()
    const result = this.taken()
    result.error = batch.error
    return result
  }

  /** The end of the input: what has begun is whole. */
  end(): Batch<In> {
    this.close()
    return this.taken()
  }

  /** What was left out may have belonged to the unit before it: nobody can tell. */
  private leaveGap(): void {
    this.cut = this.unit.length > 0
  }

  private close(): void {
    const { length } = this.unit
    if (length === 0) return
    if (this.cut) {
      this.counters.in += length
      this.policy.leavePartners(this.unit)
    } else {
      for (const record of this.unit) this.whole.push(record)
      this.unitEnds.push(this.whole.length)
    }
    this.unit = []
    this.cut = false
  }

  private taken(): Batch<In> {
    const batch = new Batch(this.whole, this.unitEnds)
    this.whole = []
    this.unitEnds = []
    return batch
  }
}
