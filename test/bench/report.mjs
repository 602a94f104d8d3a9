/** What a bench has found, as the page shows it. */
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import { aimsTable } from './aims.mjs'
import { BENCH, fromRoot, RESULTS, spelled } from './paths.mjs'
import { DUCKDB_VERSION } from './rivals/duckdb.mjs'
import { contestTable } from './table.mjs'

/** @typedef {import('./contest.mjs').Contestant} Contestant */

/**
 * What a job found: its title, its table, what was measured, what it was meant to reach, and what must
 * not be.
 *
 * @typedef {object} Finding
 * @property {string} title
 * @property {string} table
 * @property {readonly Contestant[]} contestants
 * @property {readonly import('./aims.mjs').Aim[]} [aims]
 * @property {readonly string[]} [failures]
 */

/**
 * @param {readonly import('./contest.mjs').Standing[]} standings
 * @param {string} input
 * @param {string} title
 * @param {readonly import('./aims.mjs').Aim[]} [aims]
 * @returns {Finding}
 */
export const contestFinding = (standings, input, title, aims = []) => ({
  title,
  table: contestTable(standings, input),
  contestants: standings.map(({ contestant }) => contestant),
  aims,
})

/** @param {string} program @param {readonly string[]} args */
const versionOf = (program, args) => {
  const { error, stdout } = spawnSync(program, args, { encoding: 'utf8' })
  return error ? '' : stdout.trim()
}

function machine() {
  const cpus = os.cpus()
  const others = [
    versionOf('python3', ['--version']),
    `DuckDB ${DUCKDB_VERSION}`,
    versionOf('jq', ['--version']),
  ]
  return [
    `${new Date().toISOString().slice(0, 10)}.`,
    `${cpus[0]?.model.trim() ?? 'unknown processor'}, ${os.availableParallelism()} cores,`,
    `${(os.totalmem() / 2 ** 30).toFixed(0)} GiB, ${os.type()} ${os.release()};`,
    `Node ${process.versions.node}, ${others.filter(Boolean).join(', ')}.`,
  ].join(' ')
}

/** The command as whoever tries it would type it. @param {Contestant} contestant */
const typed = ({ command, stdout }) =>
  spelled(command).replaceAll(process.execPath, 'node') +
  (stdout === undefined ? '' : ` > ${fromRoot(stdout)}`)

/**
 * @param {readonly Finding[]} findings
 * @param {import('./contestants.mjs').Bench} bench
 */
export function report(findings, bench) {
  const asked = `\`${spelled(['node', `${BENCH}/run.mjs`, ...process.argv.slice(2)])}\``
  const commands = findings.flatMap(({ contestants }) => contestants).map(typed)
  const aims = findings.flatMap(({ aims }) => aims ?? [])
  return [
    `${machine()} ${bench.runs === 1 ? 'One run' : `Medians of ${bench.runs} runs`} each, by ${asked}.`,
    ...(aims.length > 0 ? [`### aims\n\n${aimsTable(aims)}`] : []),
    ...findings.map(({ title, table }) => `### ${title}\n\n${table}`),
    `<details><summary>The commands</summary>\n\n\`\`\`sh\n${commands.join('\n')}\n\`\`\`\n\n</details>`,
  ].join('\n\n')
}

/** Puts the figures into the page. @param {string} figures */
export function writeResults(figures) {
  const page = fs.readFileSync(RESULTS, 'utf8')
  const [start, end] = ['<!-- figures -->', '<!-- /figures -->']
  const [from, to] = [page.indexOf(start), page.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`${fromRoot(RESULTS)} has no ${start} … ${end}`)
  fs.writeFileSync(RESULTS, `${page.slice(0, from + start.length)}\n${figures}\n${page.slice(to)}`)
}
