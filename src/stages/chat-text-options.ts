import * as z from 'zod'
import { EXTRA_ID_TOKENS, SYSTEM_PROMPT } from '../records/chat-template.js'

const token = (text: string, what: string) => z.string().default(text).describe(what)

/** The options of stages that make one text of a conversation. */
export const chatTextOptions = {
  system: z
    .enum(['constant', 'record'])
    .default('constant')
    .describe(
      'Which system prompt the text begins with: `systemPrompt`, as the original does, or the record’s own.',
    ),
  systemPrompt: z
    .string()
    .default(SYSTEM_PROMPT)
    .describe('The system prompt, also of records that have none of their own.'),
  tokens: z
    .strictObject({
      system: token(EXTRA_ID_TOKENS.system, 'Before the system prompt.'),
      user: token(EXTRA_ID_TOKENS.user, 'Before a turn of the masked speaker.'),
      assistant: token(EXTRA_ID_TOKENS.assistant, 'Before any other turn.'),
      label: token(EXTRA_ID_TOKENS.label, 'Before the label: the end of the text.'),
      end: token(EXTRA_ID_TOKENS.end, 'After the system prompt and after each turn.'),
    })
    .prefault({})
    .describe('The text around what is said.'),
}
