import type { SteerpipeError } from '../errors.js'
import type { JsonRecord } from '../records/record.js'

/** A record that could not be read; what becomes of it is for the error policy to say. */
export interface Fault {
  /** How many good records of the same scan stand before it. */
  readonly index: number
  readonly error: SteerpipeError
  /** The line as it was read, one character a byte; null where it is too long to be kept, or there is none. */
  readonly line: string | null
  /** Nothing can be read after it, whatever the policy says: the input is no legal document. Default false. */
  readonly fatal?: boolean
}

/** What a piece of input held. */
export interface Scan {
  readonly records: JsonRecord[]
  /** In order; empty but for bad input. */
  readonly faults: Fault[]
}

/** How much of a stream a reader of lines is done with. */
export interface LinePosition {
  /** Bytes up to the end of a line. */
  readonly bytes: number
  /** Lines before it. */
  readonly lines: number
}

export const START: LinePosition = { bytes: 0, lines: 0 }

/** Bytes in, records out. One reader reads one file from its start to its end. */
export interface RecordReader {
  /** Takes the next bytes (which may be used again by the caller afterwards); returns the records that are whole. */
  read(chunk: Uint8Array): Scan | Promise<Scan>
  /**
   * Up to where all records have been given. Undefined where one cannot begin to read in the middle, as in a JSON
   * document, or in a line that is passed over.
   */
  readonly position: LinePosition | undefined
  /** The end of the input: what was still open. */
  end(): Scan | Promise<Scan>
}
