import * as z from 'zod'
import { ALL_WIRES, stageSpec } from './spec.js'
import { UnitStage } from './unit-stage.js'

const options = z.strictObject({
  count: z.int().min(0).describe('How many records are dropped; a group that is begun is dropped whole.'),
})

/** All but the first records. */
export const skipSpec = stageSpec({
  name: 'skip',
  summary: 'all but the first records',
  description: 'What `limit` with the same count lets through is what `skip` drops, and the other way round.',
  options,
  main: 'count',
  accepts: ALL_WIRES,
  emits: (input) => input,
  memory: () => 'constant',
  keepsOrder: true,
  counts: () => true,
  examples: [{ title: 'What comes after the first thousand', yaml: 'skip: 1000' }],
  create: ({ count }, context) => {
    let left = count
    return new UnitStage('skip', context, {
      reason: 'skip',
      times: (_records, start, end) => {
        if (left <= 0) return 1
        left -= end - start
        return 0
      },
      memory: {
        save: () => left,
        restore: (saved) => {
          left = z.number().parse(saved)
        },
      },
    })
  },
})
