import { type Conversation, readConversation } from '../records/conversation.js'
import { Tape } from '../records/tape.js'
import { recordOfText } from './plain-objects.js'

/** A conversation without edits: what changes it further sees the line as it stands now. */
export function settled(conversation: Conversation): Conversation {
  const { source, edits, part } = conversation
  if (edits === null || edits.length === 0) return conversation
  const { input, line, record, offset } = source.place
  const origin = { input, first: line ?? record ?? 1, offset, unit: source.block.origin.unit }
  const settledSource = recordOfText(conversation.json(), origin, new Tape())
  settledSource.original = source.original ?? source
  const made = readConversation(settledSource)
  made.part = part
  return made
}
