/** Commands that do the same work, run in turn, and what they wrote compared. */
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { inMegabytes, inSeconds } from './figures.mjs'
import { measure } from './measure.mjs'
import { ROOT, say } from './paths.mjs'

/** @typedef {import('./measure.mjs').Cost} Cost */

/**
 * @typedef {object} Contestant
 * @property {string} name
 * @property {readonly string[]} command
 * @property {string} [output] the file it makes; all of a contest must have the same bytes
 * @property {string} [beside] the name of another file in the same folder, likewise
 * @property {string} [stdout] where its standard output goes
 */

/** @typedef {{ contestant: Contestant, costs: Cost[] }} Standing */

/** A result that must not be: bytes that differ. */
export class Failure extends Error {}

/** @param {string} file */
export function makeRoomFor(file) {
  fs.rmSync(path.dirname(file), { recursive: true, force: true })
  fs.mkdirSync(path.dirname(file), { recursive: true })
}

/**
 * @param {string} expected
 * @param {string} got
 * @param {number} [bytes] compare only so many
 * @throws Failure when they differ
 */
export function mustBeSame(expected, got, bytes) {
  const run = spawnSync('cmp', [...(bytes === undefined ? [] : ['-n', String(bytes)]), expected, got], {
    encoding: 'utf8',
  })
  if (run.error) throw run.error
  if (run.status !== 0) throw new Failure(`bytes differ: ${run.stdout}${run.stderr}`.trim())
}

/** The files that a contestant makes. @param {Contestant} contestant */
export const filesOf = ({ output, beside }) => [
  ...(output === undefined ? [] : [output]),
  ...(output === undefined || beside === undefined ? [] : [path.join(path.dirname(output), beside)]),
]

/**
 * Runs all contestants in turn, every other round in reverse, and compares what they wrote after each round.
 *
 * @param {readonly Contestant[]} contestants
 * @param {number} runs
 * @returns {Standing[]} in the order of the contestants
 * @throws Failure when they wrote different bytes
 */
export function contest(contestants, runs) {
  const standings = contestants.map((contestant) => ({ contestant, costs: /** @type {Cost[]} */ ([]) }))
  for (let round = 0; round < runs; round++) {
    for (const { contestant, costs } of round % 2 ? standings.toReversed() : standings) {
      if (contestant.output) {
        makeRoomFor(contestant.output)
        spawnSync('sync')
      }
      const cost = measure(contestant.command, { cwd: ROOT, stdout: contestant.stdout })
      costs.push(cost)
      if (contestant.output)
        say(`  ${contestant.name}: ${inSeconds(cost.wall)} s, ${inMegabytes(cost.resident)} MB`)
    }
    const [first, ...rest] = contestants.filter(({ output }) => output !== undefined).map(filesOf)
    for (const files of rest) {
      for (const [i, file] of files.entries()) mustBeSame(first[i], file)
    }
  }
  return standings
}

/**
 * How many times as fast one contestant was as another, round by round.
 *
 * @param {readonly Standing[]} standings
 * @param {string} name
 * @param {string} against the name of the other one
 * @returns {number[]} empty when one of them did not take part
 */
export function timesAsFast(standings, name, against) {
  const [ours, theirs] = [name, against].map((wanted) =>
    standings.find(({ contestant }) => contestant.name === wanted),
  )
  return ours && theirs ? ours.costs.map((cost, round) => theirs.costs[round].wall / cost.wall) : []
}
