import { contest } from '../contest.mjs'
import { recipe } from '../contestants.mjs'
import { inputOf } from '../inputs.mjs'
import { outputOf } from '../paths.mjs'
import { contestFinding } from '../report.mjs'
import { REGRESSION } from './regression.mjs'

/**
 * What it costs to put on record how far a run has come: never, as often as is usual, and every second.
 *
 * @param {import('../contestants.mjs').Bench} bench
 */
export function checkpoints(bench) {
  const input = inputOf({ kind: 'conversations', megabytes: bench.megabytes })
  const standings = contest(
    ['off', '30s', '1s'].map((every) => {
      const output = outputOf('checkpoints', every)
      const command = [...recipe(bench, REGRESSION, input, output), '--checkpoint-every', every]
      return { name: every, command, output }
    }),
    bench.runs,
  )
  return contestFinding(standings, input, `checkpoints: the regression recipe over ${bench.megabytes} MB`)
}
