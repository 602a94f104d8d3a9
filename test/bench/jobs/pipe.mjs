import path from 'node:path'
import { withinTimes } from '../aims.mjs'
import { contest } from '../contest.mjs'
import { baseline, ours, recipe, UNSYNCED } from '../contestants.mjs'
import { inputOf } from '../inputs.mjs'
import { BENCH, fromRoot, outputOf, spelled } from '../paths.mjs'
import { contestFinding } from '../report.mjs'

const DEFINITION = `${BENCH}/helpsteer2-regression.yaml`
const FILTERS = 'steerpipe, three filters'

/**
 * Three filters in a shell beside the same stages in one recipe.
 *
 * @param {import('../contestants.mjs').Bench} bench
 */
export function pipe(bench) {
  const input = inputOf({ kind: 'rows', megabytes: bench.megabytes })
  const to = (/** @type {string} */ name) => outputOf('pipe', name)
  const between = path.join(path.dirname(to('python')), 'sft.jsonl')
  const filter = spelled(bench.steerpipe)
  const filters = [
    `${filter} template --dataset helpsteer2 < ${fromRoot(input)}`,
    `${filter} label-format`,
    `${filter} regression-expand > ${fromRoot(to('pipe'))}`,
  ]
  const scripts = [baseline('helpsteer2', input, between), baseline('regression', between, to('python'))]
  const standings = contest(
    [
      {
        name: 'Python, two scripts',
        command: ['sh', '-c', scripts.map(spelled).join(' && ')],
        output: to('python'),
      },
      {
        name: FILTERS,
        command: ['bash', '-o', 'pipefail', '-c', filters.join(' | ')],
        output: to('pipe'),
      },
      ...ours((name) => ({ command: recipe(bench, DEFINITION, input, to(name)), output: to(name) })),
    ],
    bench.runs,
  )
  const aim = withinTimes({
    work: '`template \\| label-format \\| regression-expand`',
    standings,
    name: FILTERS,
    beside: UNSYNCED,
    against: 'the same as a recipe, no fsync (filters have none either)',
    most: 2,
  })
  return contestFinding(standings, input, `pipe: ${bench.megabytes} MB of rows to samples`, [aim])
}
