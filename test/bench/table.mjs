import fs from 'node:fs'
import { timesAsFast } from './contest.mjs'
import { inMegabytes, inSeconds, median, spread } from './figures.mjs'

/**
 * @param {readonly string[]} heads
 * @param {readonly (readonly string[])[]} rows
 * @param {number} [words] how many columns are words, before those that are numbers
 */
export const markdownTable = (heads, rows, words = 1) =>
  [heads, heads.map((_, i) => (i < words ? '---' : '---:')), ...rows]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n')

/**
 * A row for each contestant, set beside the first one.
 *
 * @param {readonly import('./contest.mjs').Standing[]} standings
 * @param {string} input what MB/s are of
 */
export function contestTable(standings, input) {
  const size = fs.statSync(input).size
  const first = standings[0].contestant.name
  const heads = ['', 'wall s', 'user + sys s', 'resident MB', 'MB/s in', `times the speed of ${first}`]
  const rows = standings.map(({ contestant: { name }, costs }) => {
    const wall = median(costs.map((cost) => cost.wall))
    return [
      name,
      inSeconds(wall),
      inSeconds(median(costs.map((cost) => cost.cpu))),
      inMegabytes(median(costs.map((cost) => cost.resident))),
      inMegabytes(size / wall),
      name === first ? '1' : spread(timesAsFast(standings, name, first)),
    ]
  })
  return markdownTable(heads, rows)
}
