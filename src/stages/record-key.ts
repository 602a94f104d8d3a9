import { quote, SteerpipeError } from '../errors.js'
import type { AnyRecord } from '../records/batch.js'
import { keysOf } from '../records/conversation.js'
import { encode, type JsonText } from '../records/json-text.js'
import { rawConversation } from '../records/raw-conversation.js'
import { RawKeys, type RawLines } from '../records/raw-lines.js'
import type { JsonRecord } from '../records/record.js'
import { suggestion } from '../suggest.js'
import { asConversation } from './as-conversation.js'

/** What records are compared by: `conversation`, `record`, `prompt`, or the name of a field. */
export type KeyBy = 'conversation' | 'record' | 'prompt' | (string & {})

const CONVERSATIONS = encode('conversations')

/**
 * What a record is to be compared by, as one-byte text; two records are the same if and only if these are.
 *
 * - `conversation`: the system prompt, and each turn's speaker and text; labels and scores do not count. Of a record
 *   that is no conversation the whole line.
 * - `record`: the whole line, as it would be written.
 * - `prompt`: the text of the first turn; the field `prompt` of a row.
 * - any other name: that field of the record that was read. A dot leads inside, unless there is a member of the
 *   whole name. A text counts by its characters, however they are escaped; all else by its JSON as it was written, so
 *   that `1`, `1.0` and `"1"` are three values.
 *
 * @throws SteerpipeError MISSING_FIELD for a record that has no such field, or null there; WRONG_RECORD, WRONG_TYPE
 */
export function recordKey(by: KeyBy): (record: AnyRecord) => string {
  if (by === 'record') return (record) => record.json()
  if (by === 'conversation') return conversationKey
  const path = pathOf(by)
  if (by === 'prompt') return (record) => promptKey(record, path)
  return (record) => fieldKey(record.source, by, path)
}

/** Where in the bytes a key stands. */
export interface RawSpan {
  readonly start: number
  readonly end: number
}

/** Finds the key of {@link recordKey} as it lies; undefined if it does not see it there. */
export type RawKey = (lines: RawLines) => RawSpan | undefined

/** {@link recordKey} of lines as they lie; undefined where there is no such way. */
export function rawRecordKey(by: KeyBy): RawKey | undefined {
  if (by === 'record') return ({ start, end }) => ({ start, end })
  if (by === 'conversation' || by.includes('.')) return undefined
  const members = new RawKeys([encode(by), ...(by === 'conversations' ? [] : [CONVERSATIONS])])
  const found = new Array<number>(members.count).fill(-1)
  return (lines) => {
    if (!lines.members(lines.root, members, found)) return undefined
    const [own, conversations] = found
    if (by === 'prompt' && conversations >= 0) {
      const conversation = rawConversation(lines)
      if (conversation === undefined || conversation.count === 0) return undefined
      return spanOf(lines, conversation.value(0))
    }
    return lines.isNothing(own) ? undefined : spanOf(lines, own)
  }
}

/** Where a value stands; undefined for a text that may be spelled in another way. */
function spanOf(lines: RawLines, node: number): RawSpan | undefined {
  if (lines.isText(node) && lines.isEscaped(node)) return undefined
  return { start: lines.cells[node], end: lines.cells[node + 1] }
}

function conversationKey(record: AnyRecord): string {
  if (record.kind === 'sample' || isRow(record)) return record.json()
  const { system, turns } = asConversation(record)
  // No escaped text has a line end in it, and no line begins with one.
  let key = `\n${system ?? ''}`
  for (const turn of turns) key += `\n${turn.from}\n${turn.value}`
  return key
}

function promptKey(record: AnyRecord, path: readonly Step[]): string {
  if (isRow(record)) return fieldKey(record, 'prompt', path)
  const { turns } = asConversation(record)
  if (turns.length > 0) return `"${turns[0].value}"`
  throw new SteerpipeError('MISSING_FIELD', {
    found: 'the conversation has no turns',
    expected: 'a prompt: the text of the first turn',
  })
}

/** Whether a record is one that no conversation was made of yet. */
const isRow = (record: AnyRecord): record is JsonRecord =>
  record.kind === 'json' && record.member(record.root, CONVERSATIONS) < 0

/** Where a dotted name may lead from one object: to a member of the whole rest of it, or into another object. */
interface Step {
  readonly whole: JsonText
  readonly inside: JsonText
}

/** The steps of `a.b.c`: `a.b.c` or into `a`, `b.c` or into `b`, `c`. */
function pathOf(name: string): Step[] {
  const names = name.split('.')
  return names.map((inside, depth) => ({
    whole: encode(names.slice(depth).join('.')),
    inside: encode(inside),
  }))
}

function fieldKey(source: JsonRecord, name: string, path: readonly Step[]): string {
  const node = find(source, path)
  if (node >= 0 && source.type(node) !== 'null') return valueKey(source, node)
  throw new SteerpipeError('MISSING_FIELD', {
    found: node < 0 ? missing(source, name) : `\`${name}\` is null`,
    expected: `\`${name}\`, by which records are compared`,
  })
}

const valueKey = (source: JsonRecord, node: number): string =>
  source.isText(node) ? `"${source.text(node)}"` : source.raw(node)

/** The value that a dotted name leads to, or -1. */
function find(source: JsonRecord, path: readonly Step[]): number {
  let object = source.root
  for (const { whole, inside } of path) {
    if (source.type(object) !== 'an object') return -1
    const found = source.member(object, whole)
    if (found >= 0) return found
    object = source.member(object, inside)
    if (object < 0) return -1
  }
  return -1
}

function missing(source: JsonRecord, name: string): string {
  const keys = keysOf(source, source.root)
  if (keys.length === 0) return `no \`${name}\`: the record is empty`
  const shown = keys.slice(0, 6).map(quote).join(', ') + (keys.length > 6 ? ', …' : '')
  return `no \`${name}\`${suggestion(name, keys)}; the record has ${shown}`
}
