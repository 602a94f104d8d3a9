import { quote, SteerpipeError } from '../errors.js'
import {
  Conversation,
  keysOf,
  requiredText,
  type Score,
  scoreJson,
  type Turn,
} from '../records/conversation.js'
import { encode, type JsonText } from '../records/json-text.js'
import { checkScore } from '../records/labels.js'
import { type JsonRecord, KeySet } from '../records/record.js'
import { suggestion } from '../suggest.js'
import type { TemplateSettings } from './dataset.js'

/** A name, and the name as it is written in JSON. */
export interface Name {
  readonly name: string
  readonly key: JsonText
}

/** The fields that a data set wants of its rows, or of objects in them, looked up in one pass over each. */
export class RowFields {
  private readonly names: string[] = []
  private readonly keys = new KeySet()
  private readonly nodes: number[] = []
  private object = 0

  /** Wants a field. Returns its slot; a field that is wanted twice has one. */
  add(name: string): number {
    const known = this.names.indexOf(name)
    if (known >= 0) return known
    this.names.push(name)
    this.keys.add(encode(name))
    return this.nodes.push(-1) - 1
  }

  /** Looks the fields up in a row, or in an object in it. */
  find(row: JsonRecord, object = row.root): void {
    this.object = object
    row.members(object, this.keys, this.nodes)
  }

  /** Where on the tape the field of a slot stands in the object that was looked at, or -1. */
  node(slot: number): number {
    return this.nodes[slot]
  }

  /** As {@link node}, for a field that must be there. @throws SteerpipeError MISSING_FIELD, WRONG_RECORD */
  need(row: JsonRecord, slot: number, needs: string): number {
    const node = this.nodes[slot]
    if (node < 0) throw missingField(row, this.object, this.names[slot], needs)
    return node
  }

  /** The text of a field that must be there. @throws SteerpipeError MISSING_FIELD, WRONG_RECORD, WRONG_TYPE */
  text(row: JsonRecord, slot: number, needs: string): JsonText {
    return requiredText(row, this.need(row, slot, needs), this.names[slot])
  }
}

/** The score at a node. @throws SteerpipeError BAD_SCORE */
export function scoreOf(row: JsonRecord, node: number, attribute: Name): Score {
  const json = scoreJson(row, node)
  checkScore(json, attribute.name)
  return { name: attribute.key, json }
}

/** The error for a value of another type than is needed. */
export function wrongType(row: JsonRecord, node: number, field: string, expected: string): SteerpipeError {
  const type = row.type(node)
  const shown = type === 'number' ? `the number ${row.raw(node).slice(0, 40)}` : type
  return new SteerpipeError('WRONG_TYPE', { found: `${field} is ${shown}`, expected })
}

/** The error for a row, or an object in it, without a field that it needs. */
function missingField(row: JsonRecord, object: number, name: string, needs: string): SteerpipeError {
  const keys = keysOf(row, object)
  const templated = keys.includes('conversations')
  const shown = keys.slice(0, 8).map(quote).join(', ') + (keys.length > 8 ? ', …' : '')
  return new SteerpipeError(templated ? 'WRONG_RECORD' : 'MISSING_FIELD', {
    found: `no \`${name}\`${suggestion(name, keys)}; ${object === row.root ? 'the row' : 'it'} has ${shown || 'no fields'}`,
    expected: needs,
    fix: templated
      ? 'These are conversations already: leave `template` out, or use `dataset: conversations`.'
      : undefined,
  })
}

/** A turn of the user's, who has no label. */
export function userTurn(settings: TemplateSettings, value: JsonText): Turn {
  return { from: settings.user, value, label: null, scores: null, node: -1 }
}

/** A turn of the assistant's; without scores it gets no label. */
export function assistantTurn(
  settings: TemplateSettings,
  value: JsonText,
  scores: readonly Score[] | null,
): Turn {
  return { from: settings.assistant, value, label: undefined, scores, node: -1 }
}

/** A conversation of the turns of a prompt and one response, with the response's scores. */
export function exchange(
  row: JsonRecord,
  settings: TemplateSettings,
  prompt: readonly Turn[],
  response: JsonText,
  scores: readonly Score[],
  system = settings.system,
): Conversation {
  const turns = [...prompt, assistantTurn(settings, response, scores)]
  return new Conversation(row, { turns, mask: settings.user, system })
}
