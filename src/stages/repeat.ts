import * as z from 'zod'
import { ALL_WIRES, stageSpec } from './spec.js'
import { UnitStage } from './unit-stage.js'

const options = z.strictObject({
  times: z.int().min(1).describe('How many times in a row each record, or each group of records, goes on.'),
})

/** Each record several times. */
export const repeatSpec = stageSpec({
  name: 'repeat',
  summary: 'each record several times in a row',
  description:
    'A group of records (a preference pair) is repeated as a whole: first, second, first, second. To go through a file twice from its start, name it twice in `inputs` instead.',
  options,
  main: 'times',
  accepts: ALL_WIRES,
  emits: (input) => input,
  memory: () => 'constant',
  keepsOrder: true,
  // More would be much to hold before it can be written.
  alone: ({ times }) => times <= 16,
  separates: true,
  examples: [{ title: 'Each record four times', yaml: 'repeat: 4' }],
  create: ({ times }, context) =>
    new UnitStage('repeat', context, {
      reason: 'repeat',
      times: () => times,
      direct: { times: () => times, most: times },
    }),
})
