import { SteerpipeError } from '../errors.js'
import type { Attribute } from './attributes.js'
import type { Score, Turn } from './conversation.js'
import { DigitForms, type Made } from './digit-forms.js'
import { decode, encode, type JsonText } from './json-text.js'
import { eachScore, LabelCache, scoreValue } from './labels.js'

/** What stands for a score that is missing, where there is a digit else. */
const MISSING = 0x2d
const ZERO = 0x30

/** Not of -0, which is another number. */
const isDigit = (value: number): boolean =>
  Number.isInteger(value) && value >= 0 && value <= 9 && !Object.is(value, -0)

/** The scores of turns as numbers, for one set of attributes. */
export class ScoreReader {
  private readonly slots: ReadonlyMap<string, number>
  private readonly keys: ReadonlyMap<JsonText, number>
  private readonly none: readonly number[]
  private readonly labels = new LabelCache((label) => this.parse(label))
  /** Labels whose scores are digits, to a digit for each attribute. */
  private readonly digits = new DigitForms((label) => this.digitsOf(label))
  /** The digits of the label at hand. */
  private readonly found: Uint8Array

  constructor(private readonly attributes: readonly Attribute[]) {
    this.none = attributes.map(() => Number.NaN)
    this.found = new Uint8Array(attributes.length)
    this.slots = new Map(attributes.map(({ name }, slot) => [name, slot]))
    this.keys = new Map(attributes.map(({ name }, slot) => [encode(name), slot]))
  }

  /**
   * A number for each attribute, NaN where there is none or its sentinel stands there. Scores count before a label,
   * which they will replace. The same list may be given for several turns.
   *
   * @throws SteerpipeError BAD_LABEL, BAD_SCORE
   */
  read(turn: Turn | undefined): readonly number[] {
    if (turn?.scores?.length) return this.ofScores(turn.scores)
    return turn?.label ? this.labels.get(turn.label) : this.none
  }

  /**
   * As {@link read}, of a label as it lies, in the canonical spelling; undefined if it is none of those that have a form
   * which is seen again and again.
   */
  readDigits(view: DataView, start: number, end: number): readonly number[] | undefined {
    const { digits, found } = this
    const form = digits.find(view, start, end)
    if (form < 0) return undefined
    found.set(digits.made(form).bytes)
    digits.fill(form, view, start, found, 0)
    const values: number[] = []
    for (let i = 0; i < found.length; i++) values.push(found[i] === MISSING ? Number.NaN : found[i] - ZERO)
    return values
  }

  private digitsOf(label: Buffer): Made<never> | undefined {
    try {
      const values = this.parse(decode(label.toString('latin1') as JsonText)) // as it lies
      if (!values.every((value) => Number.isNaN(value) || isDigit(value))) return undefined
      return {
        bytes: Uint8Array.from(values, (value) => (isDigit(value) ? ZERO + value : MISSING)),
        notes: [],
      }
    } catch (error) {
      if (error instanceof SteerpipeError) return undefined
      throw error
    }
  }

  /** The score of one attribute, from its JSON; NaN for the sentinel. @throws SteerpipeError BAD_SCORE */
  readOne(json: string, slot: number): number {
    const { name } = this.attributes[slot]
    return this.known(scoreValue(json, name), slot)
  }

  private ofScores(scores: readonly Score[]): readonly number[] {
    const values = [...this.none]
    for (const { name, json } of scores) {
      const slot = this.keys.get(name)
      if (slot !== undefined) values[slot] = this.readOne(json, slot)
    }
    return values
  }

  private parse(label: string): readonly number[] {
    const values = [...this.none]
    eachScore(label, (name, value) => {
      const slot = this.slots.get(name)
      if (slot !== undefined) values[slot] = this.known(value, slot)
    })
    return values
  }

  private known(value: number, slot: number): number {
    return value === this.attributes[slot].sentinel ? Number.NaN : value
  }
}

/** The last turn that has scores, or a label that says something; undefined if none has. */
export function lastScored(turns: readonly Turn[]): Turn | undefined {
  return turns.findLast(({ scores, label }) => scores?.length || label)
}
