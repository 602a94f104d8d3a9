/**
 * Kills and resumes runs for as long as one likes.
 *
 *   npm run soak -- [--minutes 10] [--seed 1] [--only 'recipe oasst']
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    only: { type: 'string' },
  },
})
const [minutes, seed] = [Number(values.minutes), Number(values.seed)]
if (!(minutes > 0) || !Number.isInteger(seed)) {
  console.error("usage: npm run soak -- [--minutes 10] [--seed 1] [--only 'recipe oasst']")
  process.exit(2)
}
const folder = fileURLToPath(new URL('.', import.meta.url))
const { status } = spawnSync('npx', ['vitest', 'run', '--config', `${folder}vitest.config.ts`], {
  cwd: fileURLToPath(new URL('../..', import.meta.url)),
  stdio: 'inherit',
  env: {
    ...process.env,
    SOAK_MINUTES: String(minutes),
    SOAK_SEED: String(seed),
    ...(values.only !== undefined && { SOAK_ONLY: values.only }),
  },
})
process.exit(status ?? 1)
