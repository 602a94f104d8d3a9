/**
 * Numbers spelled as Python spells them: what the original tools wrote, and what the checks compare.
 */

/**
 * A finite number as Python's `repr(float)` prints it: `4.0`, `-0.0`, `1e-07`, `1.2345678901234568e+20`.
 * Both languages print the shortest digits that read back as the same number; they differ in when an exponent
 * is used and how it is written.
 */
export function pythonFloat(value: number): string {
  const size = Math.abs(value)
  if (Number.isInteger(value) && size < 1e16) return Object.is(value, -0) ? '-0.0' : `${value}.0`
  if (size >= 1e-4 && size < 1e16) return String(value)
  const [digits, exponent] = value.toExponential().split('e') as [string, string]
  return `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`
}

/**
 * A JSON number as Python prints it after reading it: integers keep all their digits (`-0` becomes `0`), all
 * else is a float (`3e0` becomes `3.0`).
 */
export function pythonNumber(json: string): string {
  if (!/[.eE]/.test(json)) return json === '-0' ? '0' : json
  return pythonFloat(Number(json))
}

/** Rounds to an integer, halves to the even one, as Python's `round` does. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  if (rest < 0.5) return floor
  if (rest > 0.5) return floor + 1
  return floor % 2 === 0 ? floor : floor + 1
}

/** A decimal number with optional spaces round it; what Python's `float()` takes, less `nan`, `inf` and `1_0`. */
const SPELLED_NUMBER = /^[ \t\n\v\f\r]*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?[ \t\n\v\f\r]*$/

/** The finite number that a text spells, or undefined. */
export function spelledNumber(text: string): number | undefined {
  if (!SPELLED_NUMBER.test(text)) return undefined
  const value = Number(text)
  return Number.isFinite(value) ? value : undefined
}
