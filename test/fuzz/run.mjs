/**
 * Any number of fuzz cases:
 *
 *     npm run fuzz -- [--count 1000000] [--seed 7] [--case file:123]
 *
 * Without a seed it takes the time, and says which. A case that hangs is told, and ended.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '200000' },
    seed: { type: 'string', default: String(Math.floor(Date.now() / 1000) % 1_000_000) },
    case: { type: 'string' },
  },
})
/** No case takes longer, in milliseconds. */
const LONGEST = 60_000

const root = new URL('../..', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'steerpipe-fuzz-'))
const at = join(folder, 'at')
const now = () => {
  try {
    return readFileSync(at, 'utf8')
  } catch {
    return 'none yet'
  }
}

console.log(
  `seed ${values.seed}, ${values.case ? `case ${values.case}` : `${values.count} lines, ${values.count} files`}`,
)
const vitest = join(root, 'node_modules/vitest/vitest.mjs')
const args = [vitest, 'run', '--config', join(root, 'test/vitest.config.ts'), 'test/fuzz/fuzz.test.ts']
const run = spawn(process.execPath, args, {
  cwd: root,
  // A group of its own, so that the workers end with it.
  detached: true,
  stdio: ['ignore', 'inherit', 'inherit'],
  env: {
    ...process.env,
    FUZZ_SEED: values.seed,
    FUZZ_COUNT: values.count,
    FUZZ_AT: at,
    ...(values.case && { FUZZ_CASE: values.case }),
  },
})
const end = (signal) => process.kill(-run.pid, signal)
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => end(signal))

let last = ''
let since = Date.now()
const watch = setInterval(() => {
  const current = now()
  if (current !== last) {
    last = current
    since = Date.now()
  } else if (Date.now() - since > LONGEST) {
    console.error(`case ${current} of seed ${values.seed} hangs`)
    end('SIGKILL')
  }
}, 1000)
run.once('exit', (code) => {
  clearInterval(watch)
  rmSync(folder, { recursive: true, force: true })
  process.exitCode = code ?? 1
})
