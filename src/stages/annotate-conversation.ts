import { SteerpipeError } from '../errors.js'
import { type Annotation, annotated } from '../records/annotation.js'
import type { Attribute } from '../records/attributes.js'
import type { ChatText } from '../records/chat-text.js'
import type { Conversation, Score, Turn } from '../records/conversation.js'
import { charCount, decode, encode, type JsonText } from '../records/json-text.js'
import { pythonFloat, roundHalfEven } from '../records/numbers.js'
import type { Message, Question, Scores } from '../reward/protocol.js'

/** Which turns are annotated. */
export type AnnotatedTurns = 'labelled' | 'assistant' | 'last'

/** A turn that is to be scored. */
export interface TurnQuestion extends Question {
  readonly turn: number
  /** Code points of the text. */
  readonly chars: number
}

/** What is asked about a conversation: its turns, each with all that was said before. */
export function questionsOf(
  conversation: Conversation,
  which: AnnotatedTurns,
  texts: ChatText,
): TurnQuestion[] {
  const wanted = wantedTurns(conversation, which)
  const questions: TurnQuestion[] = []
  texts.upTo(conversation, (turn, index, text) => {
    if (!wanted.has(index)) return
    if (turn.scores !== null) throw unlabelled(index)
    const full = text()
    questions.push({
      turn: index,
      chars: charCount(full),
      text: utf8(full, index),
      messages: () => messagesOf(conversation, index),
    })
  })
  return questions
}

function wantedTurns({ turns, mask }: Conversation, which: AnnotatedTurns): ReadonlySet<number> {
  const all = turns.map((_, index) => index)
  // As in the original, an empty label counts as one.
  if (which === 'labelled') {
    return new Set(all.filter((index) => typeof turns[index].label === 'string' || turns[index].scores))
  }
  const spoken = all.filter((index) => turns[index].from !== mask)
  return new Set(which === 'last' ? spoken.slice(-1) : spoken)
}

/** The bytes that a text stands for. @throws SteerpipeError NOT_SENDABLE */
function utf8(text: JsonText, turn: number): Buffer {
  const decoded = decode(text)
  if (!decoded.isWellFormed()) {
    throw new SteerpipeError('NOT_SENDABLE', {
      found: `half of a surrogate pair in the text up to turn ${turn + 1}`,
      expected: 'text that UTF-8 can spell',
    })
  }
  return Buffer.from(decoded)
}

function messagesOf({ turns, mask }: Conversation, last: number): Message[] {
  return turns.slice(0, last + 1).map((turn) => ({
    role: turn.from === mask ? 'user' : 'assistant',
    content: decode(turn.value),
  }))
}

/** How scores become labels. */
export interface LabelSettings {
  readonly attributes: readonly Attribute[]
  /** The names of the server's scores, in its order. */
  readonly heads: readonly string[]
  readonly round: 'half-even' | 'none'
  readonly keep: { readonly human: boolean; readonly raw: boolean }
}

/** The conversation with the scores of the questions as its labels. */
export function withScores(
  conversation: Conversation,
  questions: readonly TurnQuestion[],
  answers: readonly Scores[],
  settings: LabelSettings,
): Conversation {
  const annotations = new Map<number, Annotation>()
  for (const [index, { turn }] of questions.entries()) {
    annotations.set(turn, annotationOf(conversation.turns[turn], answers[index], settings))
  }
  return annotations.size === 0 ? conversation : annotated(conversation, annotations)
}

function annotationOf(turn: Turn, { values, names }: Scores, settings: LabelSettings): Annotation {
  const { attributes, heads, round, keep } = settings
  const order = names ?? heads
  const raw: Score[] = []
  const parts: string[] = []
  for (const attribute of attributes) {
    // A name that was declared as a head is there; one that the server does not have is left out of the label.
    const head = heads.includes(attribute.name) ? order.indexOf(attribute.name) : -1
    if (head < 0) continue
    const name = encode(attribute.name)
    raw.push({ name, json: pythonFloat(values[head]) })
    parts.push(`${name}:${spelled(values[head], attribute, round)}`)
  }
  return {
    label: parts.join(',') as JsonText,
    ...(keep.human && { human: turn.label ?? null }),
    ...(keep.raw && { raw }),
  }
}

/** As the original does it: clamped to the range, then rounded, halves to the even one. */
function spelled(value: number, { min, max }: Attribute, round: LabelSettings['round']): string {
  if (round === 'none') return pythonFloat(value)
  const rounded = roundHalfEven(Math.min(max, Math.max(min, value)))
  return String(rounded === 0 ? 0 : rounded)
}

function unlabelled(index: number): SteerpipeError {
  return new SteerpipeError('UNLABELLED_SCORES', {
    found: `turn ${index + 1} has \`scores\` but no \`label\``,
    expected: 'labels',
    fix: 'Put `label-format` before `annotate`.',
  })
}
