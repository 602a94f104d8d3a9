import { getManyValues, none } from 'stream-chain/defs.js'
import { jsonParser, type Token, type TokenSource } from 'stream-json/core/parser.js'
import { MAX_DEPTH, Refusal } from '../records/tape.js'
import { Lexemes } from './json-lexemes.js'
import { Utf8Decoder } from './utf8.js'

/** Bytes that are worked on at a time: the tokens of a piece take many times its memory. */
const PIECE_BYTES = 64 * 1024

/** A path with more keys is none that anybody would give. */
const MOST_KEYS = 8

/** What the beginning of a JSON document holds. */
export interface DocumentArrays {
  /** Nothing in the bytes is illegal so far. */
  readonly isLegal: boolean
  /**
   * Arrays of objects, as the `path` of `parse` names them, with the objects that were met in each; those inside of
   * such objects are not among them. The path of the document itself is empty.
   */
  readonly arrays: ReadonlyMap<string, number>
}

/**
 * Looks where in a JSON document the records may be.
 *
 * @param bytes its beginning, or all of it
 */
export function documentArrays(bytes: Buffer): DocumentArrays {
  const finder = new ArrayFinder()
  try {
    for (const token of documentTokens(bytes)) finder.take(token)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return { isLegal: false, arrays: finder.arrays }
  }
  return { isLegal: true, arrays: finder.arrays }
}

/** @throws Refusal for what is not legal JSON */
function* documentTokens(bytes: Buffer): Generator<Token> {
  const decoder = new Utf8Decoder()
  const lexemes = new Lexemes()
  const parse = jsonParser({ packValues: false }) as (text: string) => ReturnType<TokenSource>
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    lexemes.add(decoder.decode(bytes.subarray(at, at + PIECE_BYTES)))
    for (let lexeme = lexemes.next(); lexeme !== undefined; lexeme = lexemes.next()) {
      let tokens: ReturnType<TokenSource>
      try {
        tokens = parse(lexeme)
      } catch {
        throw new Refusal('JSON_SYNTAX', 'a misplaced token', lexemes.offset)
      }
      if (tokens !== none) yield* getManyValues(tokens)
    }
    if (decoder.damaged) throw new Refusal('JSON_SYNTAX', 'bytes that are not UTF-8', decoder.damaged.offset)
  }
}

/** An object or array that is open. */
interface Level {
  /** Of an object, the key that was read last. */
  key: string
  /** Of an array, the number of elements that have begun; -1 for an object. */
  elements: number
}

class ArrayFinder {
  readonly arrays = new Map<string, number>()
  private readonly open: Level[] = []
  /** How many levels there are outside of the element that is being passed over; -1 if none is. */
  private passing = -1
  private isKey = false

  take(token: Token): void {
    switch (token.name) {
      case 'startObject':
        this.begin(true)
        this.open.push({ key: '', elements: -1 })
        break
      case 'startArray':
        this.begin(false)
        this.open.push({ key: '', elements: 0 })
        break
      case 'startString':
      case 'startNumber':
      case 'trueValue':
      case 'falseValue':
      case 'nullValue':
        this.begin(false)
        break
      case 'endObject':
      case 'endArray':
        this.open.pop()
        if (this.open.length === this.passing) this.passing = -1
        break
      case 'startKey':
        this.isKey = true
        this.open[this.open.length - 1].key = ''
        break
      case 'endKey':
        this.isKey = false
        break
      case 'stringChunk':
        if (this.isKey && this.passing < 0) this.open[this.open.length - 1].key += token.value
        break
    }
  }

  /** A value begins. @throws Refusal where it is nested deeper than records may be */
  private begin(isObject: boolean): void {
    const holder = this.open.at(-1)
    if (this.open.length > MAX_DEPTH) throw new Refusal('TOO_DEEP', 'too deep', 0)
    if (this.passing >= 0 || holder === undefined || holder.elements < 0) return
    holder.elements++
    if (!isObject) return
    const path = this.path()
    if (path !== undefined) this.arrays.set(path, (this.arrays.get(path) ?? 0) + 1)
    this.passing = this.open.length
  }

  /** The path of the innermost array that is open; undefined if `parse` could not be given it. */
  private path(): string | undefined {
    const holders = this.open.slice(0, -1)
    if (holders.length > MOST_KEYS) return undefined
    const keys = holders.map(({ key, elements }) => (elements < 0 ? key : String(elements - 1)))
    if (keys.some((key) => key.includes('.')) || (keys.length === 1 && keys[0] === '')) return undefined
    return keys.join('.')
  }
}
