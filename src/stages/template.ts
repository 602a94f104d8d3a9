import * as z from 'zod'
import type { DataSet, DataSetOption } from '../datasets/dataset.js'
import { mappedRows, mappingOption } from '../datasets/flat.js'
import { DATA_SET_NAMES, DATA_SETS } from '../datasets/index.js'
import { SteerpipeError } from '../errors.js'
import { OASST_ATTRIBUTES } from '../records/attributes.js'
import type { AnyRecord } from '../records/batch.js'
import { SYSTEM_PROMPT } from '../records/chat-template.js'
import type { Conversation } from '../records/conversation.js'
import { encode } from '../records/json-text.js'
import type { Core } from './core.js'
import { RecordStage } from './record-stage.js'
import { attributesOption, groupOption, stageSpec } from './spec.js'

/** Options that only some data sets know. */
const SOME: readonly DataSetOption[] = ['splitTurns', 'labels', 'round']

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
    splitTurns: z
      .boolean()
      .default(false)
      .describe(
        'Make real turns of a prompt that holds several in one text, as HelpSteer2’s do, divided by `<extra_id_1>Assistant` and `<extra_id_1>User` on lines of their own. Not for `oasst` and `conversations`.',
      ),
    labels: z
      .array(z.string())
      .min(1)
      .refine((names) => new Set(names).size === names.length, 'a label is named twice')
      .optional()
      .describe(
        'With `dataset: oasst`, which labels of a message become scores; they must be among `attributes`. Default: quality, toxicity, humor, creativity; `label-format` drops, and counts, those that are not among the attributes.',
      ),
    round: z
      .enum(['none', 'half-even'])
      .optional()
      .describe(
        'With `dataset: oasst`, whether scores (the value of a label times 4) are rounded to integers, halves to the even one, as Python does. Default half-even.',
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
    const refuse = (message: string, path: string[], input: unknown) =>
      context.addIssue({ code: 'custom', message, path, input })
    if ((given.dataset === undefined) === (given.mapping === undefined)) {
      refuse('give either `dataset` or `mapping`', [], given)
    }
    const declared = (names: readonly string[], path: string[], input: unknown) => {
      for (const name of names) {
        if (given.attributes.some((attribute) => attribute.name === name)) continue
        refuse(`\`${name}\` is not among the attributes`, path, input)
      }
    }
    const scores = given.mapping?.scores
    declared(Array.isArray(scores) ? scores : Object.keys(scores ?? {}), ['mapping', 'scores'], scores)
    declared(given.labels ?? [], ['labels'], given.labels)
    if (given.dataset === undefined && given.mapping === undefined) return
    const { name, takes = [] } = dataSetOf(given)
    for (const option of SOME) {
      const value = given[option]
      if (value === undefined || value === false || takes.includes(option)) continue
      refuse(`not an option of \`${name}\``, [option], value)
    }
  })

/** The data set that the options name: a built-in one, or what a mapping describes. */
function dataSetOf({ dataset, mapping }: z.output<typeof options>): DataSet {
  if (dataset !== undefined) return DATA_SETS[dataset]
  if (mapping === undefined) throw new Error('neither dataset nor mapping: the schema refuses that')
  return mappedRows(mapping)
}

/** Rows of a data set to conversations. */
export const templateSpec = stageSpec({
  name: 'template',
  summary: 'rows of a data set to conversations with scores',
  description:
    'Each row becomes one conversation (two, a pair, for `helpsteer2-preference`; for `oasst` one for each way from the root of a tree to a message without replies) with the system prompt, the mask and, on the assistant’s turn, the scores that `label-format` makes a label of. Prompts and responses keep their text to the last byte; only the spelling of escapes becomes canonical. A row that lacks a field or has one of the wrong type is an error that names it. Of a tree, all messages are good or the whole tree is left out.',
  options,
  main: 'dataset',
  accepts: ['json'],
  emits: (_input, given) => (given.dataset === 'conversations' ? 'conversation' : 'scored'),
  memory: () => 'constant',
  keepsOrder: true,
  alone: (given) => given.group === 1 && dataSetOf(given).aloneWith === undefined,
  aloneWith: (given) => (given.group === 1 ? dataSetOf(given).aloneWith : undefined),
  parts: (given) => dataSetOf(given).parts,
  examples: [
    { title: 'HelpSteer2 rows', yaml: 'template: { dataset: helpsteer2 }' },
    {
      title: 'HelpSteer2 rows, with real turns where a prompt holds several',
      yaml: 'template: { dataset: helpsteer2, split-turns: true }',
    },
    { title: 'Open Assistant trees or messages', yaml: 'template: oasst' },
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
          splitTurns: given.splitTurns,
          labels: given.labels ?? OASST_ATTRIBUTES,
          round: given.round ?? 'half-even',
          note,
        })
        const core: Core<AnyRecord, Conversation> = (record, emit) => {
          if (record.kind !== 'json') {
            throw new SteerpipeError('WRONG_RECORD', {
              found: `a ${record.kind} where a row belongs`,
              expected: 'rows of a data set',
              fix: 'Put `template` right after `parse`.',
            })
          }
          read(record, emit)
        }
        const { gathers, direct } = read
        if (gathers === undefined) return Object.assign(core, { direct })
        const tie = (record: AnyRecord) => (record.kind === 'json' ? gathers.tie(record) : 'alone')
        return Object.assign(core, { gathers: { tie, end: () => gathers.end() }, direct })
      },
      { group: given.group, bindsOutput: dataSet.bindsRow },
    )
  },
})
