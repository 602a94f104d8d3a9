import { withinTimes } from '../aims.mjs'
import { contest } from '../contest.mjs'
import { inMegabytes, inMilliseconds, median } from '../figures.mjs'
import { fromRoot, outputOf } from '../paths.mjs'
import { markdownTable } from '../table.mjs'

const RUNS = 15
const NODE = '`node -e 0`'
const HELP = '`steerpipe --help`'
const QUICKSTART = 'the quickstart'

/**
 * How long it takes to say what there is to say, and to do what there is little of.
 *
 * @param {import('../contestants.mjs').Bench} bench
 * @returns {import('../report.mjs').Finding}
 */
export function startup({ steerpipe }) {
  const folder = fromRoot(outputOf('startup', 'quickstart', ''))
  const quickstart = [...steerpipe, 'run', 'pipelines/quickstart.yaml', '--set', `out=${folder}`]
  const standings = contest(
    [
      { name: NODE, command: [process.execPath, '-e', '0'] },
      { name: HELP, command: [...steerpipe, '--help'] },
      { name: QUICKSTART, command: quickstart },
    ],
    RUNS,
  )
  const rows = standings.map(({ contestant, costs }) => [
    contestant.name,
    inMilliseconds(median(costs.map((cost) => cost.wall))),
    inMilliseconds(median(costs.map((cost) => cost.cpu))),
    inMegabytes(median(costs.map((cost) => cost.resident))),
  ])
  const aims = [
    withinTimes({ work: HELP, standings, name: HELP, beside: NODE, most: 2.5 }),
    withinTimes({ work: QUICKSTART, standings, name: QUICKSTART, beside: NODE, most: 5 }),
  ]
  return {
    title: `startup: medians of ${RUNS}`,
    table: markdownTable(['', 'wall ms', 'user + sys ms', 'resident MB'], rows),
    contestants: standings.map(({ contestant }) => contestant),
    aims,
  }
}
