import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { hasParity, PARITY, ROOT } from './support/paths.js'

if (!hasParity) console.warn('parity is not checked: its folder is not beside the project')

test.skipIf(!hasParity)('the recipes write the same bytes as the original tools', () => {
  const result = spawnSync(`${PARITY}/check`, {
    cwd: ROOT,
    encoding: 'utf8',
  })
  expect(result.stdout + result.stderr).toMatch(/^21 passed, 0 failed$/m)
  expect(result.status).toBe(0)
})
