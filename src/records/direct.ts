/**
 * The work of stages on a record straight from the bytes that were read to those of the lines that are written, without
 * a record in between. It is there for speed only, and for what most records are like: it does what the stage does, to
 * the byte, or leaves the record to that.
 */
import type { ByteWriter } from './byte-writer.js'
import type { Made } from './digit-forms.js'
import type { RawLines } from './raw-lines.js'

/** What stands for a record that is left to the stage, where else there is a number. */
export const LEFT = -1

/**
 * Makes lines of a record.
 *
 * @param lines are at the record
 * @param out gets the lines that are made of it, with their ends
 * @returns how many those are; {@link LEFT}, and then nothing was written, and nothing noted
 */
export type DirectCore = (lines: RawLines, out: ByteWriter) => number

/** A member that takes the place of a turn's scores when these come from a template, such as `"label": "…"`. */
export interface ScoresMember {
  /** The member for the scores that a JSON object spells; undefined if there is none: the record is {@link LEFT}. */
  of(scores: string): Made<string> | undefined
  /** Counts something that was made, and is written. */
  note(what: string): void
}

/** Of a stage that makes lines of records. */
export interface DirectMaking {
  readonly does: 'make'
  readonly core: DirectCore
  /** Whether what becomes of a record may hang on others, so that somebody has to see to it that it does not. */
  readonly isTied?: boolean
  /** Of a template: the same with something else in the place of the scores. */
  readonly withMember?: (member: ScoresMember) => DirectCore
  /** Of a stage that does nothing but put this in the place of scores. */
  readonly member?: ScoresMember
}

/** Of a stage that leaves records out, or gives them on several times. */
export interface DirectChoosing {
  readonly does: 'choose'
  /** How many times a record goes on, or {@link LEFT}. */
  times(lines: RawLines): number
  /** The most that it can be. */
  readonly most: number
  /** What dropped records are counted under. */
  readonly reason: string
}

/** Of a stage that puts records into parts. */
export interface DirectParting {
  readonly does: 'part'
  readonly parts: readonly string[]
  /** The number of the part that a record belongs to, or {@link LEFT}. */
  part(lines: RawLines): number
}

/** Of a stage that puts records into parts by their number. */
export interface DirectCounting {
  readonly does: 'count'
  readonly parts: readonly string[]
  /** Told before records of which so many come before them, of so many in all. */
  begin(before: number | null, total: number | null): void
  /** The number of the part that the next record belongs to, or {@link LEFT} if the total is not known. */
  part(): number
  /** Told that the next record has gone there. */
  took(): void
}

/** What a stage does from bytes to bytes. */
export type Direct = DirectMaking | DirectChoosing | DirectParting | DirectCounting

/** What several stages have made of a record before it was their turn, beside the lines themselves. */
export interface MadeAhead {
  /** How many lines. */
  readonly count: number
  /** What is to be told of it when it is their turn. */
  readonly notes: readonly MadeNote[]
}

/**
 * Writes what stages that come later would make of the record that the lines are at; undefined if it is left to them:
 * then nothing was written.
 */
export type MakeAhead = (lines: RawLines, out: ByteWriter) => MadeAhead | undefined

/** @property stage the number of the stage that noted it, among those that make lines */
export interface MadeNote {
  readonly stage: number
  readonly what: string
}
