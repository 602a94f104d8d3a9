import { quote, SteerpipeError } from '../errors.js'
import type { Attribute, RangePolicy } from './attributes.js'
import type { Score } from './conversation.js'
import { decode, encode, type JsonText } from './json-text.js'
import { pythonFloat, pythonNumber, roundHalfEven, spelledNumber } from './numbers.js'

/** Something that went through and should be told all the same. */
export type Note =
  | 'unknown attribute dropped'
  | 'score outside its range kept'
  | 'score clamped to its range'
  | 'no known score'

/** A rendered label with what should be told of it. */
export interface Rendered {
  readonly text: string
  readonly notes: readonly Note[]
}

/** How many distinct labels are remembered. HelpSteer has 5^5 of them; the rest is for fractions. */
const CACHE_SIZE = 20_000

/** What labels were read as. */
export class LabelCache<T> {
  private readonly read = new Map<string, T>()

  /** @param make reads a label, which it is given decoded */
  constructor(private readonly make: (label: string) => T) {}

  get(label: JsonText): T {
    const known = this.read.get(label)
    if (known !== undefined) return known
    const made = this.make(decode(label))
    if (this.read.size >= CACHE_SIZE) this.read.clear()
    // A copy: the label is a slice, which would keep its whole chunk in memory.
    this.read.set(Buffer.from(label, 'latin1').toString('latin1'), made)
    return made
  }
}

/**
 * Gives each part of a label, in order. Of a repeated name the last counts, which is the caller's to see to; what
 * follows a second colon is ignored.
 *
 * @param label decoded
 * @throws SteerpipeError BAD_LABEL
 */
export function eachScore(label: string, take: (name: string, value: number) => void): void {
  for (const part of label.split(',')) {
    const [name, number] = part.split(':', 2)
    const value = number === undefined || name === '' ? undefined : spelledNumber(number)
    if (value === undefined) throw badLabel(label, part)
    take(name, value)
  }
}

/** Label strings to regression vectors, for one set of attributes. */
export class VectorFormat {
  private readonly slots: Map<string, number>
  private readonly cache = new LabelCache((label) => this.parse(label))
  private readonly empty: readonly string[]

  constructor(
    private readonly attributes: readonly Attribute[],
    private readonly range: RangePolicy,
    private readonly note: (note: Note) => void,
  ) {
    this.slots = new Map(attributes.map((attribute, index) => [attribute.name, index]))
    this.empty = attributes.map((attribute) => pythonFloat(attribute.sentinel))
  }

  /**
   * The inside of the vector's JSON array: a float for each attribute, its sentinel where the label does not
   * name it. Of a repeated name the last counts; what follows a second colon is ignored; unknown names are
   * dropped (and noted).
   *
   * @throws SteerpipeError BAD_LABEL, OUT_OF_RANGE
   */
  render(label: JsonText): string {
    const rendered = this.read(label)
    for (const note of rendered.notes) this.note(note)
    return rendered.text
  }

  /** As {@link render}, with what is to be told of it, which is not told. @throws SteerpipeError */
  read(label: JsonText): Rendered {
    return this.cache.get(label)
  }

  private parse(label: string): Rendered {
    const vector = [...this.empty]
    const notes: Note[] = []
    let known = 0
    eachScore(label, (name, value) => {
      const slot = this.slots.get(name)
      if (slot === undefined) notes.push('unknown attribute dropped')
      else {
        vector[slot] = pythonFloat(
          ranged(value, this.attributes[slot], this.range, (note) => notes.push(note)),
        )
        known++
      }
    })
    if (known === 0) notes.push('no known score')
    return { text: vector.join(', '), notes }
  }
}

function badLabel(label: string, part: string): SteerpipeError {
  return new SteerpipeError('BAD_LABEL', {
    found: `the label ${quote(label)} has the part ${quote(part)}`,
    expected: '`name:number`, with finite decimal numbers',
  })
}

/** A score after the range policy. @throws SteerpipeError OUT_OF_RANGE */
function ranged(value: number, attribute: Attribute, range: RangePolicy, note: (note: Note) => void): number {
  const { name, min, max } = attribute
  if (value >= min && value <= max) return value
  if (range === 'error') {
    throw new SteerpipeError('OUT_OF_RANGE', {
      found: `the score ${value} of \`${name}\``,
      expected: `${min} to ${max}`,
    })
  }
  if (range === 'keep') {
    note('score outside its range kept')
    return value
  }
  note('score clamped to its range')
  return value < min ? min : max
}

/** How many digits of eleven kinds (one of them is none) a number can tell apart. */
const MOST_PLACES = 15

/** Whether scores are rounded when they become a label. */
export type RoundPolicy = 'none' | 'half-even'

/** Scores to label strings, for one set of attributes. */
export class LabelFormat {
  /** Each attribute's place in the label. */
  private readonly places: ReadonlyMap<JsonText, number>
  /** What stands before each score. */
  private readonly openings: readonly string[]
  /** The scores of the turn at hand, by the attribute's place. */
  private readonly found: (Score | undefined)[]
  /** What a digit counts at each place in the number that a label of digits is remembered by. */
  private readonly weights: readonly number[]
  /** Labels of scores that are digits within their ranges. */
  private readonly ofDigits = new Map<number, JsonText>()

  constructor(
    private readonly attributes: readonly Attribute[],
    private readonly round: RoundPolicy,
    private readonly range: RangePolicy,
    private readonly note: (note: Note) => void,
  ) {
    const names = attributes.map((attribute) => encode(attribute.name))
    this.places = new Map(names.map((name, place) => [name, place]))
    this.openings = names.map((name) => `${name}:`)
    this.found = names.map(() => undefined)
    this.weights = names.map((_, place) => (place < MOST_PLACES ? 11 ** place : Number.NaN))
  }

  /**
   * `name:score,…` in the order of the attributes, with those that are there; `""` when none is.
   * Numbers are spelled as Python prints them after reading them; text that spells a number is put in as it is.
   *
   * @param scores each name once
   * @throws SteerpipeError BAD_SCORE, OUT_OF_RANGE
   */
  render(scores: readonly Score[]): JsonText {
    const { found, places, openings, attributes } = this
    for (let i = 0; i < found.length; i++) found[i] = undefined // of five: 9 ns, with `fill` 37
    let unknown = 0
    let digits = 0
    for (const score of scores) {
      const place = places.get(score.name)
      if (place === undefined) unknown++
      else {
        found[place] = score
        digits += (digitWithin(score.json, attributes[place]) + 1) * this.weights[place]
      }
    }
    const known = this.ofDigits.get(digits)
    if (known !== undefined) {
      this.noteUnknown(unknown)
      return known
    }
    let label = ''
    for (let i = 0; i < found.length; i++) {
      const score = found[i]
      if (score === undefined) continue
      if (label) label += ','
      label += openings[i] + this.spell(score.json, attributes[i])
    }
    this.noteUnknown(unknown)
    if (Number.isNaN(digits)) return label as JsonText
    if (this.ofDigits.size >= CACHE_SIZE) this.ofDigits.clear()
    // In one piece: of the many that it is made of, each writing would make one again.
    const flat = Buffer.from(label, 'latin1').toString('latin1') as JsonText // the same text
    this.ofDigits.set(digits, flat)
    return flat
  }

  private noteUnknown(count: number): void {
    for (let left = count; left > 0; left--) this.note('unknown attribute dropped')
  }

  private spell(json: string, attribute: Attribute): string {
    if (!Number.isNaN(digitWithin(json, attribute))) return json
    const { value, text } = readScore(json, attribute.name)
    // An integer stays as it is spelled: as a number it could lose digits.
    const integer = !/[.eE]/.test(text)
    const rounded = this.round === 'none' || integer ? value : roundHalfEven(value)
    const kept = ranged(rounded, attribute, this.range, this.note)
    if (kept === value && (this.round === 'none' || integer)) return text
    return this.round === 'none' && !integer ? pythonFloat(kept) : pythonInteger(kept)
  }
}

/** The score that is one digit within its range, the common case by far; NaN for any other. */
function digitWithin(json: string, { min, max }: Attribute): number {
  if (json.length !== 1) return Number.NaN
  const digit = json.charCodeAt(0) - 0x30
  return digit >= 0 && digit <= 9 && digit >= min && digit <= max ? digit : Number.NaN
}

/** An integer if it is one, with all digits; else a float. */
const pythonInteger = (value: number): string =>
  Number.isInteger(value) ? String(BigInt(value)) : pythonFloat(value)

/** A score's value, and its text as a label has it. @throws SteerpipeError BAD_SCORE */
function readScore(json: string, name: string): { value: number; text: string } {
  const first = json.charCodeAt(0)
  if (first === 0x22) {
    const text = json.slice(1, -1)
    const value = spelledNumber(decode(text))
    if (value !== undefined) return { value, text }
  } else if (first === 0x2d || (first >= 0x30 && first <= 0x39)) {
    const value = Number(json)
    if (Number.isFinite(value)) return { value, text: pythonNumber(json) }
  }
  const shown = Buffer.from(json, 'latin1').toString('utf8')
  throw new SteerpipeError('BAD_SCORE', {
    found: `the score of \`${name}\` is ${shown.length > 40 ? `${shown.slice(0, 37)}…` : shown}`,
    expected: 'a finite number',
  })
}

/** The number that a score's JSON is, or spells. @throws SteerpipeError BAD_SCORE */
export const scoreValue = (json: string, name: string): number => readScore(json, name).value

/** Checks that a score's JSON is a finite number or text that spells one. @throws SteerpipeError BAD_SCORE */
export function checkScore(json: string, name: string): void {
  // One digit, the common case by far, needs no closer look.
  if (json.length !== 1 || json < '0' || json > '9') readScore(json, name)
}
