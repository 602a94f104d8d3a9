import * as z from 'zod'
import { PythonRandom } from '../records/python-random.js'
import { ALL_WIRES, seedOption, stageSpec } from './spec.js'
import { UnitStage } from './unit-stage.js'

const options = z.strictObject({
  fraction: z.number().min(0).max(1).describe('The chance of each record, or each group, to go on; 0 to 1.'),
  seed: seedOption,
})

const savedRandom = z.strictObject({ index: z.int(), words: z.array(z.int()).length(PythonRandom.words) })

/** A random part of the records. */
export const sampleSpec = stageSpec({
  name: 'sample',
  summary: 'a random part of the records, in their order',
  description:
    'Each record is drawn for itself, so that about `fraction` of them go on; the same seed draws the same ones: those for which Python’s `random.random() < fraction` holds after `random.seed(seed)`. For an exact number use `shuffle` and `limit`.',
  options,
  main: 'fraction',
  accepts: ALL_WIRES,
  emits: (input) => input,
  memory: () => 'constant',
  keepsOrder: true,
  counts: () => true,
  examples: [{ title: 'A tenth', yaml: 'sample: { fraction: 0.1, seed: 7 }' }],
  create: ({ fraction, seed }, context) => {
    const random = new PythonRandom(seed)
    return new UnitStage('sample', context, {
      reason: 'sample',
      times: () => (random.next() < fraction ? 1 : 0),
      memory: {
        save: () => random.save(),
        restore: (saved) => random.restore(savedRandom.parse(saved)),
      },
    })
  },
})
