import type { ConversationParts, Turn } from '../records/conversation.js'
import type { JsonText } from '../records/json-text.js'
import type { RawConversation } from '../records/raw-conversation.js'
import type { RawLines } from '../records/raw-lines.js'
import type { ScoreReader } from '../records/scores.js'

/** A conversation without scores as it lies, whose turns and texts are made when they are asked for. */
export class PartsAsTheyLie implements ConversationParts {
  private made: readonly TurnAsItLies[] | undefined

  constructor(
    private readonly lines: RawLines,
    private readonly raw: RawConversation,
  ) {}

  get turns(): readonly TurnAsItLies[] {
    if (this.made !== undefined) return this.made
    const { lines, raw } = this
    const turns: TurnAsItLies[] = []
    for (let turn = 0; turn < raw.count; turn++) turns.push(new TurnAsItLies(lines, raw, turn))
    this.made = turns
    return turns
  }

  /** As `lastScored` of the turns. */
  lastLabelled(): TurnAsItLies | undefined {
    const { lines, raw } = this
    for (let turn = raw.count - 1; turn >= 0; turn--) {
      const label = raw.label(turn)
      if (label >= 0 && lines.cells[label + 1] - lines.cells[label] > 2)
        return new TurnAsItLies(lines, raw, turn)
    }
    return undefined
  }

  get mask(): JsonText {
    return this.lines.text(this.raw.mask)
  }

  get system(): JsonText | null {
    return this.raw.system < 0 ? null : this.lines.text(this.raw.system)
  }
}

export class TurnAsItLies implements Turn {
  readonly scores = null
  readonly node = -1

  constructor(
    private readonly lines: RawLines,
    private readonly raw: RawConversation,
    private readonly number: number,
  ) {}

  get from(): JsonText {
    return this.lines.text(this.raw.from(this.number))
  }

  get value(): JsonText {
    return this.lines.text(this.raw.value(this.number))
  }

  get label(): JsonText | null | undefined {
    const label = this.raw.label(this.number)
    if (label >= 0) return this.lines.text(label)
    return this.raw.hasLabel(this.number) ? null : undefined
  }

  /** What `reader.read` gives for it. @throws SteerpipeError BAD_LABEL */
  readBy(reader: ScoreReader): readonly number[] {
    const { cells, view } = this.lines
    const label = this.raw.label(this.number)
    const scores = label < 0 ? undefined : reader.readDigits(view, cells[label] + 1, cells[label + 1] - 1)
    return scores ?? reader.read(this)
  }
}
