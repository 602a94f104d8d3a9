import { constant } from '../records/byte-writer.js'
import type { Made } from '../records/digit-forms.js'
import type { ScoresMember } from '../records/direct.js'
import { encode } from '../records/json-text.js'

/** How many scores one number can tell apart: each is one of ten digits, or is not there. */
export const MOST_SCORES = 15

/** Ten digits, and none. */
const BASE = 11

/** How many members are remembered. */
const MOST_WRITTEN = 20_000

/** The scores as a template gives them. */
export const SCORES: ScoresMember = {
  of: (scores) => ({ bytes: constant(`"scores": ${scores}`), notes: [] }),
  note: () => {},
}

/** The scores of one turn after the other, if each is a digit, and what is written of them: made once for the same digits. */
export class DigitScores {
  private readonly names: readonly string[]
  private digits = 0
  private readonly written = new Map<number, Made<string>>()

  /** @param names at most {@link MOST_SCORES} */
  constructor(
    names: readonly string[],
    private readonly member: ScoresMember,
  ) {
    this.names = names.map((name) => encode(name))
  }

  /** Begins with the scores of another turn; all of them are to be {@link add}ed, in order. */
  begin(): void {
    this.digits = 0
  }

  /** @param digit a score; -1 if it is not there */
  add(digit: number): void {
    this.digits = this.digits * BASE + digit + 1
  }

  /** Whether there was none. */
  get areNone(): boolean {
    return this.digits === 0
  }

  /** The member for them; undefined if there is none. */
  made(): Made<string> | undefined {
    const { digits, written } = this
    const known = written.get(digits)
    if (known !== undefined) return known
    const made = this.member.of(`{${this.members().join(', ')}}`)
    if (made === undefined) return undefined
    if (written.size >= MOST_WRITTEN) written.clear()
    written.set(digits, made)
    return made
  }

  /** Tells what is to be told of a member that was written. */
  note({ notes }: Made<string>): void {
    for (let i = 0; i < notes.length; i++) this.member.note(notes[i])
  }

  private members(): string[] {
    const members: string[] = []
    let left = this.digits
    for (const name of this.names.toReversed()) {
      const digit = left % BASE
      if (digit > 0) members.unshift(`"${name}": ${digit - 1}`)
      left = Math.floor(left / BASE)
    }
    return members
  }
}
