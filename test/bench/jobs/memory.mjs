import fs from 'node:fs'
import path from 'node:path'
import { noneAbove } from '../aims.mjs'
import { contest, filesOf, mustBeSame } from '../contest.mjs'
import { recipe } from '../contestants.mjs'
import { median } from '../figures.mjs'
import { MEGABYTE } from '../generate.mjs'
import { inputOf } from '../inputs.mjs'
import { OUTPUT_FOLDER } from '../paths.mjs'
import { markdownTable } from '../table.mjs'
import { CURATE } from './curate.mjs'
import { BOTH } from './helpsteer2.mjs'
import { oasstRecipe } from './oasst.mjs'
import { REGRESSION } from './regression.mjs'

/** @typedef {import('../contestants.mjs').Bench} Bench */

/** How much larger the larger input is. */
const LARGER = 10
/** Below this the smaller run has not filled its young generation yet, so that growth says nothing. */
const GROWTH_FROM_MB = 200
const WORKERS = 2
const MORE_WORKERS = [3, 4]

/**
 * @typedef {object} Job
 * @property {string} name
 * @property {Omit<import('../generate.mjs').Order, 'megabytes'>} reads
 * @property {readonly string[]} writes the names of its files
 * @property {boolean} prefix whether the output of a beginning of the input is a beginning of the output
 * @property {(bench: Bench, input: string, folder: string) => readonly string[]} command
 */

/** @type {readonly Job[]} */
const JOBS = [
  {
    name: 'regression',
    reads: { kind: 'conversations' },
    writes: ['out.jsonl'],
    prefix: true,
    command: (bench, input, folder) => recipe(bench, REGRESSION, input, path.join(folder, 'out.jsonl')),
  },
  {
    name: 'curate',
    reads: { kind: 'conversations' },
    writes: ['train.jsonl', 'val.jsonl'],
    prefix: true,
    command: (bench, input, folder) => recipe(bench, CURATE, input, folder),
  },
  {
    name: 'helpsteer2-gz',
    reads: { kind: 'rows', compressed: true },
    writes: ['sft.jsonl', 'regression.jsonl'],
    prefix: true,
    command: (bench, input, folder) => recipe(bench, BOTH, input, folder),
  },
  {
    name: 'oasst',
    reads: { kind: 'trees' },
    writes: ['train.jsonl', 'val.jsonl'],
    prefix: false, // it is shuffled
    command: oasstRecipe,
  },
]

/**
 * Peak resident sizes, over the size and over ten times the size, and with further workers. A smaller input is a
 * prefix of a larger one, so its output must be a prefix of the larger one's.
 *
 * @param {Bench} bench
 * @returns {import('../report.mjs').Finding}
 */
export function memory(bench) {
  const sizes = [bench.megabytes, bench.megabytes * LARGER]
  /** @type {import('../contest.mjs').Contestant[]} */
  const contestants = []
  const peaks = JOBS.map((job) => {
    const contestantOf = (/** @type {number} */ megabytes, /** @type {number} */ workers) => {
      const contestant = runOf(bench, job, megabytes, workers)
      contestants.push(contestant)
      return contestant
    }
    const [small, large] = sizes.map((megabytes) => contestantOf(megabytes, WORKERS))
    const smaller = residentMB(small, bench.runs)
    const [larger] = residentMB(large, 1)
    if (job.prefix) {
      const files = filesOf(large)
      for (const [i, file] of filesOf(small).entries()) mustBeSame(file, files[i], fs.statSync(file).size)
    }
    fs.rmSync(path.join(OUTPUT_FOLDER, 'memory'), { recursive: true })
    const further = MORE_WORKERS.map((workers) =>
      median(residentMB(contestantOf(bench.megabytes, workers), bench.runs)),
    )
    return { name: job.name, usual: median(smaller), larger, highest: Math.max(...smaller, larger), further }
  })
  return {
    title: `memory: ${WORKERS} workers; one run over ${sizes[1]} MB`,
    table: peaksTable(peaks, sizes),
    contestants,
    aims: aimsOf(peaks, sizes),
  }
}

/**
 * Resident sizes of a job, in MB.
 *
 * @typedef {object} Peaks
 * @property {string} name
 * @property {number} usual of the size, as a median
 * @property {number} larger of ten times the size
 * @property {number} highest of all these runs
 * @property {readonly number[]} further with one worker more each time, of the size, as medians
 */

/** @param {readonly Peaks[]} peaks @param {readonly number[]} sizes */
function aimsOf(peaks, sizes) {
  const figures = (/** @type {(job: Peaks) => number} */ figure) =>
    new Map(peaks.map((job) => [job.name, figure(job)]))
  const inMB = (/** @type {number} */ value) => `${value.toFixed(0)} MB`
  const work = `peak memory, ${WORKERS} workers, ${sizes.join(' and ')} MB`
  const most = noneAbove({ work, most: 300, inWords: inMB, figures: figures(({ highest }) => highest) })
  const apart = noneAbove({
    work: `${work}: the one beside the other`,
    most: 1.15,
    inWords: (value) => `${value.toFixed(2)} times`,
    figures: figures(({ usual, larger }) => Math.max(usual, larger) / Math.min(usual, larger)),
  })
  const further = noneAbove({
    work: 'peak memory, each further worker',
    most: 80,
    inWords: inMB,
    figures: figures(({ usual, further }) =>
      Math.max(...further.map((peak, i) => peak - (i === 0 ? usual : further[i - 1]))),
    ),
  })
  return [most, ...(sizes[0] < GROWTH_FROM_MB ? [] : [apart]), further]
}

/** @param {readonly Peaks[]} peaks @param {readonly number[]} sizes */
function peaksTable(peaks, sizes) {
  const [small, large] = sizes.map((size) => `${size} MB in`)
  const heads = [
    ...['resident MB', small, large, 'ratio', 'highest of these runs'],
    ...MORE_WORKERS.map((workers) => `${workers} workers, ${small}`),
  ]
  const rows = peaks.map(({ name, usual, larger, highest, further }) => [
    ...[name, usual.toFixed(0), larger.toFixed(0), (larger / usual).toFixed(2), highest.toFixed(0)],
    ...further.map((peak) => peak.toFixed(0)),
  ])
  return markdownTable(heads, rows)
}

/** @param {import('../contest.mjs').Contestant} contestant @param {number} runs */
const residentMB = (contestant, runs) =>
  contest([contestant], runs)[0].costs.map(({ resident }) => resident / MEGABYTE)

/**
 * @param {Bench} bench
 * @param {Job} job
 * @param {number} megabytes
 * @param {number} workers
 * @returns {import('../contest.mjs').Contestant}
 */
function runOf(bench, { name, reads, writes, command }, megabytes, workers) {
  const input = inputOf({ ...reads, megabytes })
  const folder = path.join(OUTPUT_FOLDER, 'memory', `${name}-${megabytes}MB`)
  const [output, beside] = writes
  return {
    name: `${name}, ${megabytes} MB, ${workers} workers`,
    command: [...command(bench, input, folder), '--workers', String(workers)],
    output: path.join(folder, output),
    ...(beside !== undefined && { beside }),
  }
}
