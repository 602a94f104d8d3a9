import type { Token } from 'stream-json/core/parser.js'

/** What JSON must escape, and surrogates, which are left to JSON.stringify. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for.
const ESCAPED = /["\\\x00-\x1f\ud800-\udfff]/

/** Characters that are brought together at a time: the parts of a string take more memory than the string. */
const BLOCK_CHARS = 64 * 1024

/**
 * Tokens to one-byte JSON text in the canonical spelling. Numbers stay as they were written, and so do the order
 * of the keys and repeated keys.
 */
export class TokenText {
  /** The text before the tail, in blocks of one character a byte. */
  private readonly blocks: string[] = []
  private blockBytes = 0
  private tail = ''
  /** Whether the next key or value has another one before it in its object or array. */
  private follows = false

  /** How many bytes there are at least: what was not yet turned into bytes is counted in characters. */
  get leastBytes(): number {
    return this.blockBytes + this.tail.length
  }

  /** Takes the next token of one value. */
  add(token: Token): void {
    switch (token.name) {
      case 'startObject':
        this.begin('{', ', {')
        this.follows = false
        break
      case 'startArray':
        this.begin('[', ', [')
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
        this.begin('"', ', "')
        break
      case 'endKey':
        this.push('": ')
        this.follows = false
        break
      case 'endString':
        this.end('"')
        break
      case 'stringChunk':
        // As encode() of json-text spells it, but to bytes only once a block. The parser never parts a surrogate
        // pair, so that each chunk can be spelled by itself.
        this.push(ESCAPED.test(token.value) ? JSON.stringify(token.value).slice(1, -1) : token.value)
        break
      case 'startNumber':
        if (this.follows) this.push(', ')
        break
      case 'numberChunk':
        this.push(token.value)
        break
      case 'endNumber':
        this.follows = true
        break
      case 'trueValue':
        this.begin('true', ', true')
        this.follows = true
        break
      case 'falseValue':
        this.begin('false', ', false')
        this.follows = true
        break
      case 'nullValue':
        this.begin('null', ', null')
        this.follows = true
        break
    }
  }

  /** The text, with a line end; one character a byte. */
  line(): string {
    this.push('\n')
    this.turnBlock()
    return this.blocks.join('')
  }

  private begin(first: string, next: string): void {
    this.push(this.follows ? next : first)
  }

  private end(text: string): void {
    this.push(text)
    this.follows = true
  }

  private push(text: string): void {
    this.tail += text
    if (this.tail.length > BLOCK_CHARS) this.turnBlock()
  }

  private turnBlock(): void {
    const block = Buffer.from(this.tail).toString('latin1')
    this.blocks.push(block)
    this.blockBytes += block.length
    this.tail = ''
  }
}
