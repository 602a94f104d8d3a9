import type { Turn } from '../records/conversation.js'
import { encode, type JsonText } from '../records/json-text.js'
import type { TemplateSettings } from './dataset.js'
import { assistantTurn, userTurn } from './row.js'

/** What stands before each turn but the first in a prompt that holds several. */
const MARKER = encode('<extra_id_1>')
const LINE_END = encode('\n')
const ASSISTANT = encode('Assistant\n')
const USER = encode('User\n')

/**
 * The turns of a prompt: one of the user's, or with `splitTurns` those that the prompt holds in one text, as
 * HelpSteer2's do: `…\n<extra_id_1>Assistant\n…\n<extra_id_1>User\n…`. The assistant's turns in it get no label.
 * Where the markers are not of that form, or not in that order, the prompt stays whole.
 */
export function promptTurns(settings: TemplateSettings, prompt: JsonText): Turn[] {
  if (settings.splitTurns && prompt.includes(MARKER)) {
    const values = split(prompt)
    if (values !== undefined) {
      return values.map((value, i) =>
        i % 2 === 0 ? userTurn(settings, value) : assistantTurn(settings, value, null),
      )
    }
    settings.note('prompt with irregular turn markers kept whole')
  }
  return [userTurn(settings, prompt)]
}

/** What the user, the assistant, the user, … say in a prompt; undefined where the markers are irregular. */
function split(prompt: JsonText): JsonText[] | undefined {
  const pieces = prompt.split(MARKER)
  if (pieces.length % 2 === 0) return undefined
  const values: JsonText[] = []
  for (let i = 0; i < pieces.length; i++) {
    const speaker = i === 0 ? '' : i % 2 === 0 ? USER : ASSISTANT
    const last = i === pieces.length - 1
    if (!pieces[i].startsWith(speaker)) return undefined
    const inside = pieces[i].slice(speaker.length)
    if (!last && !endsLine(inside)) return undefined
    // A whole number of escapes is cut off at either end, so that what is left is escaped text again.
    values.push((last ? inside : inside.slice(0, -LINE_END.length)) as JsonText)
  }
  return values
}

/** Whether escaped text ends with a line end, rather than with a backslash and the letter n. */
function endsLine(text: string): boolean {
  if (!text.endsWith(LINE_END)) return false
  let before = text.length - LINE_END.length
  while (text[before - 1] === '\\') before--
  return (text.length - before) % 2 === 0
}
