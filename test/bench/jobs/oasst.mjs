import path from 'node:path'
import { fasterThan } from '../aims.mjs'
import { contest } from '../contest.mjs'
import { baseline, ours, PYTHON, UNSYNCED } from '../contestants.mjs'
import { inputOf } from '../inputs.mjs'
import { fromRoot, OUTPUT_FOLDER } from '../paths.mjs'
import { contestFinding } from '../report.mjs'

/** The shipped recipe. @param {import('../contestants.mjs').Bench} bench @param {string} input @param {string} folder */
export const oasstRecipe = ({ steerpipe, flags }, input, folder) => [
  ...[...steerpipe, 'run', 'pipelines/oasst.yaml'],
  ...['--input', `trees=${fromRoot(input)}`, '--set', `out=${fromRoot(folder)}`, ...flags],
]

/**
 * The shipped recipe, on gzipped trees: shuffled as Python does, split, and a conversation for each thread.
 *
 * @param {import('../contestants.mjs').Bench} bench
 */
export function oasst(bench) {
  const input = inputOf({ kind: 'trees', megabytes: bench.megabytes })
  const folder = (/** @type {string} */ name) => path.join(OUTPUT_FOLDER, 'oasst', name)
  const made = (/** @type {string} */ name) => ({
    output: path.join(folder(name), 'train.jsonl'),
    beside: 'val.jsonl',
  })
  const standings = contest(
    [
      { name: PYTHON, command: baseline('oasst', input, folder('python')), ...made('python') },
      ...ours((name) => ({ command: oasstRecipe(bench, input, folder(name)), ...made(name) })),
    ],
    bench.runs,
  )
  const aim = fasterThan({
    work: `OASST trees (gz), ${bench.megabytes} MB, to SFT, no fsync`,
    standings,
    name: UNSYNCED,
    beside: PYTHON,
    least: 8,
  })
  const title = `oasst: ${bench.megabytes} MB of trees (gzipped; MB/s are of the compressed bytes) to SFT conversations`
  return contestFinding(standings, input, title, [aim])
}
