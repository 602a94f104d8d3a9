import { Refusal } from '../records/tape.js'

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** A longer number is refused: it has to be held in memory until it ends. */
const MAX_SCALAR = 1024 * 1024

/** What a search inside a string must stop at. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for.
const STOP = /["\\\x00-\x1f]/g
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y
/** The beginning of an escape, which the next text may complete. */
const OPEN_ESCAPE = /^\\(?:u[0-9a-fA-F]{0,3})?$/
/** A run of whatever is neither white space nor a token by its first character: a number, a literal, rubbish. */
const RUN = /[^ \t\n\r"{}[\],:]+/y
const SCALAR = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)$/

/**
 * Cuts JSON text into its lexemes, so that a parser that knows no offsets can be fed one at a time: whatever it
 * says then belongs to the lexeme at {@link offset}. Long strings come in parts. White space is left out.
 *
 * Strings, numbers and literals are checked here. stream-json refuses the same ones, but some only up to sixteen
 * characters later, when the place is lost. The grammar between lexemes is not looked at.
 */
export class Lexemes {
  private text = ''
  /** Where the text that has not been cut begins. */
  private at = 0
  /** Bytes of the stream before `text`. */
  private base = 0
  /** Whether every character of the text is one byte. */
  private ascii = true
  /** A position in the text, and the bytes of the text before it. */
  private mark = { at: 0, bytes: 0 }
  /** Where the lexeme that was cut last begins in the text. */
  private start = 0
  private open = false
  /** The first character of the stream was looked at. */
  private begun = false

  /** Bytes of the stream before the lexeme, or the part of a string, that was cut last. */
  get offset(): number {
    return this.offsetAt(this.start)
  }

  /** Whether the text so far ends inside a string. */
  get inString(): boolean {
    return this.open
  }

  /** Takes the next text; what was taken before must have been cut. A byte order mark at the start is left out. */
  add(text: string): void {
    if (!this.begun && text !== '') {
      this.begun = true
      if (text.startsWith('\ufeff')) {
        this.base = 3
        text = text.slice(1)
      }
    }
    this.base = this.offsetAt(this.at)
    this.text = this.text.slice(this.at) + text
    this.at = 0
    this.start = 0
    this.ascii = Buffer.byteLength(this.text) === this.text.length
    this.mark = { at: 0, bytes: 0 }
  }

  /**
   * The next lexeme, or part of a string; a number or literal with a space after it, which ends it for the parser.
   * Undefined when more text is needed.
   *
   * @throws Refusal with `at` in bytes of the stream
   */
  next(): string | undefined {
    const { text } = this
    let at = this.at
    this.start = at
    if (this.open) return this.cutString(at)
    let code = text.charCodeAt(at)
    while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) code = text.charCodeAt(++at)
    this.at = at
    if (at === text.length) return undefined
    this.start = at
    switch (code) {
      case QUOTE:
        this.open = true
        return this.cutString(at + 1)
      case 0x2c: // ,
      case 0x3a: // :
      case 0x5b: // [
      case 0x5d: // ]
      case 0x7b: // {
      case 0x7d: // }
        this.at++
        return text[at]
      default:
        return this.cutScalar(at)
    }
  }

  /** Cuts a string up to its closing quote, or to the end of the text, but not inside an escape. */
  private cutString(from: number): string | undefined {
    const { text } = this
    STOP.lastIndex = from
    while (STOP.test(text)) {
      const at = STOP.lastIndex - 1
      const code = text.charCodeAt(at)
      if (code === QUOTE) {
        this.open = false
        return this.cut(at + 1)
      }
      ESCAPE.lastIndex = at
      if (code === BACKSLASH && ESCAPE.test(text)) {
        STOP.lastIndex = ESCAPE.lastIndex
        continue
      }
      // What is good goes first, so that the parser knows of the string however the text came in.
      if (at > this.at) return this.cut(at)
      if (code !== BACKSLASH) {
        const name = `0x${code.toString(16).padStart(2, '0')}`
        throw this.refusal(`a raw control character (${name}) in a string`, at)
      }
      if (OPEN_ESCAPE.test(text.slice(at))) return undefined
      const char = String.fromCodePoint(text.codePointAt(at + 1) ?? 0)
      throw this.refusal(`the escape \`\\${oneLine(char)}\`, which JSON does not have`, at)
    }
    return this.cut(text.length)
  }

  private cutScalar(at: number): string | undefined {
    const { text } = this
    RUN.lastIndex = at
    RUN.test(text)
    const end = RUN.lastIndex
    if (end - at > MAX_SCALAR) {
      throw this.refusal(`a number or word of more than ${MAX_SCALAR} characters`, at)
    }
    if (end === text.length) return undefined
    const scalar = text.slice(at, end)
    if (!SCALAR.test(scalar)) {
      const short = [...scalar.slice(0, 42)].slice(0, 20).join('')
      throw this.refusal(
        `\`${oneLine(short)}${short.length < scalar.length ? '…' : ''}\`, which is not JSON`,
        at,
      )
    }
    this.at = end
    return `${scalar} `
  }

  private cut(end: number): string | undefined {
    const lexeme = this.text.slice(this.at, end)
    this.at = end
    return lexeme === '' ? undefined : lexeme
  }

  private refusal(found: string, at: number): Refusal {
    return new Refusal('JSON_SYNTAX', found, this.offsetAt(at))
  }

  /** Bytes of the stream before a position in the text. */
  private offsetAt(at: number): number {
    if (this.ascii) return this.base + at
    // Counted on from the place that was asked for before, which is never further on.
    this.mark = { at, bytes: this.mark.bytes + Buffer.byteLength(this.text.slice(this.mark.at, at)) }
    return this.base + this.mark.bytes
  }
}

/** Text for a message, without control characters. */
const oneLine = (text: string): string => JSON.stringify(text).slice(1, -1)
