/** What a text is made. */
export interface Made<Note> {
  readonly bytes: Uint8Array
  /** What is to be told of it. */
  readonly notes: readonly Note[]
}

/** A form that texts have, and what texts of it are made: the same but for the digits in it, each of which has its place. */
interface Form<Note> extends Made<Note> {
  readonly length: number
  /** The text in words of four bytes, of which the last two may overlap; the bytes of digits are zero. */
  readonly words: Int32Array
  /** The bits of each word that are not those of digits. */
  readonly masks: Int32Array
  /** Where in the text the digits stand. */
  readonly from: Int32Array
  /** Where they stand in what it is made. */
  readonly to: Int32Array
  /** Which digits may stand there, a bit each. */
  readonly allowed: Int32Array
}

const WORD = 4
const ZERO = 0x30

/** How many forms are remembered. Texts that have others are too various for it. */
const MOST_FORMS = 32

/** Texts that it has been tried for. */
const MOST_TRIES = 256

/** Longer texts have no form. */
const LONGEST = 1024

/**
 * Makes something of short texts that differ in little but digits, such as labels with whole scores, each of which becomes
 * a digit of what is made: `quality:4,humor:0` of `{"quality": 4, "humor": 0}`. For such a text nothing is looked up but
 * its form, which is always at hand, where a table of all texts is mostly in no cache (0.1 µs instead of 0.5 a text).
 *
 * What becomes of a text's digits it finds out by trying: each digit is replaced by all others, one at a time. So what is
 * made of a number may not hang on other numbers in the text.
 */
export class DigitForms<Note> {
  private readonly forms: Form<Note>[] = []
  private tries = 0

  /** @param make makes something of a text; undefined if it is none of those that something can be made of */
  constructor(private readonly make: (text: Buffer) => Made<Note> | undefined) {}

  /**
   * The number of the form that the bytes `start` up to `end` have, for {@link made} and {@link fill}; -1 if they have none
   * that is known.
   */
  find(view: DataView, start: number, end: number): number {
    const { forms } = this
    for (let i = 0; i < forms.length; i++) if (this.has(forms[i], view, start, end - start)) return i
    return this.learn(view, start, end)
  }

  /** What is made of a text of a form, but for the digits. */
  made(form: number): Made<Note> {
    return this.forms[form]
  }

  /** Puts the digits of the text at `start`, which has a form, into what is made of it, which begins at `at`. */
  fill(form: number, view: DataView, start: number, bytes: Uint8Array, at: number): void {
    const { from, to } = this.forms[form]
    for (let i = 0; i < to.length; i++) bytes[at + to[i]] = view.getUint8(start + from[i])
  }

  private has(
    { length: own, words, masks, from, allowed }: Form<Note>,
    view: DataView,
    start: number,
    length: number,
  ): boolean {
    if (length !== own) return false
    const last = words.length - 1
    for (let i = 0; i < last; i++)
      if ((view.getInt32(start + i * WORD, true) & masks[i]) !== words[i]) return false
    if ((view.getInt32(start + length - WORD, true) & masks[last]) !== words[last]) return false
    for (let i = 0; i < from.length; i++) {
      const byte = view.getUint8(start + from[i])
      if (byte < ZERO || byte > ZERO + 9 || ((allowed[i] >>> (byte - ZERO)) & 1) === 0) return false
    }
    return true
  }

  /** Finds out what form a text has. Returns its number, or -1. */
  private learn(view: DataView, start: number, end: number): number {
    const length = end - start
    if (length < WORD || length > LONGEST || this.forms.length === MOST_FORMS || this.tries === MOST_TRIES)
      return -1
    this.tries++
    const text = Buffer.from(view.buffer.slice(view.byteOffset + start, view.byteOffset + end))
    const form = this.formOf(text)
    return form === undefined ? -1 : this.forms.push(form) - 1
  }

  private formOf(text: Buffer): Form<Note> | undefined {
    const made = this.make(text)
    if (made === undefined) return undefined
    const from: number[] = []
    const to: number[] = []
    const allowed: number[] = []
    for (let at = 0; at < text.length; at++) {
      const found = isDigit(text[at]) ? this.follow(text, at, made) : undefined
      if (found === undefined || to.includes(found.to)) continue
      from.push(at)
      to.push(found.to)
      allowed.push(found.allowed)
    }
    const fixed = Buffer.from(text)
    const mask = Buffer.alloc(text.length, 0xff)
    for (const at of from) {
      fixed[at] = 0
      mask[at] = 0
    }
    return {
      ...made,
      length: text.length,
      words: wordsOf(fixed),
      masks: wordsOf(mask),
      from: Int32Array.from(from),
      to: Int32Array.from(to),
      allowed: Int32Array.from(allowed),
    }
  }

  /** Where in what is made of a text the digit at `at` stands, and which others may be in its place; undefined if none. */
  private follow(text: Buffer, at: number, made: Made<Note>): { to: number; allowed: number } | undefined {
    const own = text[at]
    let to = -1
    let allowed = 1 << (own - ZERO)
    for (let digit = ZERO; digit <= ZERO + 9; digit++) {
      if (digit === own) continue
      const other = Buffer.from(text)
      other[at] = digit
      const place = onlyChange(made, this.make(other), own, digit)
      if (place < 0 || (to >= 0 && place !== to)) continue
      to = place
      allowed |= 1 << (digit - ZERO)
    }
    return to < 0 ? undefined : { to, allowed }
  }
}

const isDigit = (byte: number): boolean => byte >= ZERO && byte <= ZERO + 9

/** The place in which something else differs, if that is one, with `own` in it here and `digit` there; else -1. */
function onlyChange<Note>(
  { bytes, notes }: Made<Note>,
  other: Made<Note> | undefined,
  own: number,
  digit: number,
): number {
  if (other === undefined || other.bytes.length !== bytes.length) return -1
  if (other.notes.length !== notes.length || notes.some((note, index) => note !== other.notes[index]))
    return -1
  const place = bytes.findIndex((byte, index) => byte !== other.bytes[index])
  if (place < 0 || bytes[place] !== own || other.bytes[place] !== digit) return -1
  return bytes.every((byte, index) => index === place || byte === other.bytes[index]) ? place : -1
}

/** Bytes in words, from the start on, and the last four of them. */
function wordsOf(bytes: Buffer): Int32Array {
  const words: number[] = []
  for (let at = 0; at + WORD < bytes.length; at += WORD) words.push(bytes.readInt32LE(at))
  return Int32Array.from([...words, bytes.readInt32LE(bytes.length - WORD)])
}
