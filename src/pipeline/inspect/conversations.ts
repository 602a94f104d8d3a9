import { SteerpipeError } from '../../errors.js'
import { type Conversation, readConversation } from '../../records/conversation.js'
import type { JsonRecord } from '../../records/record.js'

/** What the turns of conversations have: labels, scores that are to become labels, or neither. */
export type ConversationForm = 'labelled-conversations' | 'scored-conversations' | 'plain-conversations'

/** The form of the conversations among records: what is not labelled yet comes before what is. */
export function formOf(records: readonly JsonRecord[]): ConversationForm {
  const turns = conversationsIn(records).flatMap((conversation) => conversation.turns)
  if (turns.some(({ scores }) => scores !== null)) return 'scored-conversations'
  return turns.some(({ label }) => label) ? 'labelled-conversations' : 'plain-conversations'
}

/** Whether conversations are pairs: of every two neighbours only the last turn differs. */
export function arePairs(records: readonly JsonRecord[], isAll: boolean): boolean {
  const conversations = conversationsIn(records)
  if (conversations.length < 2 || (isAll && conversations.length % 2 === 1)) return false
  return conversations.every((second, index) => index % 2 === 0 || isPair(conversations[index - 1], second))
}

function isPair(first: Conversation, second: Conversation): boolean {
  const said = ({ turns }: Conversation, index: number) => turns.at(index)?.value
  return (
    first.turns.length === second.turns.length &&
    first.turns.length > 1 &&
    said(first, -1) !== said(second, -1) &&
    first.turns
      .slice(0, -1)
      .every(({ value, from }, i) => value === second.turns[i].value && from === second.turns[i].from)
  )
}

function conversationsIn(records: readonly JsonRecord[]): Conversation[] {
  return records.flatMap((record) => {
    try {
      return [readConversation(record)]
    } catch (error) {
      if (!(error instanceof SteerpipeError)) throw error
      return []
    }
  })
}
