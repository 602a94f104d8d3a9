/**
 * One pass over the bytes of a region, before it is scanned, that finds out which checks the scanner may leave out.
 */

/** A byte below 0x20 other than a line end: legal between tokens (tab, carriage return), not inside strings. */
export const CONTROL = 1
/** An escape `\u` or `\/`: text may have to be brought to the canonical spelling. */
export const RESPELL = 2
/** An escape that JSON does not have. */
export const ILLEGAL = 4

const LEGAL = 1
const SOLIDUS = 2
const UNICODE = 3
/** What may follow a backslash. */
const ESCAPE = new Uint8Array(256)
for (const char of '"\\bfnrt') ESCAPE[char.charCodeAt(0)] = LEGAL
ESCAPE[0x2f] = SOLIDUS
ESCAPE[0x75] = UNICODE

const IS_HEX = new Uint8Array(256)
for (const char of '0123456789abcdefABCDEF') IS_HEX[char.charCodeAt(0)] = 1

/** How many bytes beyond the end `inspect` may look at; they must be there, and be spaces. */
export const PADDING = 8

/**
 * Looks at `bytes[0, end)` and returns the flags {@link CONTROL}, {@link RESPELL} and {@link ILLEGAL}.
 *
 * Four bytes at a time: for each byte of a word, `(x - 0x20) & ~x` has its high bit set when x < 0x20, and
 * `(y - 1) & ~y` when y = x ^ 0x5c is zero. (A borrow from the byte below can set it too often, which costs a
 * closer look and nothing else.) Half the time of a regular expression over the string.
 *
 * Escapes are paired from the start of the region on. That is how they pair inside strings too, as long as no
 * backslash stands outside of one, which the scanner refuses.
 *
 * @param bytes the region, followed by {@link PADDING} spaces
 * @param words the same memory as 32-bit words
 */
export function inspect(bytes: Uint8Array, words: Int32Array, end: number): number {
  let flags = 0
  let next = 0
  const count = (end + 3) >> 2
  for (let i = 0; i < count; i++) {
    const x = words[i]
    const y = x ^ 0x5c5c5c5c
    if (((((x - 0x20202020) & ~x) | ((y - 0x01010101) & ~y)) & 0x80808080) === 0) continue
    const stop = (i + 1) << 2
    let at = i << 2
    if (at < next) at = next
    for (; at < stop; at++) {
      const byte = bytes[at]
      if (byte < 0x20) {
        if (byte !== 0x0a) flags |= CONTROL
      } else if (byte === 0x5c) {
        const kind = ESCAPE[bytes[at + 1]]
        if (kind === 0) flags |= ILLEGAL
        else if (kind !== LEGAL) {
          flags |= RESPELL
          if (
            kind === UNICODE &&
            (IS_HEX[bytes[at + 2]] &
              IS_HEX[bytes[at + 3]] &
              IS_HEX[bytes[at + 4]] &
              IS_HEX[bytes[at + 5]]) ===
              0
          ) {
            flags |= ILLEGAL
          }
        }
        at++
      }
    }
    next = at
  }
  return flags
}
