/** The commands that take part: ours, and the originals' algorithms in Python. */
import { BENCH, fromRoot } from './paths.mjs'

/**
 * @typedef {object} Bench
 * @property {number} megabytes
 * @property {number} runs
 * @property {readonly string[]} steerpipe how the command starts
 * @property {readonly string[]} flags for every `run`
 */

/** @typedef {import('./contest.mjs').Contestant} Contestant */

export const PYTHON = 'Python'
/** As the original scripts leave their output: written, and the disk left to the system. */
export const UNSYNCED = 'steerpipe, no fsync'
/** As it is by default: the output is on the disk when the command ends. */
export const OURS = 'steerpipe'

/**
 * @param {'regression' | 'helpsteer2' | 'oasst' | 'curate' | 'curate-lines'} job
 * @param {string} input
 * @param {string} output
 */
export const baseline = (job, input, output) => [
  'python3',
  `${BENCH}/baseline.py`,
  job,
  fromRoot(input),
  fromRoot(output),
]

/**
 * A run of a definition with the vars `in` and `out`.
 *
 * @param {Bench} bench
 * @param {string} definition
 * @param {string} input
 * @param {string} output
 */
export const recipe = ({ steerpipe, flags }, definition, input, output) => [
  ...[...steerpipe, 'run', definition],
  ...['--set', `in=${fromRoot(input)}`, '--set', `out=${fromRoot(output)}`, ...flags],
]

/**
 * Ours without the final fsync and with it.
 *
 * @param {(folder: string) => Omit<Contestant, 'name'>} make the command that writes below a folder of this name
 * @returns {Contestant[]}
 */
export function ours(make) {
  const unsynced = make('steerpipe-unsynced')
  return [
    { name: UNSYNCED, ...unsynced, command: [...unsynced.command, '--no-sync'] },
    { name: OURS, ...make('steerpipe') },
  ]
}
