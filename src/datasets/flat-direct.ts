import { type ByteWriter, constant, type Piece } from '../records/byte-writer.js'
import { CONVERSATION_PIECES as PIECES } from '../records/conversation.js'
import type { DirectCore } from '../records/direct-core.js'
import { encode } from '../records/json-text.js'
import { RawKeys, type RawLines } from '../records/raw-lines.js'
import type { TemplateSettings } from './dataset.js'

/** The fields of a flat row. */
export interface FlatFields {
  readonly prompt: string
  readonly response: string
  readonly system: string | undefined
  /** Those that must be there beside these. */
  readonly required: readonly string[]
  readonly scores: readonly (readonly [attribute: string, field: string])[]
}

/** How many scores one number can tell apart: each is one of ten digits, or is not there. */
const MOST_SCORES = 15

/** {@link DirectCore} of flat rows whose scores are digits; undefined where the settings leave no such way. */
export function directRows(fields: FlatFields, settings: TemplateSettings): DirectCore | undefined {
  if (settings.splitTurns || fields.scores.length > MOST_SCORES) return undefined
  const rows = new DirectRows(fields, settings)
  return (lines, out) => rows.write(lines, out)
}

class DirectRows {
  private readonly keys = new RawKeys()
  private readonly prompt: number
  private readonly response: number
  private readonly system: number | undefined
  private readonly required: readonly number[]
  private readonly scored: readonly number[]
  private readonly names: readonly string[]
  private readonly found: number[]
  /** The scores as they are written, by their digits. */
  private readonly written = new Map<number, Uint8Array>()
  private readonly afterPrompt: Uint8Array
  private readonly afterResponse: Uint8Array
  private readonly ownPrompt: Uint8Array
  private readonly end: Uint8Array

  constructor(
    fields: FlatFields,
    private readonly settings: TemplateSettings,
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
    this.names = fields.scores.map(([attribute]) => encode(attribute))
    this.found = new Array(this.keys.count).fill(-1)

    const { user, assistant, system } = settings
    this.afterPrompt = joined(PIECES.speaker, user, PIECES.noLabel, PIECES.nextTurn)
    this.afterResponse = joined(PIECES.speaker, assistant, PIECES.scores)
    const closing = [PIECES.mask, user, PIECES.end, '\n']
    this.ownPrompt = joined('}', PIECES.system)
    this.end = this.system === undefined ? joined('}', PIECES.system, system, ...closing) : joined(...closing)
  }

  write(lines: RawLines, out: ByteWriter): number {
    const { found } = this
    if (lines.respell || !lines.members(lines.root, this.keys, found)) return -1
    const prompt = found[this.prompt]
    const response = found[this.response]
    const system = this.system === undefined ? undefined : found[this.system]
    if (!(isText(lines, prompt) && isText(lines, response))) return -1
    if (system !== undefined && !isText(lines, system)) return -1
    for (const slot of this.required) if (found[slot] < 0) return -1
    const scores = this.scores(lines)
    if (scores === undefined) return -1

    if (scores === NO_SCORES) this.settings.note('row without scores')
    copyText(lines, prompt, out.add(PIECES.turns))
    copyText(lines, response, out.add(this.afterPrompt))
    out.add(this.afterResponse).add(scores)
    if (system !== undefined) copyText(lines, system, out.add(this.ownPrompt))
    out.add(this.end)
    return 1
  }

  /** The object of the scores; undefined if one of them is no digit. */
  private scores({ bytes, cells }: RawLines): Uint8Array | undefined {
    const { scored, found } = this
    let digits = 0
    for (let i = 0; i < scored.length; i++) {
      const node = found[scored[i]]
      digits *= 11
      if (node < 0) continue
      const start = cells[node]
      const digit = bytes[start] - 0x30
      if (cells[node + 1] !== start + 1 || !(digit >= 0 && digit <= 9)) return undefined
      digits += digit + 1
    }
    if (digits === 0) return NO_SCORES
    const known = this.written.get(digits)
    if (known !== undefined) return known
    const made = constant(`{${this.members(digits).join(', ')}}`)
    if (this.written.size >= MOST_WRITTEN) this.written.clear()
    this.written.set(digits, made)
    return made
  }

  private members(digits: number): string[] {
    const members: string[] = []
    let left = digits
    for (const name of this.names.toReversed()) {
      const digit = left % 11
      if (digit > 0) members.unshift(`"${name}": ${digit - 1}`)
      left = Math.floor(left / 11)
    }
    return members
  }
}

const NO_SCORES = constant('{}')

/** How many objects of scores are remembered. */
const MOST_WRITTEN = 20_000

const isText = (lines: RawLines, node: number): boolean => node >= 0 && lines.isText(node)

/** Copies the inside of a text. */
function copyText({ bytes, cells }: RawLines, node: number, out: ByteWriter): void {
  out.copy(bytes, cells[node] + 1, cells[node + 1] - 1)
}

const joined = (...pieces: readonly Piece[]): Uint8Array =>
  Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? constant(piece) : piece)))
