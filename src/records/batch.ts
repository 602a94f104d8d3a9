import type { SteerpipeError } from '../errors.js'
import { ByteWriter } from './byte-writer.js'
import type { Conversation } from './conversation.js'
import type { LeftOut } from './left-out.js'
import type { Mark } from './mark.js'
import { parseJson } from './parse-json.js'
import type { JsonRecord } from './record.js'
import type { Sample } from './sample.js'

/** Any record that flows between stages. */
export type AnyRecord = JsonRecord | Conversation | Sample

const NONE: readonly LeftOut[] = []

/**
 * The records of one chunk, in order: what flows between stages. Carrying many at a time is what makes streams
 * cheap; a batch from a file holds what one read brought, some 256 KiB.
 */
export class Batch<R extends AnyRecord = AnyRecord> {
  /**
   * What ended the stream after these records. An error travels behind the good records before it, because
   * Node's `pipeline` would throw those away; the last stage raises it.
   */
  error: SteerpipeError | null = null
  /** How many units the whole stream has, where that is known before its end: after a shuffle. */
  total: number | null = null
  /** Records that were left out among these, or right before them. Noted only where somebody wants to know. */
  leftOut: readonly LeftOut[] = NONE
  /** Stands behind the records. */
  mark: Mark | null = null

  /**
   * @param records the records
   * @param unitEnds where each unit ends, when neighbouring records belong together (preference pairs);
   *   null when each record stands alone
   */
  constructor(
    readonly records: readonly R[],
    readonly unitEnds: readonly number[] | null = null,
  ) {}

  /** The first records of the batch: at least `count`, and whole units. Without its error. */
  first(count: number): Batch<R> {
    const end = this.unitEnds?.find((unitEnd) => unitEnd >= count) ?? count
    return new Batch(this.records.slice(0, end), this.unitEnds?.filter((unitEnd) => unitEnd <= end) ?? null)
  }

  /** A batch without records that ends a stream with an error. */
  static failed(error: SteerpipeError): Batch<never> {
    const batch = new Batch<never>([])
    batch.error = error
    return batch
  }
}

/** Puts `size` neighbouring records into one unit; `count` must be a multiple of it. */
export function unitsOf(count: number, size: number): number[] {
  return Array.from({ length: count / size }, (_, unit) => (unit + 1) * size)
}

/** A record as a plain JavaScript object. What JSON.parse loses (digits of big integers, repeated keys) is lost. */
export function toObject(record: AnyRecord): unknown {
  return parseJson(Buffer.from(record.json(), 'latin1').toString('utf8'))
}

/** What is written as a line. */
export interface Line {
  /** The record that it comes from, as it was read; undefined for what does not come from one. */
  readonly source?: JsonRecord
  /** Writes the line without its end. */
  writeTo(out: ByteWriter): void
}

/** Writes records as JSON Lines. */
export function writeLines(records: readonly Line[], out: ByteWriter): Buffer {
  for (const record of records) {
    record.writeTo(out)
    out.text('\n')
  }
  return out.take()
}

/** Records as JSON Lines, in memory of their own. */
export const toBytes = (records: readonly Line[]): Buffer => writeLines(records, new ByteWriter())
