import * as z from 'zod'
import { type Annotation, annotated } from '../records/annotation.js'
import type { Attribute } from '../records/attributes.js'
import type { AnyRecord } from '../records/batch.js'
import { Conversation, type Edit, labelEdit, mergeEdits, type Turn } from '../records/conversation.js'
import { encode } from '../records/json-text.js'
import { LabelFormat, type Note } from '../records/labels.js'
import { asConversation } from './as-conversation.js'
import type { Core } from './core.js'
import { directLabels } from './label-format-direct.js'
import { RecordStage } from './record-stage.js'
import { settled } from './settled.js'
import { attributesOption, rangeOption, stageSpec } from './spec.js'

const options = z.strictObject({
  attributes: attributesOption,
  from: z
    .enum(['scores', 'raw-scores'])
    .default('scores')
    .describe(
      'What labels are made of: the `scores` that a template has put there, or the `raw_scores` that `annotate` has kept, which stay, so that labels can be made of them again.',
    ),
  round: z
    .enum(['none', 'half-even'])
    .default('none')
    .describe('Round scores to integers, halves to the even one, as Python does.'),
  range: rangeOption,
})

/** Scores to label strings. */
export const labelFormatSpec = stageSpec({
  name: 'label-format',
  summary: 'the scores of each turn to its label, `name:score,…`',
  description:
    'Attributes stand in the declared order, those that are there; no score at all gives the label `""`; a turn without `scores` is left as it is. Numbers are spelled as Python prints them (`3`, `3.0`, `1e-07`); text that spells a number is put in as it is. Of a record read from a file only `scores` is replaced; all other bytes stay. Labels can also be made anew of what `annotate` has kept, without asking the server again.',
  options,
  accepts: ['json', 'scored', 'conversation'],
  emits: () => 'conversation',
  memory: () => 'constant',
  keepsOrder: true,
  alone: () => true,
  examples: [
    { title: 'As the original tools do', yaml: 'label-format' },
    { title: 'Whole numbers within the range', yaml: 'label-format: { round: half-even, range: clamp }' },
    {
      title: 'Two of the scores that a server gave, unrounded',
      yaml: 'label-format: { from: raw-scores, attributes: [helpfulness, verbosity] }',
    },
  ],
  create: (given, context) =>
    new RecordStage<Conversation>('label-format', context, ({ note }) => {
      const formatFor = (tell: (note: Note) => void) =>
        new LabelFormat(given.attributes, given.round, given.range, tell)
      const format = formatFor(note)
      const isAnew = given.from === 'raw-scores'
      const labelled = isAnew ? relabeller(format, given.attributes, note) : labeller(format)
      const core: Core<AnyRecord, Conversation> = (record, emit) => emit(labelled(asConversation(record)))
      return isAnew ? core : Object.assign(core, { direct: directLabels(formatFor, note) })
    }),
})

/** Puts labels where there were scores. */
function labeller(format: LabelFormat): (conversation: Conversation) => Conversation {
  /** The turns of the conversation before, which those of one tree share, and what was made of them. */
  let before: readonly Turn[] = []
  let after: readonly Turn[] = []
  return (conversation) => {
    const { source, edits, mask, system } = conversation
    const fresh: Edit[] = []
    const turns = conversation.turns.map((turn, index): Turn => {
      if (turn.scores === null) return turn
      if (edits === null && turn === before[index]) return after[index]
      const label = format.render(turn.scores)
      if (edits !== null) fresh.push(labelEdit(source, turn.node, label))
      return { ...turn, label, scores: null }
    })
    if (edits !== null && fresh.length === 0) return conversation
    before = conversation.turns
    after = turns
    return new Conversation(source, { turns, mask, system }, edits === null ? null : mergeEdits(edits, fresh))
  }
}

/** Makes labels anew, of the scores that were kept beside them. */
function relabeller(
  format: LabelFormat,
  attributes: readonly Attribute[],
  note: (what: string) => void,
): (conversation: Conversation) => Conversation {
  // A server gives all that it has; which of it is wanted is what the attributes say.
  const wanted = new Set(attributes.map(({ name }) => encode(name)))
  return (given) => {
    if (given.turns.every(({ rawScores }) => rawScores === undefined)) {
      note('conversation without raw scores')
      return given
    }
    const conversation = settled(given)
    const annotations = new Map<number, Annotation>()
    for (const [index, { rawScores }] of conversation.turns.entries()) {
      if (rawScores === undefined) continue
      const label = format.render(rawScores.filter(({ name }) => wanted.has(name)))
      annotations.set(index, { label })
    }
    return annotated(conversation, annotations)
  }
}
