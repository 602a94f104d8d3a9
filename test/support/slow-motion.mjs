/**
 * Loaded before the command (`node --import`), makes it sleep at each turn of its event loop, so that a run over little
 * data takes long enough to be met in its middle. SLOW_MOTION has the milliseconds of a nap. SLOW_BEHIND names a folder
 * and a number of bytes: as soon as a checkpoint there says that more than these were read, the naps become long, so
 * that whoever waits for that has all the time to act.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const { SLOW_MOTION = '0', SLOW_BEHIND = '' } = process.env
const [bytes, folder] = SLOW_BEHIND.split(' ', 2)
const cell = new Int32Array(new SharedArrayBuffer(4))
let nap = Number(SLOW_MOTION)
let waits = SLOW_BEHIND !== ''

function isBehind() {
  if (!existsSync(folder)) return false
  const name = readdirSync(folder).find((each) => each.endsWith('.checkpoint'))
  if (name === undefined) return false
  const { reading } = JSON.parse(readFileSync(join(folder, name), 'utf8'))
  return reading !== null && reading.bytes > Number(bytes)
}

function sleep() {
  if (waits && isBehind()) {
    waits = false
    nap = 300
  }
  Atomics.wait(cell, 0, 0, nap)
}

if (nap > 0) setInterval(sleep, 1).unref()
