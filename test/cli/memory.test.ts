import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { COMMAND, Folder } from '../support/command.js'
import { all, labelled, type Row, sample } from './data.js'

const folder = new Folder()

/** What is put through the command, in bytes. */
const AMOUNT = 120_000_000
/** What its resident size may come to. */
const LIMIT_MB = 200

/** Conversations of some length, no two of a block alike: half a megabyte or so. */
const rows = Array.from({ length: 400 }, (_, id): Row => {
  const prompt = `${id} ${'a question with “quotes” '.repeat(id % 30)}`
  const response = `line\nline\t${'and an answer – '.repeat((id * 7) % 120)}`
  return { prompt, response, helpfulness: id % 5, verbosity: (id * 3) % 5 }
})
const block = Buffer.from(all(labelled, rows))

const canMeasure = existsSync('/proc/self/status')

test.skipIf(!canMeasure)(
  `120 MB go through regression-expand in less than ${LIMIT_MB} MB${canMeasure ? '' : ' (skipped: /proc does not tell the peak here)'}`,
  async () => {
    const cwd = folder.fresh()
    const out = join(cwd, 'samples.jsonl')
    const child = spawn(process.execPath, [...COMMAND, 'regression-expand', '-o', out], {
      stdio: ['pipe', 'ignore', 'inherit'],
    })
    let peak = 0
    // The peak only grows, so that the last look before the end tells it, however seldom one looks.
    const look = () => {
      const [, kilobytes] =
        /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? []
      peak = Math.max(peak, Number(kilobytes ?? 0) / 1000)
    }
    const blocks = Math.ceil(AMOUNT / block.length)
    for (let written = 0; written < blocks; written++) {
      if (!child.stdin.write(block)) await once(child.stdin, 'drain')
      look()
    }
    child.stdin.end()
    const [code] = await once(child, 'exit')
    expect(code).toBe(0)
    expect(statSync(out).size).toBe(blocks * Buffer.byteLength(all(sample, rows)))
    expect(peak).toBeGreaterThan(30)
    expect(peak).toBeLessThan(LIMIT_MB)
  },
)
