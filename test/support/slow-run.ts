/** Runs of the real command that are slow enough to be met in their middle. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Running, start } from './command.js'
import { ROOT } from './paths.js'

const PRELOAD = pathToFileURL(join(ROOT, 'test/support/slow-motion.mjs')).href

/** Starts the command in slow motion. @param nap milliseconds that it sleeps at each turn of its event loop */
export const startSlowly = (args: readonly string[], cwd: string, nap = 5): Running =>
  start(args, cwd, { NODE_OPTIONS: `--import=${PRELOAD}`, SLOW_MOTION: String(nap) })
