import path from 'node:path'
import { fasterThan } from '../aims.mjs'
import { contest } from '../contest.mjs'
import { baseline, ours, PYTHON, recipe, UNSYNCED } from '../contestants.mjs'
import { inputOf } from '../inputs.mjs'
import { BENCH, OUTPUT_FOLDER, outputOf, spelled } from '../paths.mjs'
import { contestFinding } from '../report.mjs'

const PLAIN = `${BENCH}/helpsteer2-plain.yaml`
export const BOTH = `${BENCH}/helpsteer2-both.yaml`

/**
 * Rows that are not compressed, to SFT conversations.
 *
 * @param {import('../contestants.mjs').Bench} bench
 */
export function helpsteer2(bench) {
  const input = inputOf({ kind: 'rows', megabytes: bench.megabytes })
  const to = (/** @type {string} */ name) => outputOf('helpsteer2', name)
  const standings = contest(
    [
      { name: PYTHON, command: baseline('helpsteer2', input, to('python')), output: to('python') },
      ...ours((name) => ({ command: recipe(bench, PLAIN, input, to(name)), output: to(name) })),
    ],
    bench.runs,
  )
  return contestFinding(standings, input, `helpsteer2: ${bench.megabytes} MB of rows to SFT conversations`)
}

/**
 * Rows as they are published, gzipped, to SFT conversations and to regression samples in one pass, beside the
 * originals' two scripts, one after the other.
 *
 * @param {import('../contestants.mjs').Bench} bench
 */
export function helpsteer2Gz(bench) {
  const input = inputOf({ kind: 'rows', megabytes: bench.megabytes, compressed: true })
  const folder = (/** @type {string} */ name) => path.join(OUTPUT_FOLDER, 'helpsteer2-gz', name)
  const made = (/** @type {string} */ name) => ({
    output: path.join(folder(name), 'sft.jsonl'),
    beside: 'regression.jsonl',
  })
  const [sft, samples] = ['sft.jsonl', 'regression.jsonl'].map((name) => path.join(folder('python'), name))
  const scripts = [baseline('helpsteer2', input, sft), baseline('regression', sft, samples)]
  const standings = contest(
    [
      { name: PYTHON, command: ['sh', '-c', scripts.map(spelled).join(' && ')], ...made('python') },
      ...ours((name) => ({ command: recipe(bench, BOTH, input, folder(name)), ...made(name) })),
    ],
    bench.runs,
  )
  const aim = fasterThan({
    work: `HelpSteer2 rows (gz), ${bench.megabytes} MB, to SFT and regression in one pass, no fsync`,
    standings,
    name: UNSYNCED,
    beside: PYTHON,
    against: 'Python, two scripts',
    least: 8,
  })
  const title = `helpsteer2-gz: ${bench.megabytes} MB of rows (gzipped; MB/s are of the compressed bytes) to SFT conversations and samples`
  return contestFinding(standings, input, title, [aim])
}
