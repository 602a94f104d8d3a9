import type { ErrorCode, SteerpipeError } from '../errors.js'
import type { Counters } from '../observe/counters.js'

/** What to do with a bad record: end the run at it, or count it and go on. */
export type OnError = 'stop' | 'skip'

/** What every stage may be told beside its options. */
export interface StageSettings {
  /** Default `stop`: the first bad record ends the stream, behind the good records before it. */
  readonly onError?: OnError
  /** Called for each record that is left out with `skip`. */
  readonly onLeftOut?: (error: SteerpipeError) => void
}

/** What is not the record's fault: without it, all those after it would go the same way. */
const BEYOND_RECORDS: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['MEMORY_FULL'])

/** Decides what becomes of bad records, and counts them. */
export class ErrorPolicy {
  constructor(
    private readonly counters: Counters,
    private readonly settings: StageSettings,
  ) {}

  /**
   * Takes the error of one record of a unit of `size` records; the unit goes as a whole, the other records under
   * the reason `partner`.
   *
   * @returns the error if it ends the stream
   */
  take(error: SteerpipeError, size: number): SteerpipeError | undefined {
    if (this.settings.onError !== 'skip' || BEYOND_RECORDS.has(error.code)) return error
    this.counters.leaveOut(error.code)
    if (size > 1) this.counters.leaveOut('partner', size - 1)
    this.settings.onLeftOut?.(error)
    return undefined
  }
}
