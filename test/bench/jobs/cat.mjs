import fs from 'node:fs'
import { withinTimes } from '../aims.mjs'
import { contest, makeRoomFor } from '../contest.mjs'
import { baseline, ours, recipe, UNSYNCED } from '../contestants.mjs'
import { inMegabytes } from '../figures.mjs'
import { inputOf } from '../inputs.mjs'
import { measure } from '../measure.mjs'
import { fromRoot, outputOf, ROOT } from '../paths.mjs'
import { contestFinding } from '../report.mjs'
import { REGRESSION } from './regression.mjs'

/**
 * For scale: what the disk alone takes for the regression job's output, and the job beside it.
 *
 * @param {import('../contestants.mjs').Bench} bench
 */
export function cat(bench) {
  const input = inputOf({ kind: 'conversations', megabytes: bench.megabytes })
  const made = outputOf('regression', 'python')
  if (!fs.existsSync(made)) {
    makeRoomFor(made)
    measure(baseline('regression', input, made), { cwd: ROOT })
  }
  const [copy, synced] = [outputOf('cat', 'plain'), outputOf('cat', 'synced')]
  const [from, to] = [fromRoot(made), fromRoot(synced)]
  const standings = contest(
    [
      { name: 'cat', command: ['cat', from], stdout: copy, output: copy },
      { name: 'cat and fsync', command: ['sh', '-c', `cat ${from} > ${to} && sync ${to}`], output: synced },
      ...ours((name) => {
        const output = outputOf('cat', name)
        return { command: recipe(bench, REGRESSION, input, output), output }
      }),
    ],
    bench.runs,
  )
  const title = `cat: the ${inMegabytes(fs.statSync(made).size)} MB of the regression job's output to a new file (MB/s are of the output)`
  const aim = withinTimes({
    work: `regression recipe, ${bench.megabytes} MB, no fsync`,
    standings,
    name: UNSYNCED,
    beside: 'cat',
    against: '`cat` of its output to a file',
    most: 5,
    hoped: 3,
  })
  return contestFinding(standings, made, title, [aim])
}
