import { quote, SteerpipeError } from '../errors.js'
import type { Counters } from '../observe/counters.js'
import { Batch } from '../records/batch.js'
import { encodeValue } from '../records/json-text.js'
import { Block, JsonRecord, type Origin } from '../records/record.js'
import { scanValue, skipSpace, Tape } from '../records/tape.js'
import type { ErrorPolicy } from './policy.js'
import { GappedBatch } from './units.js'

/** Plain JavaScript objects, as other people's streams carry them, to a batch of records. */
export class PlainObjects {
  private taken = 0

  constructor(
    private readonly stage: string,
    private readonly counters: Counters,
    private readonly policy: ErrorPolicy,
  ) {}

  batch(values: readonly unknown[]): Batch<JsonRecord> {
    const records: JsonRecord[] = []
    const gaps: number[] = []
    let ended: SteerpipeError | undefined
    for (const value of values) {
      const origin: Origin = { input: 'objects', first: ++this.taken, offset: undefined, unit: 'record' }
      try {
        records.push(recordOf(value, origin))
      } catch (error) {
        if (!(error instanceof SteerpipeError)) throw error
        this.counters.in++
        const place = { input: origin.input, record: origin.first }
        ended = this.policy.take(error.at(place, this.stage), [{ place, line: null }])
        if (ended) break
        gaps.push(records.length)
      }
    }
    const batch = gaps.length > 0 ? new GappedBatch(records, gaps) : new Batch(records)
    batch.error = ended ?? null
    return batch
  }
}

/** A plain object as a record, spelled canonically. @throws SteerpipeError PLAIN_OBJECT */
export function recordOf(value: unknown, origin: Origin): JsonRecord {
  return recordOfText(textOf(value), origin, new Tape())
}

/**
 * The JSON of an object as a record.
 *
 * @param text legal JSON on one line, one character a byte
 * @param tape what it is scanned onto; records that stay together may share one
 */
export function recordOfText(text: string, origin: Origin, tape: Tape): JsonRecord {
  const root = tape.length
  // The grammar is known to be right; the tape is what is wanted.
  scanValue(`${text}\n`, skipSpace(text, 0), tape, false)
  const block = new Block(origin, text, 0, tape, /\\[u/]/.test(text))
  return new JsonRecord(block, 0, 0, text.length, root)
}

/** A plain object as JSON in the canonical spelling, one character a byte. @throws SteerpipeError PLAIN_OBJECT */
export function textOf(value: unknown): string {
  const fix =
    typeof value === 'string'
      ? 'Turn lines into objects first: `split2(JSON.parse)`; or write bytes into `parse()`.'
      : undefined
  const refuse = (found: string, cause?: unknown) =>
    new SteerpipeError('PLAIN_OBJECT', { found, expected: 'a batch or a plain object', fix, cause })
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refuse(
      typeof value === 'string' ? `the text ${quote(value)}` : `a value of type ${typeName(value)}`,
    )
  }
  if (ArrayBuffer.isView(value)) throw refuse('bytes')
  if (value instanceof Map || value instanceof Set) throw refuse(`a ${value.constructor.name}`)
  let text: string
  try {
    text = encodeValue(value)
  } catch (error) {
    // A circular object, a bigint, nesting beyond the stack.
    throw refuse(error instanceof Error ? error.message.split('\n')[0] : String(error), error)
  }
  if (text[0] !== '{') throw refuse(`an object that JSON writes as ${quote(text)}`)
  const lost = unspelled(value, false)
  if (lost !== undefined) throw refuse(`${lost}, which JSON cannot spell,`)
  return text
}

/** What JSON.stringify has for such a value is what it stands for. */
const SPELLED: ReadonlySet<string> = new Set(['String', 'Number', 'Boolean'])

/**
 * The first thing in a value that JSON has no spelling for: JSON.stringify leaves it out, or writes `null` or `{}`.
 * A field that is undefined is none.
 */
function unspelled(value: unknown, inArray: boolean): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `the number ${value}`
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`
  if (value === undefined) return inArray ? 'undefined in an array' : undefined
  if (typeof value !== 'object' || value === null) return undefined
  // Such a value has said itself what stands for it.
  if ('toJSON' in value) return undefined
  const kind = Object.prototype.toString.call(value).slice('[object '.length, -1)
  if (SPELLED.has(kind)) return undefined
  if (kind !== 'Object' && kind !== 'Array') return /^[AEIOU]/.test(kind) ? `an ${kind}` : `a ${kind}`
  const isArray = Array.isArray(value)
  for (const part of isArray ? value : Object.values(value)) {
    const lost = unspelled(part, isArray)
    if (lost !== undefined) return lost
  }
  return undefined
}

const typeName = (value: unknown): string =>
  Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value
