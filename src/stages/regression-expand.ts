import * as z from 'zod'
import { SteerpipeError } from '../errors.js'
import type { AnyRecord } from '../records/batch.js'
import { VectorFormat } from '../records/labels.js'
import { Sample } from '../records/sample.js'
import { asConversation } from './as-conversation.js'
import { chatTextOptions } from './chat-text-options.js'
import type { Core } from './core.js'
import { RecordStage } from './record-stage.js'
import { directExpand } from './regression-expand-direct.js'
import { SampleTexts } from './regression-expand-texts.js'
import { attributesOption, rangeOption, stageSpec } from './spec.js'

const options = z.strictObject({
  attributes: attributesOption,
  range: rangeOption,
  ...chatTextOptions,
})

/** Labelled turns to regression samples. */
export const regressionExpandSpec = stageSpec({
  name: 'regression-expand',
  summary: 'each labelled turn to a sample of text and score vector',
  description:
    'The text is the conversation up to and including the turn, then the label token; the label is a vector of floats, one for each attribute, with its sentinel (-100) where the turn was not annotated. Turns without a label, or with an empty one, give no sample. A name in a label that is not among the attributes is dropped, and counted.',
  options,
  accepts: ['json', 'conversation'],
  emits: () => 'sample',
  memory: () => 'constant',
  keepsOrder: true,
  alone: () => true,
  examples: [
    { title: 'The nine-wide vector of SteerLM', yaml: 'regression-expand' },
    { title: 'The record’s own system prompt', yaml: 'regression-expand: { system: record, range: error }' },
  ],
  create: (given, context) =>
    new RecordStage<Sample>('regression-expand', context, ({ note }) => {
      const vectors = new VectorFormat(given.attributes, given.range, note)
      const texts = new SampleTexts(given)
      const core: Core<AnyRecord, Sample> = (record, emit) => {
        const conversation = asConversation(record)
        const { source, turns } = conversation
        const pieces = texts.pieces(conversation)
        let samples = 0
        for (let i = 0; i < turns.length; i++) {
          const { label, scores } = turns[i]
          if (label) {
            emit(new Sample(source, texts.upTo(pieces, i), vectors.render(label)))
            samples++
          } else if (scores !== null) throw unlabelled(i)
        }
        if (samples === 0) note('conversation without a label gave no sample')
      }
      return Object.assign(core, { direct: directExpand(vectors, texts, note) })
    }),
})

/** The error for a turn whose scores are no label yet. */
export function unlabelled(index: number): SteerpipeError {
  return new SteerpipeError('UNLABELLED_SCORES', {
    found: `turn ${index + 1} has \`scores\` but no \`label\``,
    expected: 'labels',
  })
}
