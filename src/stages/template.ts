import * as z from 'zod'
import type { DataSet } from '../datasets/dataset.js'
import { flatReader, mappingOption } from '../datasets/flat.js'
import { DATA_SET_NAMES, DATA_SETS } from '../datasets/index.js'
import { SteerpipeError } from '../errors.js'
import { SYSTEM_PROMPT } from '../records/chat-template.js'
import type { Conversation } from '../records/conversation.js'
import { encode } from '../records/json-text.js'
import { RecordStage } from './record-stage.js'
import { attributesOption, defineStage, groupOption } from './spec.js'

const options = z
  .strictObject({
    dataset: z
      .enum(DATA_SET_NAMES)
      .optional()
      .describe(
        `The schema of the rows: ${DATA_SET_NAMES.map((name) => `\`${name}\` (${DATA_SETS[name].summary})`).join('; ')}.`,
      ),
    mapping: mappingOption
      .optional()
      .describe(
        'Instead of `dataset`: which fields of a flat row are the prompt, the response and the scores.',
      ),
    attributes: attributesOption,
    system: z.string().default(SYSTEM_PROMPT).describe('The system prompt of each conversation.'),
    speakers: z
      .strictObject({
        user: z.string().default('User').describe('The user’s name in `from`, and the `mask`.'),
        assistant: z.string().default('Assistant').describe('The assistant’s name in `from`.'),
      })
      .prefault({})
      .describe('What the speakers are called in the conversations.'),
    group: groupOption,
  })
  .superRefine((given, context) => {
    if ((given.dataset === undefined) === (given.mapping === undefined)) {
      context.addIssue({ code: 'custom', message: 'give either `dataset` or `mapping`', input: given })
    }
    const scores = given.mapping?.scores
    const named = scores === undefined ? [] : Array.isArray(scores) ? scores : Object.keys(scores)
    for (const name of named) {
      if (given.attributes.some((attribute) => attribute.name === name)) continue
      const path = ['mapping', 'scores']
      context.addIssue({
        code: 'custom',
        path,
        message: `\`${name}\` is not among the attributes`,
        input: scores,
      })
    }
  })

/** The data set that the options name: a built-in one, or what a mapping describes. */
function dataSetOf({ dataset, mapping }: z.output<typeof options>): DataSet {
  if (dataset !== undefined) return DATA_SETS[dataset]
  if (mapping === undefined) throw new Error('neither dataset nor mapping: the schema refuses that')
  return { name: 'mapping', summary: 'flat rows', open: (settings) => flatReader(mapping, settings) }
}

/** Rows of a data set to conversations. */
export const templateSpec = defineStage({
  name: 'template',
  summary: 'rows of a data set to conversations with scores',
  description:
    'Each row becomes one conversation (two, a pair, for `helpsteer2-preference`) with the system prompt, the mask and, on the assistant’s turn, the scores that `label-format` makes a label of. Prompts and responses keep their text to the last byte; only the spelling of escapes becomes canonical. A row that lacks a field or has one of the wrong type is an error that names it.',
  options,
  main: 'dataset',
  accepts: ['json'],
  emits: (_input, given) => (given.dataset === 'conversations' ? 'conversation' : 'scored'),
  memory: () => 'constant',
  keepsOrder: true,
  parts: (given) => dataSetOf(given).parts,
  examples: [
    { title: 'HelpSteer2 rows', yaml: 'template: { dataset: helpsteer2 }' },
    {
      title: 'Rows of your own',
      yaml: `template:
  mapping:
    prompt: question
    response: answer
    scores: { helpfulness: rating }`,
    },
  ],
  create: (given, context) => {
    const dataSet = dataSetOf(given)
    return new RecordStage<Conversation>(
      'template',
      context,
      ({ note }) => {
        const read = dataSet.open({
          attributes: given.attributes,
          system: encode(given.system),
          user: encode(given.speakers.user),
          assistant: encode(given.speakers.assistant),
          note,
        })
        return (record, emit) => {
          if (record.kind !== 'json') {
            throw new SteerpipeError('WRONG_RECORD', {
              found: `a ${record.kind} where a row belongs`,
              expected: 'rows of a data set',
              fix: 'Put `template` right after `parse`.',
            })
          }
          read(record, emit)
        }
      },
      { group: given.group, bindsOutput: dataSet.bindsRow },
    )
  },
})
