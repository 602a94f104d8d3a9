import { LEFT } from '../records/direct.js'
import { roundHalfEven } from '../records/numbers.js'

const ZERO = 0x30
const POINT = 0x2e

/** Decimals that are looked at as a rule. */
const DECIMALS = 4
const UNIT = 10 ** DECIMALS

/** For the first four decimals: what four times a number from 0 up to 1 is rounded to that begins so, if it is one thing. */
let table: Int8Array | undefined

function quarters(): Int8Array {
  // Rounding follows the order of numbers: what is the same for the first and the last of them is so for all between.
  return Int8Array.from({ length: UNIT }, (_, decimals) =>
    exactly(decimals) === exactly(decimals + 1) ? exactly(decimals) : LEFT,
  )
}

/** For a number that has no more decimals. */
const exactly = (decimals: number): number => roundHalfEven((decimals / UNIT) * 4)

/**
 * Four times the JSON number at `start` up to `end`, rounded to an integer, halves to the even one, if that can be told
 * from how the number begins; else, and for what is no number from 0 up to 1, {@link LEFT}.
 */
export function quartersOf(view: DataView, start: number, end: number): number {
  const whole = view.getUint8(start) - ZERO
  if (end - start === 1) return whole === 0 || whole === 1 ? 4 * whole : LEFT
  if (view.getUint8(start + 1) !== POINT) return LEFT
  let decimals = 0
  for (let i = 2; i < 2 + DECIMALS; i++) {
    const digit = start + i < end ? view.getUint8(start + i) - ZERO : 0
    if (!(digit >= 0 && digit <= 9)) return LEFT
    decimals = decimals * 10 + digit
  }
  // An exponent may follow.
  for (let at = start + 2 + DECIMALS; at < end; at++) if (view.getUint8(at) > ZERO + 9) return LEFT
  if (whole === 0 && end - start <= 2 + DECIMALS) return exactly(decimals)
  table ??= quarters()
  if (whole === 0) return table[decimals]
  return whole === 1 && decimals === 0 && end - start <= 2 + DECIMALS ? 4 : LEFT
}
