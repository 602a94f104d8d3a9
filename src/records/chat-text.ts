import type { ChatTokens } from './chat-template.js'
import type { Conversation, Turn } from './conversation.js'
import { encode, type JsonText } from './json-text.js'

/** How a conversation becomes one text. */
export interface ChatTextSettings {
  readonly tokens: ChatTokens
  /** Whether the text begins with `systemPrompt` or with the record's own, where it has one. */
  readonly system: 'constant' | 'record'
  readonly systemPrompt: string
}

/** Conversations as the text that a model is trained on, in the template of their tokens. */
export class ChatText {
  private readonly user: JsonText
  private readonly assistant: JsonText
  private readonly end: JsonText
  private readonly label: JsonText
  private readonly opening: JsonText
  private readonly constant: string

  constructor(private readonly settings: ChatTextSettings) {
    const { tokens, systemPrompt } = settings
    this.user = encode(tokens.user)
    this.assistant = encode(tokens.assistant)
    this.end = encode(tokens.end)
    this.label = encode(tokens.label)
    this.opening = encode(tokens.system)
    this.constant = this.opening + encode(systemPrompt) + this.end
  }

  /** Calls `visit` with each turn, its index, and the text up to and including it, with the label's token. */
  upTo(
    { turns, mask, system }: Conversation,
    visit: (turn: Turn, index: number, text: () => JsonText) => void,
  ): void {
    const own = this.settings.system === 'record' && system !== null
    let text = own ? this.opening + system + this.end : this.constant
    for (const [index, turn] of turns.entries()) {
      text += (turn.from === mask ? this.user : this.assistant) + turn.value + this.end
      visit(turn, index, () => (text + this.label) as JsonText)
    }
  }
}
