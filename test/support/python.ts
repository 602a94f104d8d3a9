/**
 * Python as the judge of how Python spells things. Tests that ask it are skipped where there is none.
 */
import { spawnSync } from 'node:child_process'
import type { TestContext } from 'vitest'

const present = spawnSync('python3', ['-c', 'pass']).status === 0

/** Skips the test, and says why, when there is no python3. */
export function needsPython(context: TestContext): void {
  if (!present) context.skip('python3 is not installed: compared with the recorded table only')
}

/** The lines that a Python script writes; it finds `input` on its stdin. */
export function pythonLines(script: string, input: string | Uint8Array): string[] {
  const preamble = 'import sys, json, struct\nsys.stdout.reconfigure(encoding="utf-8", newline="\\n")\n'
  const { status, stdout, stderr } = spawnSync('python3', ['-c', preamble + script], {
    input,
    maxBuffer: 1 << 28,
  })
  if (status !== 0) throw new Error(`python3 failed: ${stderr.toString()}`)
  return stdout.toString('utf8').replace(/\n$/, '').split('\n')
}
