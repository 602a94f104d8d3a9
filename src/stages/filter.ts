import * as z from 'zod'
import { compile, type ExpressionMistake } from './filter-expression.js'
import { mistakeError } from './option-mistake.js'
import { attributesOption, type OptionMistake, stageSpec } from './spec.js'
import { UnitStage } from './unit-stage.js'

const options = z.strictObject({
  where: z
    .string()
    .min(1)
    .describe('The condition, in the Common Expression Language (CEL), such as `helpfulness >= 3.0`.'),
  match: z
    .enum(['all', 'any'])
    .default('all')
    .describe('Whether a group of records is kept when the condition holds for all of them, or for any.'),
  name: z
    .string()
    .min(1)
    .optional()
    .describe('What dropped records are counted under. Default: the condition itself.'),
  attributes: attributesOption,
})

/** Records for which an expression holds. */
export const filterSpec = stageSpec({
  name: 'filter',
  summary: 'the records for which an expression holds',
  description:
    'An attribute’s name is its score in the last turn that has scores or a label, or the row’s own field; `turns` are the turns, each with `from`, `value`, `label`, `chars` and its scores; `speakers`, `system`, `mask` and `chars` (of all turns) are the conversation’s; `source` has the fields of the record that was read; `part` is the part that it belongs to. A comparison with a score that is missing (or its sentinel) is false, `!=` too; `has(helpfulness)` asks whether it is there. Dropped records are counted under the expression, or under `name`.',
  options,
  main: 'where',
  accepts: ['json', 'scored', 'conversation'],
  emits: (input) => input,
  memory: () => 'constant',
  keepsOrder: true,
  alone: () => true,
  examples: [
    { title: 'Helpful and short', yaml: "filter: 'helpfulness >= 3.0 && verbosity <= 2.0'" },
    {
      title: 'By what the record was made from, and by a turn',
      yaml: `filter:
  where: 'has(source.lang) && source.lang == "en" && turns.exists(t, t.quality >= 3.0)'
  name: English and good`,
    },
    { title: 'One part only', yaml: `filter: 'part == "train"'` },
  ],
  check: ({ where, attributes }) => {
    const compiled = compile(where, attributes)
    return 'mistake' in compiled ? [inOption(compiled.mistake)] : []
  },
  create: (given, context) => {
    const compiled = compile(given.where, given.attributes)
    if ('mistake' in compiled) throw mistakeError('filter', inOption(compiled.mistake))
    const { holds, holdsRaw } = compiled
    const any = given.match === 'any'
    return new UnitStage('filter', context, {
      reason: given.name ?? given.where,
      times: (records, start, end) => {
        // Each record is asked, so that a bad one is found wherever it stands in its group.
        let held = 0
        for (let i = start; i < end; i++) if (holds(records[i])) held++
        return (any ? held > 0 : held === end - start) ? 1 : 0
      },
      direct: holdsRaw && { times: holdsRaw, most: 1 },
    })
  },
})

/** A mistake in the expression as one in its option. */
const inOption = (mistake: ExpressionMistake): OptionMistake => ({
  option: 'where',
  code: 'BAD_EXPRESSION',
  found: mistake.found,
  expected: mistake.expected,
  fix: mistake.fix,
  at: mistake.at,
})
