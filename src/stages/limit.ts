import * as z from 'zod'
import { ALL_WIRES, stageSpec } from './spec.js'
import { type Memory, type Selection, UnitStage } from './unit-stage.js'

const options = z.strictObject({
  count: z.int().min(0).describe('How many records go on; a group that is begun goes on whole.'),
})

/** The first records. */
export const limitSpec = stageSpec({
  name: 'limit',
  summary: 'the first records, and no more',
  description:
    'The input is read no further than is needed, unless a `write` before this stage wants all of it. (`--limit` of `run` counts what is read instead, before any stage.) Records that were read and come too late are counted as dropped.',
  options,
  main: 'count',
  accepts: ALL_WIRES,
  emits: (input) => input,
  memory: () => 'constant',
  keepsOrder: true,
  counts: () => true,
  examples: [{ title: 'The first thousand', yaml: 'limit: 1000' }],
  create: ({ count }, context) => new UnitStage('limit', context, new First(count)),
})

/** The first units, until they have enough records. */
class First implements Selection {
  readonly reason = 'limit'

  readonly memory: Memory = {
    save: () => this.left,
    restore: (saved) => {
      this.left = z.number().parse(saved)
    },
  }

  constructor(private left: number) {}

  get satisfied(): boolean {
    return this.left <= 0
  }

  times(_records: unknown, start: number, end: number): number {
    if (this.satisfied) return 0
    this.left -= end - start
    return 1
  }
}
