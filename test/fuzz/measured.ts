import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { COMMAND } from '../support/command.js'

/** Whether the peak of a process can be told here. */
export const canMeasure = existsSync('/proc/self/status')

/** How often the peak is looked at, in milliseconds. It only grows. */
const LOOK = 5

/** How a run of the command ended, and what it took. */
export interface Measured {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
  /** The peak of its resident size in MB; 0 where that cannot be told. */
  readonly peak: number
}

/** Runs the command. @param input what its stdin is given, piece by piece */
export async function measured(
  args: readonly string[],
  cwd: string,
  input: Iterable<string | Uint8Array> = [],
): Promise<Measured> {
  const child = spawn(process.execPath, [...COMMAND, ...args], { cwd, timeout: 50_000 })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  let peak = 0
  const look = () => {
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? []
    peak = Math.max(peak, Number(kilobytes ?? 0) / 1000)
  }
  const timer = canMeasure ? setInterval(look, LOOK) : undefined
  const closed = once(child, 'close')
  child.once('exit', () => clearInterval(timer))
  // It may end before it has read everything.
  const ended = new Promise<void>((resolve) => {
    child.stdin.on('error', () => resolve()).on('close', () => resolve())
  })
  for (const piece of input) {
    if (child.stdin.destroyed) break
    if (!child.stdin.write(piece)) await Promise.race([once(child.stdin, 'drain').catch(() => {}), ended])
  }
  child.stdin.end()
  const [status] = await closed
  return { status, stdout, stderr, peak }
}
