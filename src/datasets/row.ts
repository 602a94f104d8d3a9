import { quote, SteerpipeError } from '../errors.js'
import {
  Conversation,
  keysOf,
  requiredText,
  type Score,
  scoreJson,
  type Turn,
} from '../records/conversation.js'
import { decode, type JsonText } from '../records/json-text.js'
import { checkScore } from '../records/labels.js'
import type { JsonRecord } from '../records/record.js'
import { suggestion } from '../suggest.js'
import type { TemplateSettings } from './dataset.js'

/** The text of a field that a row needs. @throws SteerpipeError MISSING_FIELD, WRONG_TYPE */
export function textField(row: JsonRecord, key: JsonText, needs: string): JsonText {
  const node = row.member(row.root, key)
  if (node < 0) throw missingField(row, key, needs)
  return requiredText(row, node, `\`${decode(key)}\``)
}

/** The score in a field, or undefined if the row has no such field. @throws SteerpipeError BAD_SCORE */
export function scoreField(row: JsonRecord, key: JsonText, name: JsonText): Score | undefined {
  const node = row.member(row.root, key)
  if (node < 0) return undefined
  const json = scoreJson(row, node)
  checkScore(json, decode(name))
  return { name, json }
}

/** The error for a row without a field that it needs. */
export function missingField(row: JsonRecord, key: JsonText, needs: string): SteerpipeError {
  const name = decode(key)
  const keys = keysOf(row, row.root)
  const templated = keys.includes('conversations')
  const shown = keys.slice(0, 8).map(quote).join(', ') + (keys.length > 8 ? ', …' : '')
  return new SteerpipeError(templated ? 'WRONG_RECORD' : 'MISSING_FIELD', {
    found: `no \`${name}\`${suggestion(name, keys)}; the row has ${shown || 'no fields'}`,
    expected: needs,
    fix: templated
      ? 'These are conversations already: leave `template` out, or use `dataset: conversations`.'
      : undefined,
  })
}

/** A conversation of one prompt and one response, with the response's scores. */
export function exchange(
  row: JsonRecord,
  settings: TemplateSettings,
  prompt: JsonText,
  response: JsonText,
  scores: readonly Score[],
  system = settings.system,
): Conversation {
  const turns: Turn[] = [
    { from: settings.user, value: prompt, label: null, scores: null, node: -1 },
    { from: settings.assistant, value: response, label: undefined, scores, node: -1 },
  ]
  return new Conversation(row, { turns, mask: settings.user, system })
}
