/** What the figures are meant to reach, and whether they do. */
import { timesAsFast } from './contest.mjs'
import { median, spread } from './figures.mjs'
import { markdownTable } from './table.mjs'

/**
 * @typedef {object} Aim
 * @property {string} work
 * @property {string} against
 * @property {string} bound such as `8 times as fast`
 * @property {string} measured
 * @property {boolean | undefined} met undefined when it was not measured
 */

/**
 * Two contestants, and what is said of them.
 *
 * @typedef {object} Comparison
 * @property {string} work
 * @property {readonly import('./contest.mjs').Standing[]} standings
 * @property {string} name the contestant that it is about
 * @property {string} beside the contestant that it is compared with
 * @property {string} [against] what that one is; its name by default
 * @property {number} [hoped] what would be better than the aim
 */

/** @param {Pick<Aim, 'work' | 'against' | 'bound'>} aim @param {Comparison} comparison @returns {Aim} */
function notMeasured(aim, { standings, name, beside }) {
  const absent = [name, beside].find((one) => standings.every(({ contestant }) => contestant.name !== one))
  return { ...aim, measured: `not measured: no ${absent} here`, met: undefined }
}

/** @param {number | undefined} hoped */
const better = (hoped) => (hoped === undefined ? '' : ` (${hoped} hoped for)`)

/**
 * That something is so many times as fast as something else. Judged by the median.
 *
 * @param {Comparison & { least: number }} comparison
 * @returns {Aim}
 */
export function fasterThan({ least, ...comparison }) {
  const { work, standings, name, beside, against = beside, hoped } = comparison
  const aim = { work, against, bound: `at least ${least} times as fast${better(hoped)}` }
  const times = timesAsFast(standings, name, beside)
  if (times.length === 0) return notMeasured(aim, comparison)
  return { ...aim, measured: spread(times), met: median(times) >= least }
}

/**
 * That something takes at most so many times what something else takes. Judged by the median.
 *
 * @param {Comparison & { most: number }} comparison
 * @returns {Aim}
 */
export function withinTimes({ most, ...comparison }) {
  const { work, standings, name, beside, against = beside, hoped } = comparison
  const aim = { work, against, bound: `at most ${most} times its time${better(hoped)}` }
  const times = timesAsFast(standings, beside, name)
  if (times.length === 0) return notMeasured(aim, comparison)
  return { ...aim, measured: spread(times), met: median(times) <= most }
}

/**
 * That none of several figures is above a limit: the highest is judged, and named.
 *
 * @param {object} aim
 * @param {string} aim.work
 * @param {number} aim.most
 * @param {(value: number) => string} aim.inWords
 * @param {ReadonlyMap<string, number>} aim.figures by what they were measured on
 * @returns {Aim}
 */
export function noneAbove({ work, most, inWords, figures }) {
  const [name, highest] = [...figures].reduce((a, b) => (b[1] > a[1] ? b : a))
  return {
    work,
    against: '–',
    bound: `at most ${inWords(most)}`,
    measured: `${inWords(highest)} (${name})`,
    met: highest <= most,
  }
}

/** @param {readonly Aim[]} aims */
export function aimsTable(aims) {
  const heads = ['work', 'against', 'aim', 'measured (lowest–highest)', 'met']
  const rows = aims.map(({ work, against, bound, measured, met }) => [
    ...[work, against, bound, measured],
    met === undefined ? '–' : met ? 'yes' : '**no**',
  ])
  return markdownTable(heads, rows, heads.length)
}
