import { fasterThan } from '../aims.mjs'
import { contest } from '../contest.mjs'
import { baseline, OURS, ours, PYTHON, recipe, UNSYNCED } from '../contestants.mjs'
import { inputOf } from '../inputs.mjs'
import { outputOf } from '../paths.mjs'
import { contestFinding } from '../report.mjs'
import { DUCKDB, duckdb } from '../rivals/duckdb.mjs'
import { JQ, jq } from '../rivals/jq.mjs'

export const REGRESSION = 'pipelines/regression.yaml'

/**
 * The shipped recipe beside the original's algorithm, DuckDB and jq.
 *
 * @param {import('../contestants.mjs').Bench} bench
 */
export function regression(bench) {
  const input = inputOf({ kind: 'conversations', megabytes: bench.megabytes })
  const to = (/** @type {string} */ name) => outputOf('regression', name)
  const standings = contest(
    [
      { name: PYTHON, command: baseline('regression', input, to('python')), output: to('python') },
      ...ours((name) => ({ command: recipe(bench, REGRESSION, input, to(name)), output: to(name) })),
      ...duckdb('regression', input, to('duckdb'), { output: to('duckdb') }),
      ...jq(input, to('jq')),
    ],
    bench.runs,
  )
  const work = `regression recipe, ${bench.megabytes} MB`
  const unsynced = { work: `${work}, no fsync`, standings, name: UNSYNCED }
  const aims = [
    fasterThan({ ...unsynced, beside: PYTHON, least: 8, hoped: 10 }),
    fasterThan({ work, standings, name: OURS, beside: PYTHON, least: 6 }),
    fasterThan({ ...unsynced, beside: DUCKDB, least: 5 }),
    fasterThan({ ...unsynced, beside: JQ, least: 5 }),
  ]
  return contestFinding(
    standings,
    input,
    `regression: ${bench.megabytes} MB of conversations to samples`,
    aims,
  )
}
