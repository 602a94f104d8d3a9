/** Numbers, as the tables spell them. */
import { MEGABYTE } from './generate.mjs'

/** @param {readonly number[]} numbers */
export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** @param {number} bytes */
export const inMegabytes = (bytes) => (bytes / MEGABYTE).toFixed(0)

/** @param {number} seconds */
export const inSeconds = (seconds) => seconds.toFixed(2)

/** @param {number} seconds */
export const inMilliseconds = (seconds) => (seconds * 1000).toFixed(0)

/**
 * A median with the lowest and highest, when there is more than one.
 *
 * @param {readonly number[]} numbers
 */
export function spread(numbers) {
  const [low, middle, high] = [Math.min(...numbers), median(numbers), Math.max(...numbers)]
  const range = numbers.length > 1 ? ` (${low.toFixed(2)}–${high.toFixed(2)})` : ''
  return `${middle.toFixed(2)}${range}`
}
