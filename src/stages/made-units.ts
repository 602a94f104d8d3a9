import { type AnyRecord, Batch } from '../records/batch.js'
import { GappedBatch } from './units.js'

/** How many records a batch has at the most when several are made of one. */
const MOST_RECORDS = 4096

/** The batch that a stage makes of another one, unit by unit, with where those stood that are not in it. */
export class MadeUnits<Out extends AnyRecord = AnyRecord> {
  readonly records: Out[] = []
  private readonly unitEnds: number[] | null
  /** How many of the records stand before each one of which there is nothing. */
  private readonly gaps: number[] = []

  /** @param binds whether the records of a unit belong together */
  constructor(binds: boolean) {
    this.unitEnds = binds ? [] : null
  }

  get full(): boolean {
    return this.records.length >= MOST_RECORDS
  }

  /** Adds the unit `records[start, end)`. */
  add(records: readonly Out[], start = 0, end = records.length): void {
    for (let i = start; i < end; i++) this.records.push(records[i])
    this.unitEnds?.push(this.records.length)
  }

  /** Nothing stands here for a record: whoever binds neighbours later must not shift them. */
  leaveGap(): void {
    this.gaps.push(this.records.length)
  }

  batch(): Batch<Out> {
    return this.unitEnds === null && this.gaps.length > 0
      ? new GappedBatch(this.records, this.gaps)
      : new Batch(this.records, this.unitEnds)
  }
}
