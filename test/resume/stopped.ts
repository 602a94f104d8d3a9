/** Runs that were killed behind a checkpoint, for tests of what comes then. */
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs'
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

/** Bytes of an input behind which it counts as its middle. */
const MIDDLE = 600_000

/** Runs `run` in slow motion until it is in the middle of an input, and kills it there. */
export async function killInMiddle(cwd: string, args: readonly string[], input?: Uint8Array): Promise<void> {
  const behind = { folder: join(cwd, 'out'), bytes: MIDDLE }
  const { process: child, ended } = startSlowly(
    ['run', ...args, '--checkpoint-every', '1ms'],
    cwd,
    20,
    behind,
  )
  if (input) child.stdin.end(input)
  let isIn = false
  await until('it is in the middle of an input', () => {
    const folder = join(cwd, 'out')
    isIn =
      existsSync(folder) &&
      readdirSync(folder).some((name) => name.endsWith('.checkpoint')) &&
      (readPoint(cwd).reading?.bytes ?? 0) > MIDDLE
    return isIn || child.exitCode !== null
  })
  child.kill('SIGKILL')
  const { stderr } = await ended
  if (!isIn) throw new Error(`it was over before: ${stderr}`)
  if (readPoint(cwd).reading === null) throw new Error('it was too fast')
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
