/**
 * What a command takes: time on the clock, time on the processors, and the maximum resident set size that the
 * system reports for it. Of a command that starts others (`sh -c 'a | b'`), times are of all together and the
 * size is that of the largest one.
 *
 *   node test/bench/measure.mjs [--stdin FILE] [--stdout FILE] -- COMMAND…
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const MEASURE = fileURLToPath(new URL('measure.py', import.meta.url))

/**
 * @typedef {object} Cost
 * @property {number} wall seconds
 * @property {number} cpu seconds, user and system
 * @property {number} resident bytes
 */

/**
 * Runs the command to its end; throws when it fails.
 *
 * @param {readonly string[]} command
 * @param {{ stdin?: string | undefined, stdout?: string | undefined, cwd?: string | undefined }} [options]
 * @returns {Cost}
 */
export function measure(command, { stdin = '/dev/null', stdout = '/dev/null', cwd } = {}) {
  const job = JSON.stringify({ command, stdin, stdout })
  const run = spawnSync('python3', ['-I', '-S', MEASURE, job], {
    cwd,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (run.error) throw run.error
  const said = run.stderr.trim().split('\n').slice(-12).join('\n')
  if (run.status !== 0) throw new Error(`could not run: ${command.join(' ')}\n${said}`)
  const { code, wall, cpu, resident } = JSON.parse(run.stdout)
  if (code !== 0) throw new Error(`exit code ${code} from: ${command.join(' ')}\n${said}`)
  return { wall, cpu, resident }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { stdin: { type: 'string' }, stdout: { type: 'string' } },
  })
  if (positionals.length === 0) {
    console.error('usage: measure.mjs [--stdin FILE] [--stdout FILE] -- COMMAND…')
    process.exit(2)
  }
  console.log(JSON.stringify(measure(positionals, values)))
}
