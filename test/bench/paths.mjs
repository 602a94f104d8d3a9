/** Where things are, and how they are spelled for whoever reads along. */
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { DATA_FOLDER } from './generate.mjs'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** The folder of the bench, as seen from the project's. */
export const BENCH = path.relative(ROOT, fileURLToPath(new URL('.', import.meta.url)))
export const RESULTS = path.join(ROOT, BENCH, 'RESULTS.md')
export const OUTPUT_FOLDER = path.join(DATA_FOLDER, 'out')

/** @param {string} file */
export const fromRoot = (file) => path.relative(ROOT, file)

/**
 * @param {string} job
 * @param {string} contestant
 * @param {string} [name]
 */
export const outputOf = (job, contestant, name = 'out.jsonl') =>
  path.join(OUTPUT_FOLDER, job, contestant, name)

/** @param {string} text */
export const say = (text) => process.stderr.write(`${text}\n`)

/** @param {readonly string[]} words as a shell would read them */
export const spelled = (words) =>
  words.map((word) => (/[^\w./=:@%+-]/.test(word) ? `'${word}'` : word)).join(' ')
