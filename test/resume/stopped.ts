/** Runs that were killed behind a checkpoint, for tests of what comes then. */
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect } from 'vitest'
import { type Ended, type Folder, steerpipe, until } from '../support/command.js'
import { Seeded } from '../support/seeded.js'
import { startSlowly } from '../support/slow-run.js'

/** Rows of some 500 bytes. */
export function rows(count: number, seed = 1): string[] {
  const random = new Seeded(seed)
  return Array.from({ length: count }, (_, id) => {
    const response = Array.from({ length: 40 }, () => random.next().toString(36).slice(2)).join(' ')
    return `${JSON.stringify({ id, prompt: `prompt ${id % 70}`, response, helpfulness: id % 5 })}\n`
  })
}

/** What a checkpoint says, as far as it is looked at here. */
export interface SavedPoint {
  format: number
  readonly reading: {
    readonly bytes: number
    readonly sources: { readonly bytes: number; readonly lines: number; readonly path: string }[][]
  } | null
}

export const checkpointIn = (cwd: string): string => {
  const name = readdirSync(join(cwd, 'out')).find((each) => each.endsWith('.checkpoint'))
  if (name === undefined) throw new Error('there is no checkpoint')
  return join(cwd, 'out', name)
}

export const readPoint = (cwd: string): SavedPoint =>
  JSON.parse(readFileSync(checkpointIn(cwd), 'utf8')) as SavedPoint // written by steerpipe

/** The same, while a run is under way: undefined if there is none (any more). */
export function pointIn(cwd: string): SavedPoint | undefined {
  try {
    return readPoint(cwd)
  } catch {
    return undefined
  }
}

/** Bytes of an input behind which it counts as its middle. */
const MIDDLE = 600_000

/** Attempts to meet a run in its middle: where the disk is slow, a small one may be over before its first checkpoint. */
const ATTEMPTS = 6

/** Runs `run` in slow motion until it is in the middle of an input, and kills it there. */
export async function killInMiddle(cwd: string, args: readonly string[], input?: Uint8Array): Promise<void> {
  let nap = 10
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (await isKilledInMiddle(cwd, args, nap, input)) return
    rmSync(join(cwd, 'out'), { recursive: true, force: true })
    nap *= 2
  }
  throw new Error('it was over each time before it could be killed')
}

async function isKilledInMiddle(
  cwd: string,
  args: readonly string[],
  nap: number,
  input?: Uint8Array,
): Promise<boolean> {
  const behind = { folder: join(cwd, 'out'), bytes: MIDDLE }
  const { process: child, ended } = startSlowly(
    ['run', ...args, '--checkpoint-every', '1ms'],
    cwd,
    nap,
    behind,
  )
  if (input) child.stdin.end(input)
  let isIn = false
  await until('it is in the middle of an input', () => {
    isIn = (pointIn(cwd)?.reading?.bytes ?? 0) > MIDDLE
    return isIn || child.exitCode !== null
  })
  child.kill('SIGKILL')
  await ended
  return isIn && (pointIn(cwd)?.reading ?? null) !== null
}

/** All files of a folder, by their names. */
export const filesOf = (cwd: string): Map<string, string> =>
  new Map(
    readdirSync(cwd, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [relative(cwd, path), readFileSync(path, 'base64')]),
  )

/** The files of a run's outputs. */
export const madeIn = (cwd: string): Map<string, string> =>
  new Map([...filesOf(cwd)].filter(([name]) => name.startsWith('out/')))

/** A copy of a folder. */
export function copyOf(cwd: string, folder: Folder): string {
  const copy = folder.fresh()
  cpSync(cwd, copy, { recursive: true })
  return copy
}

/** Goes on to the end. */
export function resumes(
  cwd: string,
  args: readonly string[],
  made: ReadonlyMap<string, string>,
  input?: Uint8Array,
): Ended {
  const ended = steerpipe(['run', ...args, '--resume'], { cwd, ...(input && { input }) })
  expect(ended).toMatchObject({ status: 0 })
  expect(ended.stderr).toContain('resuming: ')
  expect(madeIn(cwd)).toEqual(made)
  return ended
}
