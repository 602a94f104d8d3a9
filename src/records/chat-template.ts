/**
 * The text around the turns of a conversation: SteerLM's `extra_id` template unless told otherwise.
 */

/** The system prompt of SteerLM's data. */
export const SYSTEM_PROMPT =
  "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, and polite answers to the user's questions."

/** The pieces of text that stand before and after what is said. */
export interface ChatTokens {
  /** Before the system prompt. */
  readonly system: string
  /** Before a turn of the masked speaker (the user). */
  readonly user: string
  /** Before a turn of any other speaker. */
  readonly assistant: string
  /** Before a label. */
  readonly label: string
  /** After the system prompt and after each turn. */
  readonly end: string
}

/** The extra_id template. */
export const EXTRA_ID_TOKENS: ChatTokens = {
  system: '<extra_id_0>System\n',
  user: '<extra_id_1>User\n',
  assistant: '<extra_id_1>Assistant\n',
  label: '<extra_id_2>',
  end: '\n',
}
