import type { SteerpipeError } from '../errors.js'
import { ByteWriter } from './byte-writer.js'
import type { Conversation } from './conversation.js'
import type { LeftOut } from './left-out.js'
import type { Mark } from './mark.js'
import type { PackedUnits } from './packed-units.js'
import { parseJson } from './parse-json.js'
import { JsonRecord } from './record.js'
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
  /** How many of those stand before this batch, where that is known. */
  before: number | null = null
  /** What the batch has instead of records, for another thread to unpack. */
  packed: PackedUnits | null = null
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
  for (let i = 0; i < records.length; i++) {
    const record = records[i]
    if (record instanceof JsonRecord) i += writeRun(record, records, i, out)
    else record.writeTo(out)
    out.text('\n')
  }
  return out.take()
}

/**
 * Writes a record as it was read, and with it those behind it whose lines follow upon its own where it was read: what
 * nothing has changed goes out in pieces as large as it came in. Without the last line end.
 *
 * @returns how many records were written beside the first
 */
function writeRun(first: JsonRecord, records: readonly Line[], at: number, out: ByteWriter): number {
  let last = first
  let next = at + 1
  for (; next < records.length; next++) {
    const record = records[next]
    if (!(record instanceof JsonRecord && last.isRightBefore(record))) break
    last = record
  }
  out.text(first.block.text.slice(first.start, last.end))
  return next - at - 1
}

/** Records as JSON Lines, in memory of their own. */
export const toBytes = (records: readonly Line[]): Buffer => writeLines(records, new ByteWriter())
