import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The project's folder. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

/** Inputs and expectations of the original tools, where they are at hand. */
export const PARITY = `${ROOT}/../shared/parity`

export const hasParity = existsSync(`${PARITY}/check`)

/** Whether expectations that are generated are written anew instead of compared. */
export const UPDATE = process.env.UPDATE === '1'

export const readText = (path: string): string => readFileSync(path, 'utf8')
