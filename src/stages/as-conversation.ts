import { SteerpipeError } from '../errors.js'
import type { AnyRecord } from '../records/batch.js'
import { Conversation, readConversation } from '../records/conversation.js'

/** A record as a conversation. @throws SteerpipeError WRONG_RECORD, MISSING_FIELD, WRONG_TYPE */
export function asConversation(record: AnyRecord): Conversation {
  if (record.kind === 'conversation') return record
  if (record.kind === 'json') {
    if (record.readAs instanceof Conversation) return record.readAs
    const conversation = readConversation(record)
    record.readAs = conversation
    return conversation
  }
  throw new SteerpipeError('WRONG_RECORD', {
    found: 'a sample where a conversation belongs',
    expected: 'a conversation',
    fix: 'A sample is the last form: put this stage before `regression-expand`.',
  })
}
