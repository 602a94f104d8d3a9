import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    // Most tests wait for commands that they have started: there is room for more of them than there are cores.
    maxWorkers: 3,
    testTimeout: 120_000,
    hookTimeout: 240_000,
  },
})
