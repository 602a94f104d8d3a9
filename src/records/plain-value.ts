import { decode } from './json-text.js'
import type { JsonRecord } from './record.js'

/** A JSON value as JavaScript has it. Objects are maps, so that no key means anything but itself. */
export type PlainValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly PlainValue[]
  | ReadonlyMap<string, PlainValue>

/** An object or array that is being filled. */
interface Open {
  readonly filled: Map<string, PlainValue> | PlainValue[]
  readonly end: number
}

/**
 * The value at `node` of a record. Of a repeated key the last one counts. An integer that a number cannot hold is a
 * bigint. It is iterative: nesting may be deep.
 */
export function plainValue(record: JsonRecord, node: number): PlainValue {
  const open: Open[] = []
  let at = node
  for (;;) {
    const parent = open.at(-1)
    let key = ''
    if (parent !== undefined && !Array.isArray(parent.filled)) {
      key = decode(record.key(at))
      at += 2
    }
    const type = record.type(at)
    const nested = type === 'an object' ? new Map<string, PlainValue>() : type === 'an array' ? [] : undefined
    const value = nested ?? scalar(record, at)
    if (parent === undefined) {
      if (nested === undefined) return value
    } else if (Array.isArray(parent.filled)) parent.filled.push(value)
    else parent.filled.set(key, value)
    if (nested === undefined) at = record.next(at)
    else {
      open.push({ filled: nested, end: record.next(at) })
      at = record.first(at)
    }
    for (let inner = open.at(-1); inner !== undefined && at === inner.end; inner = open.at(-1)) {
      open.pop()
      if (open.length === 0) return inner.filled
    }
  }
}

function scalar(record: JsonRecord, node: number): PlainValue {
  switch (record.type(node)) {
    case 'text':
      return decode(record.text(node))
    case 'true':
      return true
    case 'false':
      return false
    case 'null':
      return null
    default:
      return numberOf(record.raw(node))
  }
}

function numberOf(json: string): number | bigint {
  const value = Number(json)
  return Number.isSafeInteger(value) || /[.eE]/.test(json) ? value : BigInt(json)
}
