import { Conversation, type Edit, type Score, type Turn } from './conversation.js'
import { encode, type JsonText } from './json-text.js'
import type { JsonRecord } from './record.js'

/** What an annotation puts on a turn. */
export interface Annotation {
  readonly label: JsonText
  /** The label that was there before, to be kept beside the new one; null for a turn that had none. */
  readonly human?: JsonText | null | undefined
  /** The scores as the server gave them, to be kept beside the label. */
  readonly raw?: readonly Score[] | undefined
}

const LABEL = encode('label')
const HUMAN_LABEL = encode('human_label')
const RAW_SCORES = encode('raw_scores')

/**
 * The conversation with annotations on its turns: each as its `label`, and, where they are kept, what was there
 * before as `human_label` and the server's own scores as `raw_scores`. Of a line that was read all other bytes stay.
 *
 * @param conversation one without edits, or one that a template made
 * @param annotations by the turn's index
 */
export function annotated(
  conversation: Conversation,
  annotations: ReadonlyMap<number, Annotation>,
): Conversation {
  const { source, mask, system, edits } = conversation
  const made: Edit[] = []
  const turns = conversation.turns.map((turn, index): Turn => {
    const annotation = annotations.get(index)
    if (annotation === undefined) return turn
    const members = membersOf(annotation)
    if (edits !== null) made.push(...turnEdits(source, turn.node, members))
    const more = members.slice(1).map(([key, json]) => `"${key}": ${json}`)
    const { label, raw } = annotation
    return {
      ...turn,
      label,
      scores: null,
      ...(raw && { rawScores: raw }),
      ...(more.length > 0 && { more: more.join(', ') }),
    }
  })
  return new Conversation(source, { turns, mask, system }, edits === null ? null : made)
}

type Member = readonly [key: JsonText, json: string]

function membersOf({ label, human, raw }: Annotation): Member[] {
  const members: Member[] = [[LABEL, `"${label}"`]]
  if (human !== undefined) members.push([HUMAN_LABEL, human === null ? 'null' : `"${human}"`])
  if (raw !== undefined) {
    const scores = raw.map(({ name, json }) => `"${name}": ${json}`)
    members.push([RAW_SCORES, `{${scores.join(', ')}}`])
  }
  return members
}

/**
 * The edits that give members of a turn other values; those that are not there are put at its end. Of a repeated key
 * the last value counts, so that is the one that changes.
 */
export function turnEdits(record: JsonRecord, node: number, members: readonly Member[]): Edit[] {
  const edits: Edit[] = []
  const end = record.next(node)
  let added = ''
  for (const [key, json] of members) {
    let value = -1
    for (let at = record.first(node); at < end; at = record.next(at + 2)) {
      if (record.keyIs(at, key)) value = at + 2
    }
    if (value < 0) added += `, "${key}": ${json}`
    else edits.push({ start: record.startOf(value), end: record.endOf(value), text: json })
  }
  // A turn has `from` and `value` at least, so that a comma fits.
  const close = record.endOf(node) - 1
  if (added !== '') edits.push({ start: close, end: close, text: added })
  return edits.sort((a, b) => a.start - b.start)
}
