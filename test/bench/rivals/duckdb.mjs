/** DuckDB's Python package, in an environment of its own: the first use makes it, later ones find it. */
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { BENCH, fromRoot, ROOT, say } from '../paths.mjs'

export const DUCKDB = 'DuckDB'

const REQUIREMENTS = fileURLToPath(new URL('requirements.txt', import.meta.url))
/** With another one all figures are to be measured anew. */
export const DUCKDB_VERSION = fs.readFileSync(REQUIREMENTS, 'utf8').trim().replace('duckdb==', '')

/** Below node_modules, so that no other tool looks into it. */
const ENVIRONMENT = path.join(ROOT, 'node_modules/.cache/steerpipe', `duckdb-${DUCKDB_VERSION}`)
const COMPLETE = path.join(ENVIRONMENT, 'complete')

/** What pip or Python has said where it could not be set up. */
function setUp() {
  if (fs.existsSync(COMPLETE)) return undefined
  say(`  DuckDB ${DUCKDB_VERSION} is installed to ${fromRoot(ENVIRONMENT)}`)
  // What a killed run has left behind is made anew.
  fs.rmSync(ENVIRONMENT, { recursive: true, force: true })
  const pip = [path.join(ENVIRONMENT, 'bin/python'), '-m', 'pip', 'install', '--disable-pip-version-check']
  for (const [program, ...args] of [
    ['python3', '-m', 'venv', ENVIRONMENT],
    [...pip, '--no-input', '--requirement', REQUIREMENTS],
  ]) {
    const { error, status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' })
    if (error || status !== 0) return error ? error.message : `${stdout}${stderr}`.trim()
  }
  fs.writeFileSync(COMPLETE, '')
  return undefined
}

/**
 * A job in DuckDB, where that can be had.
 *
 * @param {'regression' | 'curate'} job
 * @param {string} input
 * @param {string} output
 * @param {Pick<import('../contest.mjs').Contestant, 'output' | 'beside'>} made
 * @returns {import('../contest.mjs').Contestant[]}
 */
export function duckdb(job, input, output, made) {
  const failed = setUp()
  if (failed !== undefined) {
    say(`  DuckDB could not be installed: without it\n${failed}`)
    return []
  }
  const own = fromRoot(path.join(ENVIRONMENT, 'bin/python'))
  const command = [own, `${BENCH}/rivals/in_duckdb.py`, job, fromRoot(input), fromRoot(output)]
  return [{ name: DUCKDB, command, ...made }]
}
