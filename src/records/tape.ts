/**
 * The scanner: one pass over JSON text that checks the whole grammar and notes where values and keys stand.
 *
 * The notes go on a tape of 32-bit integers:
 * - a value is three numbers, `start, end, next`: where it begins and ends in the text, and where on the tape the
 *   value after it begins;
 * - inside an object each member is `key start, key end` (without the quotes) and then its value;
 * - inside an array there are only values.
 *
 * It is iterative, so that nesting is limited by {@link MAX_DEPTH} and not by the call stack.
 */

/** The deepest nesting that is accepted. */
export const MAX_DEPTH = 100_000

/** Why a line was refused; `at` is the position in the scanned text. */
export class Refusal extends Error {
  constructor(
    readonly code: 'JSON_SYNTAX' | 'NOT_AN_OBJECT' | 'TOO_DEEP',
    readonly found: string,
    readonly at: number,
  ) {
    super(found)
  }
}

/** A growing tape. */
export class Tape {
  cells: Int32Array
  length = 0

  /** @param room cells to begin with; growing costs a copy */
  constructor(room = 1 << 12) {
    this.cells = unsetCells(room)
  }

  /** Adds cells. */
  append(cells: Int32Array): void {
    const length = this.length + cells.length
    if (length > this.cells.length) this.grow(this.length, length)
    this.cells.set(cells, this.length)
    this.length = length
  }

  /**
   * Makes room for more.
   *
   * @param length cells that stay
   * @param least cells to have room for; by default twice as many as before
   * @returns the cells, which have moved
   */
  grow(length: number, least = 0): Int32Array {
    const cells = unsetCells(Math.max(this.cells.length * 2, least))
    cells.set(this.cells.subarray(0, length))
    this.cells = cells
    return cells
  }
}

/** Cells that are read only after they were written, so that nobody has to clear them. */
const unsetCells = (count: number): Int32Array =>
  new Int32Array(Buffer.allocUnsafeSlow(count * Int32Array.BYTES_PER_ELEMENT).buffer)

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const LINE_END = 0x0a

/** The position after white space. A line end is not white space here: it ends the record. */
export function skipSpace(text: string, at: number): number {
  let code = text.charCodeAt(at)
  while (code === 0x20 || code === 0x09 || code === 0x0d) code = text.charCodeAt(++at)
  return at
}

/** The position of the quote that closes the string whose first character is at `from`. */
function closingQuote(text: string, from: number): number {
  let at = from
  for (;;) {
    const quote = text.indexOf('"', at)
    if (quote < 0) throw new Refusal('JSON_SYNTAX', 'a string without its closing quote', from - 1)
    if (text.charCodeAt(quote - 1) !== BACKSLASH) return quote
    let before = quote - 2
    while (text.charCodeAt(before) === BACKSLASH) before--
    // An even number of backslashes are escaped backslashes; an odd one escapes the quote.
    if (((quote - 1 - before) & 1) === 0) return quote
    at = quote + 1
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for.
const RAW_CONTROL = /[\x00-\x1f]/

/** As {@link closingQuote}, and refuses raw control characters in the string. */
function checkedClosingQuote(text: string, from: number): number {
  const quote = closingQuote(text, from)
  const raw = text.slice(from, quote).search(RAW_CONTROL)
  if (raw >= 0) {
    const code = text.charCodeAt(from + raw)
    if (code === LINE_END) throw new Refusal('JSON_SYNTAX', 'a string without its closing quote', from - 1)
    const name = `0x${code.toString(16).padStart(2, '0')}`
    throw new Refusal('JSON_SYNTAX', `a raw control character (${name}) in a string`, from + raw)
  }
  return quote
}

/** The position after the digits at `at`, of which there must be one at least. */
function digitsEnd(text: string, at: number): number {
  let code = text.charCodeAt(at)
  if (!(code >= 0x30 && code <= 0x39)) return -1
  do code = text.charCodeAt(++at)
  while (code >= 0x30 && code <= 0x39)
  return at
}

/** The position after the number at `at`, as JSON spells numbers; -1 if there is none. */
function numberEnd(text: string, at: number): number {
  if (text.charCodeAt(at) === 0x2d /* - */) at++
  // No digit may follow a zero.
  let end = text.charCodeAt(at) === 0x30 ? at + 1 : digitsEnd(text, at)
  if (end < 0) return -1
  if (text.charCodeAt(end) === 0x2e /* . */) {
    const fraction = digitsEnd(text, end + 1)
    if (fraction < 0) return end
    end = fraction
  }
  const code = text.charCodeAt(end)
  if (code !== 0x65 /* e */ && code !== 0x45 /* E */) return end
  const sign = text.charCodeAt(end + 1)
  const exponent = digitsEnd(text, sign === 0x2b || sign === 0x2d ? end + 2 : end + 1)
  return exponent < 0 ? end : exponent
}

/** The position after the number or literal at `at`. */
function scalarEnd(text: string, at: number): number {
  const code = text.charCodeAt(at)
  if (code === 0x74 /* t */) {
    if (text.startsWith('true', at)) return at + 4
  } else if (code === 0x66 /* f */) {
    if (text.startsWith('false', at)) return at + 5
  } else if (code === 0x6e /* n */) {
    if (text.startsWith('null', at)) return at + 4
  } else {
    const end = numberEnd(text, at)
    if (end >= 0) return end
  }
  throw unexpected(text, at, 'a value')
}

function unexpected(text: string, at: number, expected: string): Refusal {
  const code = text.charCodeAt(at)
  const found = Number.isNaN(code) || code === LINE_END ? 'the end of the line' : shown(text, at)
  return new Refusal('JSON_SYNTAX', `${found} where ${expected} belongs`, at)
}

/** The word or character at a position, for messages. */
function shown(text: string, at: number): string {
  const word = /^[\w.+-]{1,20}/.exec(text.slice(at, at + 20))
  if (word) return `\`${word[0]}\``
  const code = text.charCodeAt(at)
  if (code < 0x20 || code === 0x7f) return `the control character 0x${code.toString(16).padStart(2, '0')}`
  const bytes = Buffer.from(text.slice(at, at + 4), 'latin1').toString('utf8')
  return `\`${[...bytes][0]}\``
}

/** The open objects and arrays: where each one's value stands on the tape, kept from line to line. */
let open: Int32Array = new Int32Array(256)

/**
 * Scans the value at `at` onto the tape.
 *
 * @param careful refuse raw control characters in strings; may be false where `inspect` found none
 * @returns the position after the value
 * @throws Refusal
 */
export function scanValue(text: string, at: number, tape: Tape, careful: boolean): number {
  const stringEnd = careful ? checkedClosingQuote : closingQuote
  let cells = tape.cells
  let length = tape.length
  let depth = 0
  let atKey = false
  for (;;) {
    // Eight cells: a key's two, a value's three, and some to spare.
    if (length + 8 > cells.length) cells = tape.grow(length)
    if (atKey) {
      if (text.charCodeAt(at) !== QUOTE) throw unexpected(text, at, 'a key')
      const keyEnd = stringEnd(text, at + 1)
      cells[length++] = at + 1
      cells[length++] = keyEnd
      at = skipSpace(text, keyEnd + 1)
      if (text.charCodeAt(at) !== COLON) throw unexpected(text, at, '`:`')
      at = skipSpace(text, at + 1)
      atKey = false
    }
    // At a value.
    const code = text.charCodeAt(at)
    const node = length
    cells[node] = at
    length += 3
    if (code === OPEN_OBJECT || code === OPEN_ARRAY) {
      if (depth === MAX_DEPTH) throw new Refusal('TOO_DEEP', 'nesting deeper than 100,000 levels', at)
      if (depth === open.length) {
        const more = new Int32Array(open.length * 2)
        more.set(open)
        open = more
      }
      open[depth++] = node
      at = skipSpace(text, at + 1)
      if (code === OPEN_OBJECT) {
        const first = text.charCodeAt(at)
        if (first === QUOTE) {
          atKey = true
          continue
        }
        if (first !== CLOSE_OBJECT) throw unexpected(text, at, 'a key or `}`')
      } else if (text.charCodeAt(at) !== CLOSE_ARRAY) continue
    } else {
      at = code === QUOTE ? stringEnd(text, at + 1) + 1 : scalarEnd(text, at)
      cells[node + 1] = at
      cells[node + 2] = length
      if (depth === 0) {
        tape.length = length
        return at
      }
    }
    // After a value, or at the end of an empty object or array.
    for (;;) {
      at = skipSpace(text, at)
      const code = text.charCodeAt(at)
      const parent = open[depth - 1]
      const inObject = text.charCodeAt(cells[parent]) === OPEN_OBJECT
      if (code === COMMA) {
        at = skipSpace(text, at + 1)
        atKey = inObject
        break
      }
      if (code !== (inObject ? CLOSE_OBJECT : CLOSE_ARRAY)) {
        throw unexpected(text, at, inObject ? '`,` or `}`' : '`,` or `]`')
      }
      at++
      cells[parent + 1] = at
      cells[parent + 2] = length
      depth--
      if (depth === 0) {
        tape.length = length
        return at
      }
    }
  }
}
