/** Runs of the real command that are slow enough to be met in their middle. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Running, start } from './command.js'
import { ROOT } from './paths.js'

const PRELOAD = pathToFileURL(join(ROOT, 'test/support/slow-motion.mjs')).href

/** A point from which on a run goes very slowly: a checkpoint that says that more than some bytes were read. */
export interface SlowBehind {
  readonly folder: string
  readonly bytes: number
}

/** Starts the command in slow motion. @param nap milliseconds that it sleeps at each turn of its event loop */
export const startSlowly = (args: readonly string[], cwd: string, nap = 5, behind?: SlowBehind): Running =>
  start(args, cwd, {
    NODE_OPTIONS: `--import=${PRELOAD}`,
    SLOW_MOTION: String(nap),
    ...(behind && { SLOW_BEHIND: `${behind.bytes} ${behind.folder}` }),
  })
