import * as z from 'zod'
import { SteerpipeError } from '../errors.js'
import { EXTRA_ID_TOKENS, SYSTEM_PROMPT } from '../records/chat-template.js'
import { encode, type JsonText } from '../records/json-text.js'
import { VectorFormat } from '../records/labels.js'
import { Sample } from '../records/sample.js'
import { asConversation } from './as-conversation.js'
import { RecordStage } from './record-stage.js'
import { attributesOption, defineStage, rangeOption } from './spec.js'

const token = (text: string, what: string) => z.string().default(text).describe(what)

const options = z.strictObject({
  attributes: attributesOption,
  range: rangeOption,
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
})

/** Labelled turns to regression samples. */
export const regressionExpandSpec = defineStage({
  name: 'regression-expand',
  summary: 'each labelled turn to a sample of text and score vector',
  description:
    'The text is the conversation up to and including the turn, then the label token; the label is a vector of floats, one for each attribute, with its sentinel (-100) where the turn was not annotated. Turns without a label, or with an empty one, give no sample. A name in a label that is not among the attributes is dropped, and counted.',
  options,
  accepts: ['json', 'conversation'],
  emits: () => 'sample',
  memory: () => 'constant',
  keepsOrder: true,
  examples: [
    { title: 'The nine-wide vector of SteerLM', yaml: 'regression-expand' },
    { title: 'The record’s own system prompt', yaml: 'regression-expand: { system: record, range: error }' },
  ],
  create: (given, context) =>
    new RecordStage<Sample>('regression-expand', context, ({ note }) => {
      const vectors = new VectorFormat(given.attributes, given.range, note)
      const user = encode(given.tokens.user)
      const assistant = encode(given.tokens.assistant)
      const end = encode(given.tokens.end)
      const labelToken = encode(given.tokens.label)
      const opening = (system: JsonText) => encode(given.tokens.system) + system + end
      const constant = opening(encode(given.systemPrompt))
      return (record, emit) => {
        const conversation = asConversation(record)
        const { mask, system, source } = conversation
        let text = given.system === 'constant' || system === null ? constant : opening(system)
        let samples = 0
        conversation.turns.forEach((turn, index) => {
          text += (turn.from === mask ? user : assistant) + turn.value + end
          if (turn.label) {
            emit(new Sample(source, (text + labelToken) as JsonText, vectors.render(turn.label)))
            samples++
          } else if (turn.scores !== null) throw unlabelled(index)
        })
        if (samples === 0) note('conversation without a label gave no sample')
      }
    }),
})

function unlabelled(index: number): SteerpipeError {
  return new SteerpipeError('UNLABELLED_SCORES', {
    found: `turn ${index + 1} has \`scores\` but no \`label\``,
    expected: 'labels',
  })
}
