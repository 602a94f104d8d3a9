import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import * as z from 'zod'
import { SteerpipeError } from '../errors.js'
import { crypto } from '../lazy-node.js'
import { isRunning, type ProcessIdentity, thisProcess } from './process-identity.js'

const identity = z.strictObject({ host: z.string(), pid: z.int(), started: z.string().nullable() })

/** Milliseconds after which a lock in which nothing stands is the remains of a process that died while it made it. */
const BEING_MADE = 2000

/** Milliseconds between two looks at a lock that somebody is about to remove. */
const PAUSE = 10

/** What is locked by this process. */
export interface FileLock {
  release(): void
}

/** What a lock is called. */
export const lockName = (path: string): string => `${path}.lock`

/**
 * Locks a path for this process, with a file beside it that says who it is. The lock of a process that has ended,
 * however it did, counts for nothing from that moment on.
 *
 * @param shown what is told of as locked; default the path
 * @throws SteerpipeError OUTPUT_LOCKED; what the system says of a folder that cannot be written to
 */
export async function lock(path: string, shown = path): Promise<FileLock> {
  const file = lockName(path)
  await take(file, async (holder) => {
    const elsewhere = isRunning(holder) === undefined
    throw new SteerpipeError('OUTPUT_LOCKED', {
      found: `the process ${holder.pid}${elsewhere ? ` on ${holder.host}` : ''} is writing this`,
      fix: elsewhere
        ? `Wait until it has ended. If it has, and nothing runs there any more, remove ${file}.`
        : undefined,
      place: { input: shown },
    })
  })
  return { release: () => rmSync(file, { force: true }) }
}

/** Makes a lock's file. @param onHeld called when a running process has it; may throw */
async function take(file: string, onHeld: (holder: ProcessIdentity) => Promise<unknown>): Promise<void> {
  for (;;) {
    if (create(file)) return
    const content = read(file)
    if (content === undefined) continue
    const holder = holderOf(content)
    if (holder === null) {
      if (!isOld(file)) await pause(PAUSE)
      else await remove(file, content)
    } else if (isRunning(holder) === false) await remove(file, content)
    else await onHeld(holder)
  }
}

/**
 * Removes a lock that counts for nothing. Of several processes that would, one may: who looked a moment ago must not
 * remove the lock that another one has made since.
 */
async function remove(file: string, content: string): Promise<void> {
  const guard = `${file}.${crypto().createHash('sha256').update(content).digest('hex').slice(0, 12)}`
  await take(guard, () => pause(PAUSE))
  try {
    // One in which nothing stands yet may be another one by now, which is just being made.
    const isSame = read(file) === content && (holderOf(content) !== null || isOld(file))
    if (isSame) rmSync(file, { force: true })
  } finally {
    rmSync(guard, { force: true })
  }
}

function create(file: string): boolean {
  try {
    writeFileSync(file, `${JSON.stringify(thisProcess())}\n`, { flag: 'wx' })
    return true
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    // It is ours, with nothing in it: the disk is full.
    if (syscall === 'write') rmSync(file, { force: true })
    throw error
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function holderOf(content: string): ProcessIdentity | null {
  try {
    return identity.parse(JSON.parse(content))
  } catch {
    return null
  }
}

function isOld(file: string): boolean {
  const found = statSync(file, { throwIfNoEntry: false })
  return found !== undefined && Date.now() - found.mtimeMs > BEING_MADE
}
