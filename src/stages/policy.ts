import type { ErrorCode, Place, SteerpipeError } from '../errors.js'
import type { Counters } from '../observe/counters.js'
import type { AnyRecord } from '../records/batch.js'
import { type LeftOut, PARTNER } from '../records/left-out.js'

/** What to do with a bad record: end the run at it, or count it and go on. */
export type OnError = 'stop' | 'skip'

/** What every stage may be told beside its options. */
export interface StageSettings {
  /** Default `stop`: the first bad record ends the stream, behind the good records before it. */
  readonly onError?: OnError
  /** Called for each record that is left out with `skip`. */
  readonly onLeftOut?: (error: SteerpipeError) => void
  /** Hand on what is left out, with the batches that it was left out of. Default false: it is only counted. */
  readonly setAside?: boolean
}

/** What could not be made a record. */
export interface Unread {
  readonly place: Place | undefined
  /** The line as it was read, one character a byte; null where it was too long to be kept. */
  readonly line: string | null
}

/** What is not the record's fault: without it, all those after it would go the same way. */
const BEYOND_RECORDS: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['MEMORY_FULL'])

const NONE: readonly LeftOut[] = []

/** Decides what becomes of bad records, and counts them. */
export class ErrorPolicy {
  private readonly leftOut: LeftOut[] = []

  constructor(
    private readonly counters: Counters,
    private readonly settings: StageSettings,
  ) {}

  /**
   * Takes the error of one record of a unit; the unit goes as a whole, the other records as its partners.
   *
   * @returns the error if it ends the stream
   */
  take(error: SteerpipeError, unit: readonly (AnyRecord | Unread)[]): SteerpipeError | undefined {
    if (this.settings.onError !== 'skip' || BEYOND_RECORDS.has(error.code)) return error
    this.counters.leaveOut(error.code)
    if (unit.length > 1) this.counters.leaveOut(PARTNER, unit.length - 1)
    if (this.settings.setAside) {
      const bad = Math.max(
        0,
        unit.findIndex((entry) => isAt(placeOf(entry), error.place)),
      )
      for (const [index, entry] of unit.entries()) this.setAside(error, index !== bad, entry)
    }
    this.settings.onLeftOut?.(error)
    return undefined
  }

  /** Leaves out records whose partner was left out by an earlier stage. */
  leavePartners(records: readonly AnyRecord[]): void {
    this.counters.leaveOut(PARTNER, records.length)
    if (this.settings.setAside) for (const record of records) this.setAside(null, true, record)
  }

  private setAside(error: SteerpipeError | null, isPartner: boolean, entry: AnyRecord | Unread): void {
    const isRecord = 'source' in entry
    const line = isRecord ? entry.source.readLine : entry.line
    this.leftOut.push({ error, isPartner, place: placeOf(entry), isRecord, line, at: new Map(), unplaced: 0 })
  }

  /** Whether nothing was left out since it was asked for last. */
  get hasNone(): boolean {
    return this.leftOut.length === 0
  }

  /** What was left out since this was asked last. */
  taken(): readonly LeftOut[] {
    if (this.hasNone) return NONE
    // What was given goes its way: nothing may be added to it any more.
    return this.leftOut.splice(0)
  }
}

const placeOf = (entry: AnyRecord | Unread): Place | undefined =>
  'source' in entry ? entry.source.place : entry.place

const isAt = (a: Place | undefined, b: Place | undefined): boolean =>
  a?.input === b?.input && a?.line === b?.line && a?.record === b?.record
