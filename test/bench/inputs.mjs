/** The data that a job reads: made when it is not there, and large files not left behind. */
import fs from 'node:fs'
import { DATA_FOLDER, generate, MEGABYTE } from './generate.mjs'
import { measure } from './measure.mjs'
import { say } from './paths.mjs'

/** What is larger is made again the next time, rather than kept. */
const KEPT_UP_TO = 2200 * MEGABYTE

/** @type {Set<string>} */
const made = new Set()

/**
 * Makes the input, and reads it once so that every contestant finds it in the page cache.
 *
 * @param {import('./generate.mjs').Order} order
 */
export function inputOf(order) {
  say(`  ${order.kind}, ${order.megabytes} MB`)
  const before = new Set(fs.existsSync(DATA_FOLDER) ? fs.readdirSync(DATA_FOLDER) : [])
  const file = generate(order)
  if (fs.readdirSync(DATA_FOLDER).length > before.size) made.add(file)
  measure(['cat', file])
  return file
}

/** Removes what this process made, if it is large. */
export function removeLargeInputs() {
  for (const file of made) if (fs.statSync(file).size > KEPT_UP_TO) fs.rmSync(file)
}
