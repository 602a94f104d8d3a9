import { type ByteWriter, joined } from '../records/byte-writer.js'
import { CONVERSATION_PIECES as PIECES } from '../records/conversation.js'
import { type DirectMaking, LEFT, type ScoresMember } from '../records/direct.js'
import { encode } from '../records/json-text.js'
import { RawKeys, type RawLines } from '../records/raw-lines.js'
import type { TemplateSettings } from './dataset.js'
import { DigitScores, MOST_SCORES, SCORES } from './digit-scores.js'

/** The fields of a flat row. */
export interface FlatFields {
  readonly prompt: string
  readonly response: string
  readonly system: string | undefined
  /** Those that must be there beside these. */
  readonly required: readonly string[]
  readonly scores: readonly (readonly [attribute: string, field: string])[]
}

/** The work on flat rows whose scores are digits; undefined where the settings leave no such way. */
export function directRows(fields: FlatFields, settings: TemplateSettings): DirectMaking | undefined {
  if (settings.splitTurns || fields.scores.length > MOST_SCORES) return undefined
  const withMember = (member: ScoresMember) => {
    const rows = new DirectRows(fields, settings, member)
    return (lines: RawLines, out: ByteWriter) => rows.write(lines, out)
  }
  return { does: 'make', core: withMember(SCORES), withMember }
}

class DirectRows {
  private readonly keys = new RawKeys()
  private readonly prompt: number
  private readonly response: number
  private readonly system: number | undefined
  private readonly required: readonly number[]
  private readonly scored: readonly number[]
  private readonly scores: DigitScores
  private readonly found: number[]
  private readonly afterPrompt: Uint8Array
  private readonly afterResponse: Uint8Array
  private readonly ownPrompt: Uint8Array
  private readonly end: Uint8Array

  constructor(
    fields: FlatFields,
    private readonly settings: TemplateSettings,
    member: ScoresMember,
  ) {
    const numbers = new Map<string, number>()
    const add = (name: string): number => {
      const number = numbers.get(name) ?? this.keys.add(encode(name))
      numbers.set(name, number)
      return number
    }
    this.prompt = add(fields.prompt)
    this.response = add(fields.response)
    this.system = fields.system === undefined ? undefined : add(fields.system)
    this.required = fields.required.map(add)
    this.scored = fields.scores.map(([, field]) => add(field))
    this.scores = new DigitScores(
      fields.scores.map(([attribute]) => attribute),
      member,
    )
    this.found = new Array(this.keys.count).fill(-1)

    const { user, assistant, system } = settings
    this.afterPrompt = joined(PIECES.speaker, user, PIECES.noLabel, PIECES.nextTurn)
    this.afterResponse = joined(PIECES.speaker, assistant, PIECES.nextMember)
    const closing = [PIECES.mask, user, PIECES.end, '\n']
    this.ownPrompt = joined('}', PIECES.system)
    this.end = this.system === undefined ? joined('}', PIECES.system, system, ...closing) : joined(...closing)
  }

  write(lines: RawLines, out: ByteWriter): number {
    const { found, scores } = this
    if (!lines.members(lines.root, this.keys, found)) return LEFT
    const prompt = found[this.prompt]
    const response = found[this.response]
    const system = this.system === undefined ? undefined : found[this.system]
    if (!(isText(lines, prompt) && isText(lines, response))) return LEFT
    if (system !== undefined && !isText(lines, system)) return LEFT
    for (const slot of this.required) if (found[slot] < 0) return LEFT
    if (!this.readScores(lines)) return LEFT
    const member = scores.made()
    if (member === undefined) return LEFT

    if (scores.areNone) this.settings.note('row without scores')
    scores.note(member)
    out.add(PIECES.turns).inside(lines, prompt)
    out.add(this.afterPrompt).inside(lines, response)
    out.add(this.afterResponse).add(member.bytes)
    if (system !== undefined) out.add(this.ownPrompt).inside(lines, system)
    out.add(this.end)
    return 1
  }

  /** Returns whether all scores are digits. */
  private readScores({ bytes, cells }: RawLines): boolean {
    const { scored, found, scores } = this
    scores.begin()
    for (let i = 0; i < scored.length; i++) {
      const node = found[scored[i]]
      let digit = -1
      if (node >= 0) {
        const start = cells[node]
        digit = bytes[start] - 0x30
        if (cells[node + 1] !== start + 1 || !(digit >= 0 && digit <= 9)) return false
      }
      scores.add(digit)
    }
    return true
  }
}

const isText = (lines: RawLines, node: number): boolean => node >= 0 && lines.isText(node)
