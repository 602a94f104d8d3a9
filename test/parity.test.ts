import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { hasParity, PARITY, ROOT } from './support/paths.js'

const RECIPES = 'helpsteer helpsteer2 helpsteer2-helpfulness helpsteer2-preference regression'

if (!hasParity) console.warn('parity is not checked: its folder is not beside the project')

test.skipIf(!hasParity)('the recipes write the same bytes as the original tools', () => {
  const result = spawnSync(`${PARITY}/check`, {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, ONLY: RECIPES },
  })
  expect(result.stdout + result.stderr).toMatch(/^15 passed, 0 failed$/m)
  expect(result.status).toBe(0)
})
