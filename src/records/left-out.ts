import type { Place, SteerpipeError } from '../errors.js'

/** A point in an output: between two of its lines. */
export interface OutputPoint {
  /** Bytes before it, before compression. */
  readonly bytes: number
  /** The CRC-32 of these bytes. */
  readonly crc: number
  /** Something else that was made of the same record stands right before it. */
  readonly shared?: true | undefined
}

/** A record that was left out, with what it takes to try it again. It travels with the batch that it was left out of. */
export interface LeftOut {
  /** The error of the record, or of its partner; null where a partner was left out by an earlier stage. */
  readonly error: SteerpipeError | null
  /** It is left out because its partner is. */
  readonly isPartner: boolean
  readonly place: Place | undefined
  /** Whether it was read as a record: then a line of plain text is the JSON that was made of it. */
  readonly isRecord: boolean
  /** The line as it was read, one character a byte; null where it was too long to be kept. */
  readonly line: string | null
  /** Where what is made of it would stand, by the outputs' paths: for those that had not got it when it was left out. */
  readonly at: Map<string, OutputPoint>
  /** Outputs that have not said yet where it belongs: what comes next will tell. */
  unplaced: number
}

/** What a record is counted under that was left out only because its partner was. */
export const PARTNER = 'partner'
