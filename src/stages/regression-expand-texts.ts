import { constant, type Piece } from '../records/byte-writer.js'
import type { ChatTextSettings } from '../records/chat-text.js'
import type { Conversation } from '../records/conversation.js'
import { encode } from '../records/json-text.js'
import { BegunText } from '../records/sample.js'

/**
 * The texts of samples, in the template of their tokens: those that `ChatText` gives, in pieces. The first piece is the
 * system prompt, and each turn adds two: what stands before it (with the end of what came before), and what is said.
 */
export class SampleTexts {
  /** What stands before a system prompt. */
  readonly opening: string
  /** The same with the prompt that is not a record's own. */
  readonly prompt: Uint8Array
  /** What stands before a turn of the user's, and before any other. */
  readonly user: Uint8Array
  readonly other: Uint8Array
  /** What stands behind the last turn: its end, and the label's token. */
  readonly end: Uint8Array

  constructor(private readonly settings: ChatTextSettings) {
    const { tokens, systemPrompt } = settings
    const end = encode(tokens.end)
    this.opening = encode(tokens.system)
    this.prompt = constant(this.opening + encode(systemPrompt))
    this.user = constant(end + encode(tokens.user))
    this.other = constant(end + encode(tokens.assistant))
    this.end = constant(end + encode(tokens.label))
  }

  /** Whether a record's own system prompt is taken, where it has one. */
  get takesOwnPrompt(): boolean {
    return this.settings.system === 'record'
  }

  /** What the text of a conversation is made of. */
  pieces({ turns, mask, system }: Conversation): readonly Piece[] {
    const own = this.takesOwnPrompt && system !== null
    const pieces: Piece[] = [own ? this.opening + system : this.prompt]
    for (const { from, value } of turns) pieces.push(from === mask ? this.user : this.other, value)
    return pieces
  }

  /** The text up to and including a turn, with the label's token. @param turn its index */
  upTo(pieces: readonly Piece[], turn: number): BegunText {
    return new BegunText(pieces, 1 + 2 * (turn + 1), this.end)
  }
}
