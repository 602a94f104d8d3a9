import * as z from 'zod'
import type { AnyRecord } from '../records/batch.js'
import { type Conversation, cutTurns } from '../records/conversation.js'
import { charCount } from '../records/json-text.js'
import { asConversation } from './as-conversation.js'
import { stageSpec } from './spec.js'
import { type Selection, UnitStage } from './unit-stage.js'

const options = z
  .strictObject({
    maxChars: z
      .int()
      .min(1)
      .optional()
      .describe(
        'The most characters (Unicode code points) that all turns of a conversation may have together.',
      ),
    maxTurns: z.int().min(1).optional().describe('The most turns that a conversation may have.'),
    on: z
      .enum(['drop', 'cut-turns'])
      .default('drop')
      .describe('What to do with a longer one: drop it, or take turns off its end until it fits.'),
  })
  .superRefine((given, context) => {
    if (given.maxChars !== undefined || given.maxTurns !== undefined) return
    const message = 'give `max-chars` (in scripts `maxChars`), `max-turns` (`maxTurns`), or both'
    context.addIssue({ code: 'custom', message, input: given })
  })

/** Conversations that are not too long. */
export const lengthSpec = stageSpec({
  name: 'length',
  summary: 'drops conversations that are too long, or cuts turns off their end',
  description:
    'A turn is never cut through, and keeps its label. After cutting, a conversation ends with a turn that is trained on, not with one of the speaker in `mask`: a question without its answer goes too. One of which nothing remains is dropped. A conversation that fits is not touched; of one that is cut all other bytes stay. A group is dropped as a whole.',
  options,
  accepts: ['json', 'scored', 'conversation'],
  emits: (input) => input,
  memory: () => 'constant',
  keepsOrder: true,
  alone: () => true,
  examples: [
    { title: 'No conversation of more than 16,000 characters', yaml: 'length: { max-chars: 16000 }' },
    {
      title: 'The first turns of long ones',
      yaml: 'length: { max-chars: 16000, max-turns: 8, on: cut-turns }',
    },
  ],
  create: (given, context) => {
    const stage: UnitStage = new UnitStage(
      'length',
      context,
      new Fitting(given, (turns) => stage.counters.note('turns cut', turns)),
    )
    return stage
  },
})

class Fitting implements Selection {
  readonly reason = 'length'
  private readonly maxChars: number
  private readonly maxTurns: number
  private readonly cuts: boolean

  /** @param noteCut told how many turns were cut off */
  constructor(
    given: z.output<typeof options>,
    private readonly noteCut: (turns: number) => void,
  ) {
    this.maxChars = given.maxChars ?? Number.POSITIVE_INFINITY
    this.maxTurns = given.maxTurns ?? Number.POSITIVE_INFINITY
    this.cuts = given.on === 'cut-turns'
  }

  /** @throws SteerpipeError for a record that is no conversation */
  times(records: readonly AnyRecord[], start: number, end: number): number | readonly AnyRecord[] {
    const unit = records.slice(start, end)
    const conversations = unit.map(asConversation)
    const kept = conversations.map((conversation) => this.fitting(conversation))
    const lost = kept.map((count, index) => conversations[index].turns.length - count)
    if (lost.every((turns) => turns === 0)) return 1
    const useful = kept.every((count, index) => count > 0 || lost[index] === 0)
    if (!this.cuts || !useful) return 0
    this.noteCut(lost.reduce((sum, turns) => sum + turns))
    return unit.map((record, index) => {
      if (lost[index] === 0) return record
      const cut = cutTurns(conversations[index], kept[index])
      cut.part = record.part
      return cut
    })
  }

  /** How many turns from its start are to be kept: all of them, if it fits. */
  private fitting({ turns, mask }: Conversation): number {
    let count = Math.min(this.fittingChars(turns), this.maxTurns)
    if (count === turns.length) return count
    while (count > 0 && turns[count - 1].from === mask) count--
    return count
  }

  private fittingChars(turns: Conversation['turns']): number {
    // No character is less than a byte.
    if (turns.reduce((sum, { value }) => sum + value.length, 0) <= this.maxChars) return turns.length
    let chars = 0
    const over = turns.findIndex(({ value }) => {
      chars += charCount(value)
      return chars > this.maxChars
    })
    return over < 0 ? turns.length : over
  }
}
