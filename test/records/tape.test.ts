import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decode, encode } from '../../src/records/json-text.js'
import { parseJson } from '../../src/records/parse-json.js'
import { Block, JsonRecord } from '../../src/records/record.js'
import { MAX_DEPTH, Refusal, scanValue, Tape } from '../../src/records/tape.js'
import { jsonText, objectText, recordLine, spellingOf } from '../support/arbitraries.js'

/** A record scanned from a line (with its line end behind it). */
function recordOf(line: string, careful = true): JsonRecord {
  const text = `${Buffer.from(line).toString('latin1')}\n`
  const tape = new Tape()
  const start = /^[ \t\r]*/.exec(text)?.[0].length ?? 0
  scanValue(text, start, tape, careful)
  const origin = { input: 'test', first: 1, offset: 0, unit: 'line' } as const
  const block = new Block(origin, text, 0, tape, text.includes('\\'))
  return new JsonRecord(block, 0, 0, text.length - 1, 0)
}

const cellsOf = ({ block: { tape } }: JsonRecord): string => tape.cells.subarray(0, tape.length).join()
const utf8 = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8')

/** The value at a node, put together from the tape alone. */
function valueAt(record: JsonRecord, node: number): unknown {
  const end = record.next(node)
  const type = record.type(node)
  switch (type) {
    case 'text':
      return decode(record.text(node))
    case 'number':
      return Number(record.raw(node))
    case 'an array': {
      const items: unknown[] = []
      for (let at = record.first(node); at < end; at = record.next(at)) items.push(valueAt(record, at))
      return items
    }
    case 'an object': {
      const members: [string, unknown][] = []
      for (let at = record.first(node); at < end; at = record.next(at + 2)) {
        members.push([decode(record.key(at)), valueAt(record, at + 2)])
      }
      return Object.fromEntries(members)
    }
    default:
      return { true: true, false: false, null: null }[type]
  }
}

describe('the tape', () => {
  test('holds the whole value, as JSON.parse reads it', () => {
    fc.assert(
      fc.property(jsonText, (json) => {
        const record = recordOf(json)
        const value = parseJson(json)
        expect(valueAt(record, 0)).toEqual(value)
        expect(Object.is(valueAt(record, 0), -0)).toBe(Object.is(value, -0))
        expect(utf8(record.raw(0))).toBe(json)
        // Where there are no control characters the quick way is the same.
        if (!/[\t\r]/.test(json)) expect(cellsOf(recordOf(json, false))).toBe(cellsOf(record))
      }),
      { numRuns: 2000 },
    )
  })

  test('each value is written where the tape says', () => {
    fc.assert(
      fc.property(recordLine, (line) => {
        const record = recordOf(line)
        const entries = Object.entries(parseJson(line) as Record<string, unknown>)
        for (const [key, value] of entries) {
          const node = record.member(record.root, encode(key))
          expect(parseJson(utf8(record.raw(node)))).toEqual(value)
        }
        expect(utf8(record.json())).toBe(line)
      }),
      { numRuns: 1000 },
    )
  })

  test('grows with the value', () => {
    const list = Array.from({ length: 20_000 }, (_, i) => ({ [`k${i}`]: [i, `v${i}`] }))
    expect(valueAt(recordOf(JSON.stringify({ list })), 0)).toEqual({ list })
    const flat = Object.fromEntries(list.map((_, i) => [`k${i}`, i]))
    expect(valueAt(recordOf(JSON.stringify(flat)), 0)).toEqual(flat)
  })

  test('holds several values one after the other', () => {
    const text = '{"a":1}\n[2]\n'
    const tape = new Tape()
    expect(scanValue(text, 0, tape, false)).toBe(7)
    const second = tape.length
    expect(scanValue(text, 8, tape, false)).toBe(11)
    expect([...tape.cells.subarray(second, tape.length)]).toEqual([8, 11, second + 6, 9, 10, second + 6])
  })

  test('is left as it was by a value that is refused', () => {
    const tape = new Tape()
    scanValue('{"a":1}\n', 0, tape, false)
    const { length } = tape
    expect(() => scanValue('{"a":[1,{"b":}]}\n', 0, tape, false)).toThrow(Refusal)
    expect(tape.length).toBe(length)
  })

  test('refuses nesting beyond the limit, without a stack overflow', () => {
    const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`
    expect(recordOf(deep(MAX_DEPTH)).block.tape.length).toBe(3 * MAX_DEPTH)
    expect(() => recordOf(deep(MAX_DEPTH + 1))).toThrow('deeper than 100,000')
  })
})

describe('member', () => {
  const member = (line: string, key: string) => {
    const record = recordOf(line)
    const node = record.member(record.root, encode(key))
    return node < 0 ? undefined : utf8(record.raw(node))
  }

  test.each([
    ['{"a":1}', 'a', '1'],
    ['{"a":1}', 'b', undefined],
    ['{}', 'a', undefined],
    ['{"a":1,"b":2,"a":3}', 'a', '3'],
    ['{"a":1,"\\u0061":2}', 'a', '2'],
    ['{"\\u0061":1,"a":2}', 'a', '2'],
    ['{"b":{"a":1}}', 'a', undefined],
    ['{"aa":1,"A":2}', 'a', undefined],
    ['{"":1}', '', '1'],
    ['{"a":1}', '', undefined],
    ['{"__proto__":1}', '__proto__', '1'],
    ['{}', '__proto__', undefined],
    ['{}', 'constructor', undefined],
    ['{"é":1}', 'é', '1'],
    ['{"\\u00e9":1}', 'é', '1'],
    ['{"\\u00E9":1}', 'é', '1'],
    ['{"\\uD83D\\uDE00":1}', '😀', '1'],
    ['{"\\uD83D":1}', '\ud83d', '1'],
    ['{"\\ud83d":1,"\\uD83D":2}', '\ud83d', '2'],
    ['{"a\\/b":1}', 'a/b', '1'],
    ['{"a/b":1}', 'a/b', '1'],
    ['{"\\u001f":1}', '\x1f', '1'],
    ['{"\\u001F":1}', '\x1f', '1'],
    ['{"\\u000a":1}', '\n', '1'],
    ['{"\\u000A":1}', '\n', '1'],
    ['{"\\n":1}', '\n', '1'],
    ['{"\\u0022":1}', '"', '1'],
    ['{"\\"":1}', '"', '1'],
    ['{"\\u005C":1}', '\\', '1'],
    ['{"\\\\u0061":1}', 'a', undefined],
    ['{"\\\\u0061":1}', '\\u0061', '1'],
    ['{ "a"\t:\r"x" }', 'a', '"x"'],
  ])('%s has %j: %s', (line, key, expected) => {
    expect(member(line, key)).toBe(expected)
  })

  const known = 'p/é😀"\\\n\u001f'
  test('a key is found however it is spelled, the last one of several', () => {
    const members = fc.array(fc.tuple(fc.oneof(spellingOf(known), fc.constant('other')), fc.nat()), {
      maxLength: 5,
    })
    fc.assert(
      fc.property(members, (list) => {
        const line = `{${list.map(([key, value]) => `"${key}":${value}`).join(',')}}`
        const parsed = parseJson(line) as Record<string, unknown>
        expect(member(line, known)).toBe(Object.hasOwn(parsed, known) ? String(parsed[known]) : undefined)
      }),
      { numRuns: 1500 },
    )
  })

  test('finds in any object what JSON.parse finds', () => {
    fc.assert(
      fc.property(objectText, (line) => {
        const parsed = parseJson(line) as Record<string, unknown>
        for (const key of ['a', 'b', '', '__proto__', 'constructor', 'toString', ...Object.keys(parsed)]) {
          const raw = member(line, key)
          expect(raw !== undefined).toBe(Object.hasOwn(parsed, key))
          if (raw !== undefined) expect(parseJson(raw)).toEqual(parsed[key])
        }
      }),
      { numRuns: 1000 },
    )
  })
})
