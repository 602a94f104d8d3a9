import type { ByteWriter } from './byte-writer.js'
import type { RawLines } from './raw-lines.js'

/**
 * The work of a stage on a record straight from the bytes that were read to those of the lines that are written, without
 * a record in between. It is there for speed only, and for what most records are like: it does what the stage's core
 * does, to the byte, or leaves the record to that.
 *
 * @param lines are at the record
 * @param out gets the lines that are made of it, with their ends
 * @returns how many those are; -1 if the record is left to the core: then nothing was written, and nothing noted
 */
export type DirectCore = (lines: RawLines, out: ByteWriter) => number
