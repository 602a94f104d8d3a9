import { readConversation } from '../records/conversation.js'
import type { DataSet } from './dataset.js'

/** Records that have been templated already: checked, and passed on as they are. */
export const conversations: DataSet = {
  name: 'conversations',
  summary: 'conversations already: `conversations` (turns with from and value) and `mask`',
  open: () => (row, emit) => emit(readConversation(row)),
}
