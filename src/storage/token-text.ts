import type { Token } from 'stream-json/core/parser.js'
import { encode } from '../records/json-text.js'

/** Parts that are joined at a time: a part by itself costs more than the characters in it. */
const PARTS = 4096

/**
 * Tokens to one-byte JSON text in the canonical spelling. Numbers stay as they were written, and so do the order
 * of the keys and repeated keys.
 */
export class TokenText {
  /** Bytes so far. */
  length = 0
  private joined: string[] = []
  private parts: string[] = []
  /** Whether the next key or value has another one before it in its object or array. */
  private follows = false

  /** Takes the next token of one value. */
  add(token: Token): void {
    switch (token.name) {
      case 'startObject':
        this.begin('{')
        this.follows = false
        break
      case 'startArray':
        this.begin('[')
        this.follows = false
        break
      case 'endObject':
        this.end('}')
        break
      case 'endArray':
        this.end(']')
        break
      case 'startKey':
      case 'startString':
        this.begin('"')
        break
      case 'endKey':
        this.push('": ')
        this.follows = false
        break
      case 'endString':
        this.end('"')
        break
      case 'stringChunk':
        // The parser never parts a surrogate pair, so that each piece can be encoded by itself.
        this.push(encode(token.value))
        break
      case 'startNumber':
        this.begin('')
        break
      case 'numberChunk':
        this.push(token.value)
        break
      case 'endNumber':
        this.end('')
        break
      case 'trueValue':
      case 'falseValue':
      case 'nullValue':
        this.begin(String(token.value))
        this.follows = true
        break
    }
  }

  /** The text, with a line end. */
  line(): string {
    this.push('\n')
    this.join()
    // Digits cut from text beyond latin1 are two-byte strings, and make the whole of it one.
    return Buffer.from(this.joined.join(''), 'latin1').toString('latin1')
  }

  private begin(text: string): void {
    this.push(this.follows ? `, ${text}` : text)
  }

  private end(text: string): void {
    this.push(text)
    this.follows = true
  }

  private push(text: string): void {
    this.length += text.length
    this.parts.push(text)
    if (this.parts.length === PARTS) this.join()
  }

  private join(): void {
    this.joined.push(this.parts.join(''))
    this.parts = []
  }
}
