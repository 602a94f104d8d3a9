import path from 'node:path'
import { fasterThan } from '../aims.mjs'
import { contest } from '../contest.mjs'
import { baseline, ours, PYTHON, recipe, UNSYNCED } from '../contestants.mjs'
import { inputOf } from '../inputs.mjs'
import { BENCH, OUTPUT_FOLDER } from '../paths.mjs'
import { contestFinding } from '../report.mjs'
import { DUCKDB, duckdb } from '../rivals/duckdb.mjs'

export const CURATE = `${BENCH}/curate.yaml`

/**
 * A filter, a split by prompt and a repetition, beside the same in Python and in DuckDB.
 *
 * @param {import('../contestants.mjs').Bench} bench
 */
export function curate(bench) {
  const input = inputOf({ kind: 'conversations', megabytes: bench.megabytes })
  const folder = (/** @type {string} */ name) => path.join(OUTPUT_FOLDER, 'curate', name)
  const made = (/** @type {string} */ name) => ({
    output: path.join(folder(name), 'train.jsonl'),
    beside: 'val.jsonl',
  })
  const standings = contest(
    [
      { name: PYTHON, command: baseline('curate', input, folder('python')), ...made('python') },
      {
        name: 'Python, lines as they were',
        command: baseline('curate-lines', input, folder('lines')),
        ...made('lines'),
      },
      ...ours((name) => ({ command: recipe(bench, CURATE, input, folder(name)), ...made(name) })),
      ...duckdb('curate', input, folder('duckdb'), made('duckdb')),
    ],
    bench.runs,
  )
  const unsynced = {
    work: `filter, split, repeat, ${bench.megabytes} MB, no fsync`,
    standings,
    name: UNSYNCED,
  }
  const aims = [
    fasterThan({ ...unsynced, beside: PYTHON, least: 8 }),
    fasterThan({ ...unsynced, beside: DUCKDB, least: 3 }),
  ]
  const title = `curate: ${bench.megabytes} MB of conversations filtered, split by prompt, each twice`
  return contestFinding(standings, input, title, aims)
}
