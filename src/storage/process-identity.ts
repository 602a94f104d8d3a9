import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'

/** A process, told apart from a later one with the same number. */
export interface ProcessIdentity {
  readonly host: string
  readonly pid: number
  /** When it started, as the system says it; null where it cannot be learnt. */
  readonly started: string | null
}

let own: ProcessIdentity | undefined

/** The process that this is. */
export function thisProcess(): ProcessIdentity {
  own ??= { host: hostname(), pid: process.pid, started: startOf(process.pid) ?? null }
  return own
}

/** Whether a process runs still. Undefined where that cannot be told: it is on another machine. */
export function isRunning({ host, pid, started }: ProcessIdentity): boolean | undefined {
  if (host !== hostname()) return undefined
  try {
    process.kill(pid, 0)
  } catch (error) {
    // One that belongs to somebody else is there all the same.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  return started === null || startOf(pid) === started
}

/** When a process started; undefined if it has ended, or nothing says so. */
function startOf(pid: number): string | undefined {
  try {
    if (process.platform === 'linux') return linuxStart(pid)
    // Loaded where it is wanted: it takes 4 ms of every start.
    const { execFileSync } = process.getBuiltinModule('node:child_process')
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined
  } catch {
    return undefined
  }
}

function linuxStart(pid: number): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // The name of the program, in brackets, may hold anything. Behind it: the state first, the start as the 20th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // It has ended, and its parent has not asked yet how.
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
  return `${boot} ${fields[19]}`
}
