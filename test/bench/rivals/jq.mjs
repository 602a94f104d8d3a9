import { spawnSync } from 'node:child_process'
import { BENCH, fromRoot, say } from '../paths.mjs'

export const JQ = 'jq'

/**
 * The regression job in jq, where that is installed.
 *
 * @param {string} input
 * @param {string} output
 * @returns {import('../contest.mjs').Contestant[]}
 */
export function jq(input, output) {
  if (spawnSync(JQ, ['--version']).status !== 0) {
    say('  jq is not installed: without it')
    return []
  }
  const command = [JQ, '-r', '-f', `${BENCH}/rivals/regression.jq`, fromRoot(input)]
  return [{ name: JQ, command, stdout: output, output }]
}
