import type { Attribute } from './attributes.js'
import type { Score, Turn } from './conversation.js'
import { encode, type JsonText } from './json-text.js'
import { eachScore, LabelCache, scoreValue } from './labels.js'

/** The scores of turns as numbers, for one set of attributes. */
export class ScoreReader {
  private readonly slots: ReadonlyMap<string, number>
  private readonly keys: ReadonlyMap<JsonText, number>
  private readonly none: readonly number[]
  private readonly labels = new LabelCache((label) => this.parse(label))

  constructor(private readonly attributes: readonly Attribute[]) {
    this.none = attributes.map(() => Number.NaN)
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
