import { quote, SteerpipeError } from '../errors.js'
import { ByteWriter, constant } from './byte-writer.js'
import { decode, encode, type JsonText } from './json-text.js'
import { KnownNames } from './known-names.js'
import { type BaseRecord, Block, JsonRecord, KeySet } from './record.js'
import { scanValue, Tape } from './tape.js'

/** A score as a record carries it: the number (or the text that spells one) as JSON, as it was written. */
export interface Score {
  readonly name: JsonText
  readonly json: string
}

/** One message of a conversation. */
export interface Turn {
  readonly from: JsonText
  readonly value: JsonText
  /** `name:score,…`; null on turns that have none; undefined where the turn has no such field. */
  readonly label: JsonText | null | undefined
  /** Scores that label-format has yet to turn into the label; null when there are none to turn. */
  readonly scores: readonly Score[] | null
  /** Where the turn stands on the source's tape; -1 in a conversation that a template made. */
  readonly node: number
  /** Scores as a reward server gave them, where they were kept beside the label. */
  readonly rawScores?: readonly Score[]
  /** More members, as JSON, of a turn that is written anew. */
  readonly more?: string
}

/** A replacement in the source's text. */
export interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** What a conversation is made of, beside its source. */
export interface ConversationParts {
  readonly turns: readonly Turn[]
  /** Whose turns carry no loss in training: the user's. */
  readonly mask: JsonText
  readonly system: JsonText | null
}

/** A conversation made by a template; written in the canonical spelling, keys in the original tools' order. */
const TYPE = 'VALUE_TO_TEXT'

/** Turns with speakers, a system prompt and a mask: an attribute-conditioned SFT record. */
export class Conversation implements BaseRecord {
  readonly kind = 'conversation'
  part: string | null = null
  readonly turns: readonly Turn[]
  readonly mask: JsonText
  readonly system: JsonText | null

  /**
   * @param edits what differs from the source's line, in order; null for a conversation that a template made,
   *   which is written anew
   */
  constructor(
    readonly source: JsonRecord,
    parts: ConversationParts,
    readonly edits: readonly Edit[] | null = null,
  ) {
    this.turns = parts.turns
    this.mask = parts.mask
    this.system = parts.system
  }

  inPart(part: string | null): Conversation {
    const copy = new Conversation(this.source, this, this.edits)
    copy.part = part
    return copy
  }

  json(): string {
    const out = new ByteWriter(1024)
    this.writeTo(out)
    return out.take().toString('latin1')
  }

  writeTo(out: ByteWriter): void {
    if (this.edits === null) this.writeNew(out)
    else writeEdited(out, this.source, this.edits)
  }

  private writeNew(out: ByteWriter): void {
    for (let i = 0; i < this.turns.length; i++) {
      const turn = this.turns[i]
      out
        .add(i === 0 ? PIECES.turns : PIECES.nextTurn)
        .text(turn.value)
        .add(PIECES.speaker)
        .text(turn.from)
      if (turn.scores !== null) out.add(PIECES.scores).text(scoresJson(turn.scores))
      else if (turn.label === null) out.add(PIECES.noLabel)
      else if (turn.label === undefined) out.text('"')
      else out.add(PIECES.label).text(turn.label).text('"')
      if (turn.more !== undefined) out.text(`, ${turn.more}`)
    }
    if (this.turns.length === 0) out.text('{"conversations": [')
    else out.text('}')
    out
      .add(PIECES.system)
      .text(this.system ?? '')
      .add(PIECES.mask)
      .text(this.mask)
      .add(PIECES.end)
  }
}

/** What conversations that are written anew have in common: what stands before each thing, and at the end. */
export const CONVERSATION_PIECES = {
  turns: constant('{"conversations": [{"value": "'),
  nextTurn: constant('}, {"value": "'),
  speaker: constant('", "from": "'),
  noLabel: constant('", "label": null'),
  nextMember: constant('", '),
  label: constant('", "label": "'),
  scores: constant('", "scores": '),
  system: constant('], "system": "'),
  mask: constant('", "mask": "'),
  end: constant(`", "type": "${TYPE}"}`),
} as const
const PIECES = CONVERSATION_PIECES

function scoresJson(scores: readonly Score[]): string {
  return `{${scores.map((score) => `"${score.name}": ${score.json}`).join(', ')}}`
}

/** Writes the source's line with the edits made. */
function writeEdited(out: ByteWriter, source: JsonRecord, edits: readonly Edit[]): void {
  const { text } = source.block
  let at = source.start
  for (const edit of edits) {
    out.text(text.slice(at, edit.start)).text(edit.text)
    at = edit.end
  }
  out.text(text.slice(at, source.end))
}

const LABEL = encode('label')
const SCORES = encode('scores')

// The members of a conversation, and of a turn, which are looked up together; each name is that of a member's number.
const MEMBERS = new KeySet()
const CONVERSATIONS = MEMBERS.add(encode('conversations'))
const MASK = MEMBERS.add(encode('mask'))
const SYSTEM = MEMBERS.add(encode('system'))
const TYPE_MEMBER = MEMBERS.add(encode('type'))
const TURN_MEMBERS = new KeySet()
const VALUE = TURN_MEMBERS.add(encode('value'))
const FROM = TURN_MEMBERS.add(encode('from'))
const TURN_LABEL = TURN_MEMBERS.add(LABEL)
const TURN_SCORES = TURN_MEMBERS.add(SCORES)
const RAW_SCORES = TURN_MEMBERS.add(encode('raw_scores'))

/** Where the members stand of the conversation, and of the turn, that is being read: one list for all of them. */
const found: number[] = MEMBERS.all.map(() => -1)
const foundInTurn: number[] = TURN_MEMBERS.all.map(() => -1)

/**
 * The conversation that a JSON record spells. Unknown fields are left alone.
 *
 * @throws SteerpipeError WRONG_RECORD when there are no `conversations`; MISSING_FIELD, WRONG_TYPE
 */
export function readConversation(record: JsonRecord): Conversation {
  record.members(record.root, MEMBERS, found)
  const list = found[CONVERSATIONS]
  if (list < 0) throw notConversation(record)
  if (record.type(list) !== 'an array') throw wrongType(record, list, 'conversations', 'an array of turns')
  const turns: Turn[] = []
  const end = record.next(list)
  for (let node = record.first(list); node < end; node = record.next(node)) {
    turns.push(readTurn(record, node, turns.length))
  }
  const mask = found[MASK]
  if (mask < 0) {
    throw new SteerpipeError('MISSING_FIELD', {
      found: 'the conversation has no `mask`',
      expected: 'the name of the speaker whose turns are not trained on, such as "User"',
    })
  }
  optionalText(record, found[TYPE_MEMBER], 'type')
  return new Conversation(
    record,
    {
      turns,
      mask: requiredText(record, mask, 'mask'),
      system: optionalText(record, found[SYSTEM], 'system'),
    },
    [],
  )
}

function readTurn(record: JsonRecord, node: number, index: number): Turn {
  if (record.type(node) !== 'an object') throw wrongType(record, node, undefined, 'an object', index)
  record.members(node, TURN_MEMBERS, foundInTurn)
  if (foundInTurn[FROM] < 0 || foundInTurn[VALUE] < 0) {
    throw new SteerpipeError('MISSING_FIELD', {
      found: `${turnName(index)} has no \`${foundInTurn[FROM] < 0 ? 'from' : 'value'}\``,
      expected: 'each turn with `from` and `value`',
    })
  }
  const label = foundInTurn[TURN_LABEL]
  const scores = foundInTurn[TURN_SCORES]
  const rawScores = foundInTurn[RAW_SCORES]
  const turn = {
    from: requiredText(record, foundInTurn[FROM], 'from', index),
    value: requiredText(record, foundInTurn[VALUE], 'value', index),
    label: label < 0 ? undefined : optionalText(record, label, 'label', index),
    scores: scores < 0 ? null : readScores(record, scores, 'scores', index),
    node,
  }
  if (rawScores < 0) return turn
  return { ...turn, rawScores: readScores(record, rawScores, 'raw_scores', index) }
}

function readScores(record: JsonRecord, node: number, field: string, turn: number): readonly Score[] {
  if (record.type(node) !== 'an object') {
    throw wrongType(record, node, field, 'an object of names and numbers', turn)
  }
  const scores: Score[] = []
  scoreNames.begin()
  const end = record.next(node)
  for (let at = record.first(node); at < end; at = record.next(at + 2)) {
    scores.push({ name: scoreNames.read(record, at), json: scoreJson(record, at + 2) })
  }
  return scoreNames.areDistinct ? scores : withoutRepeated(scores)
}

/** The scores that an object spells, as those of a turn. @param json a legal one, without escapes `\u` and `\/` */
export function scoresFrom(json: string): readonly Score[] {
  const tape = new Tape(64)
  scanValue(json, 0, tape, false)
  const block = new Block({ input: '', first: 1, offset: undefined, unit: 'record' }, json, 0, tape, false)
  return readScores(new JsonRecord(block, 0, 0, json.length, 0), 0, 'scores', 0)
}

const scoreNames = new KnownNames()

/** Of a repeated name the last score counts. */
function withoutRepeated(scores: readonly Score[]): Score[] {
  const last = new Map<JsonText, Score>()
  for (const score of scores) last.set(score.name, score)
  return [...last.values()]
}

/** The JSON of a score at `node`: a number as it was written, a text in the canonical spelling, or whatever else
 * stands there, which whoever uses the score refuses. */
export function scoreJson(record: JsonRecord, node: number): string {
  return record.isText(node) ? `"${record.text(node)}"` : record.raw(node)
}

const turnName = (index: number): string => `turn ${index + 1}`

/**
 * The text at `node`.
 *
 * @param field what errors call it
 * @param turn the turn that it belongs to, from 0
 * @throws SteerpipeError WRONG_TYPE
 */
export function requiredText(record: JsonRecord, node: number, field: string, turn?: number): JsonText {
  if (!record.isText(node)) throw wrongType(record, node, field, 'text', turn)
  return record.text(node)
}

/** The text at `node`, or null if it is null or `node` is -1. @throws SteerpipeError WRONG_TYPE */
function optionalText(record: JsonRecord, node: number, field: string, turn?: number): JsonText | null {
  if (node < 0 || record.type(node) === 'null') return null
  return requiredText(record, node, field, turn)
}

/** The error for a value of another type than is needed: that of a field, of a turn's field, or a turn. */
function wrongType(
  record: JsonRecord,
  node: number,
  field: string | undefined,
  expected: string,
  turn?: number,
): SteerpipeError {
  const type = record.type(node)
  const shown = type === 'number' ? `the number ${record.raw(node).slice(0, 40)}` : type
  const names = [field && `\`${field}\``, turn === undefined ? undefined : turnName(turn)]
  return new SteerpipeError('WRONG_TYPE', {
    found: `${names.filter(Boolean).join(' of ')} is ${shown}`,
    expected,
  })
}

/** The keys of an object, for messages. */
export function keysOf(record: JsonRecord, object: number): string[] {
  const keys: string[] = []
  const end = record.next(object)
  for (let at = record.first(object); at < end; at = record.next(at + 2)) keys.push(decode(record.key(at)))
  return keys
}

function notConversation(record: JsonRecord): SteerpipeError {
  const keys = keysOf(record, record.root)
  const shown = keys.slice(0, 6).map(quote).join(', ') + (keys.length > 6 ? ', …' : '')
  return new SteerpipeError('WRONG_RECORD', {
    found:
      keys.length === 0 ? 'no `conversations`: the record is empty' : `no \`conversations\`: it has ${shown}`,
    expected: 'a conversation',
    fix:
      keys.includes('text') && keys.includes('label')
        ? 'This looks like a regression sample, which is the last form; take the file it was made from.'
        : 'Add `template` before this stage, to make conversations of rows.',
  })
}

/**
 * The conversation without its last turns. Of a line that was read all other bytes stay.
 *
 * @param count how many turns are kept, at least 1
 */
export function cutTurns(conversation: Conversation, count: number): Conversation {
  const { source, mask, system, edits } = conversation
  const turns = conversation.turns.slice(0, count)
  const last = conversation.turns[conversation.turns.length - 1]
  const endOf = ({ node }: Turn): number => source.endOf(node)
  const cut = (before: readonly Edit[]): Edit[] => {
    const start = endOf(turns[count - 1])
    const end = endOf(last)
    const outside = before.filter((edit) => edit.start < start || edit.start >= end)
    return mergeEdits(outside, [{ start, end, text: '' }])
  }
  return new Conversation(source, { turns, mask, system }, edits === null ? null : cut(edits))
}

/** Edits of one line together, in order. They may not overlap. */
export const mergeEdits = (some: readonly Edit[], others: readonly Edit[]): Edit[] =>
  [...some, ...others].sort((a, b) => a.start - b.start)

/** The edit that puts a label where a turn of a JSON record has its scores. */
export function labelEdit(record: JsonRecord, node: number, label: JsonText): Edit {
  const written = `"label": "${label}"`
  let old = -1
  let count = 0
  const end = record.next(node)
  for (let at = record.first(node); at < end; at = record.next(at + 2)) {
    if (!record.keyIs(at, SCORES) && !record.keyIs(at, LABEL)) continue
    old = at
    count++
  }
  if (count > 1) return editOfSeveral(record, node, written)
  return { start: record.startOf(old) - 1, end: record.endOf(old + 2), text: written }
}

/** Of a turn with a label beside the scores, or scores twice: one label takes the place of all of them. */
function editOfSeveral(record: JsonRecord, node: number, written: string): Edit {
  const { text } = record.block
  const members: { start: number; end: number; key: JsonText }[] = []
  const end = record.next(node)
  for (let at = record.first(node); at < end; at = record.next(at + 2)) {
    members.push({ start: record.startOf(at) - 1, end: record.endOf(at + 2), key: record.key(at) })
  }
  const scores = members.findLastIndex((member) => member.key === SCORES)
  const kept = members.filter(({ key }, index) => index === scores || (key !== SCORES && key !== LABEL))
  const inside = kept.map((member) =>
    member.key === SCORES ? written : text.slice(member.start, member.end),
  )
  return { start: record.startOf(node), end: record.endOf(node), text: `{${inside.join(', ')}}` }
}
