import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { JsonLinesReader } from '../../src/storage/json-lines.js'
import { damagedFile, jsonText, legalFile, recordLine } from '../support/arbitraries.js'
import { expectedOutcomes, NO_LIMIT, type Outcome, readChunks, withoutMessages } from '../support/lines.js'

const read = (file: Buffer | string, maxLineBytes?: number): Outcome[] =>
  withoutMessages(readChunks([Buffer.from(file)], maxLineBytes))

describe('a line is accepted exactly when JSON.parse accepts it and it is an object', () => {
  test('legal lines, in every spelling', () => {
    let lines = 0
    fc.assert(
      fc.property(fc.array(recordLine, { minLength: 1, maxLength: 5 }), (list) => {
        lines += list.length
        const file = Buffer.from(list.map((line) => `${line}\n`).join(''))
        const found = read(file)
        expect(found).toEqual(expectedOutcomes(file))
        expect(found.map((outcome) => outcome.found)).toEqual(
          list.map((line) => Buffer.from(line).toString('latin1')),
        )
      }),
      { numRuns: 1500 },
    )
    expect(lines).toBeGreaterThan(3000)
  })

  test('any legal value: all but objects are refused', () => {
    fc.assert(
      fc.property(jsonText, (line) => {
        expect(read(line)).toEqual(expectedOutcomes(Buffer.from(line)))
      }),
      { numRuns: 1500 },
    )
  })

  test('files with byte order marks, blank lines and either line end', () => {
    fc.assert(
      fc.property(legalFile, (file) => {
        const found = read(file)
        expect(found).toEqual(expectedOutcomes(file))
        // Nothing is refused, and nothing is rewritten.
        for (const outcome of found) expect(outcome.found).toMatch(/^[ \t\r]*\{/)
      }),
      { numRuns: 1000 },
    )
  })

  test('damaged files: each bad line has its code and place, the good ones go on', () => {
    const codes = new Map<string, number>()
    fc.assert(
      fc.property(damagedFile, (file) => {
        const found = read(file)
        expect(found).toEqual(expectedOutcomes(file))
        for (const outcome of found) {
          const kind = /^[A-Z]/.test(outcome.found) ? outcome.found : 'good'
          codes.set(kind, (codes.get(kind) ?? 0) + 1)
        }
      }),
      { numRuns: 3000 },
    )
    // The damage must be neither too much nor too little to tell.
    expect(codes.get('good')).toBeGreaterThan(2000)
    expect(codes.get('JSON_SYNTAX')).toBeGreaterThan(2000)
    expect(codes.get('NOT_AN_OBJECT')).toBeGreaterThan(500)
    expect(codes.get('NOT_UTF8')).toBeGreaterThan(100)
  })

  test('damage far into a file of many blocks', () => {
    const filler = fc
      .integer({ min: 1000, max: 150_000 })
      .map((size) => `{"text":"${'é\\n'.repeat(size / 4)}"}`)
    const lines = fc.array(fc.oneof(filler, recordLine), { minLength: 5, maxLength: 15 })
    fc.assert(
      fc.property(lines, fc.nat(), fc.constantFrom(0x22, 0x5c, 0x0a, 0x09, 0xff, 0x7d), (list, at, byte) => {
        const file = Buffer.from(list.join('\n'))
        expect(read(file)).toEqual(expectedOutcomes(file))
        file[at % file.length] = byte
        expect(read(file)).toEqual(expectedOutcomes(file))
      }),
      { numRuns: 40 },
    )
  })
})

describe('lines that look alike', () => {
  const legal = [
    '{"a":1,"a":2}',
    '{"__proto__":{"a":1},"":0,"\\u005f_proto__":3}',
    '\t{ "a"\t:\r1 }\r',
    '{"a":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u00E9\\uD83d\\uDe00\\udfff\\ud800"}',
    '{"a":[-0,0.0,1E5,1e+05,-1.5e-300,123456789012345678901234567890]}',
    '{"a":"\u2028\u2029\x7f\ufeff\uffff"}',
    `{"a":${'9'.repeat(1_000_000)}}`,
  ]
  test.each(legal)('accepted: %.40j', (line) => {
    expect(() => JSON.parse(line)).not.toThrow()
    expect(read(`${line}\n{}`)).toEqual([
      { line: 1, offset: 0, found: Buffer.from(line).toString('latin1') },
      { line: 2, offset: Buffer.byteLength(line) + 1, found: '{}' },
    ])
  })

  const illegal = [
    ...[
      '{"a":01}',
      '{"a":+1}',
      '{"a":.5}',
      '{"a":5.}',
      '{"a":1e}',
      '{"a":0x1}',
      '{"a":-}',
      '{"a":1 2}',
      '{"a":--1}',
    ],
    ...[
      '{"a":NaN}',
      '{"a":Infinity}',
      '{"a":undefined}',
      '{"a":nul}',
      '{"a":nulll}',
      '{"a":True}',
      "{'a':1}",
    ],
    ...[
      '{',
      '}',
      '{]',
      '[}',
      '{"a"}',
      '{"a":}',
      '{"a":1,}',
      '{,}',
      '{"a":[1,]}',
      '{"a":1}}',
      '{}{}',
      '{"a" 1}',
      '{} x',
    ],
    ...[
      '{a:1}',
      '{"a":"\t"}',
      '{"a":"\\x"}',
      '{"a":"\\u12"}',
      '{"a":"\\u12g4"}',
      '{"a":"\\"}',
      '{"a":"',
      '{"a',
      '"\\',
    ],
    ...[
      '{"a":\\n1}',
      '{"a":\\"b"}',
      '\u00a0{}',
      '\u2028{}',
      '{"\\ud":1}',
      '{"a":\v1}',
      '\f{}',
      '{}\0',
      '{/**/}',
      '\ufeff{}',
    ],
  ]
  test.each(illegal)('refused: %j', (line) => {
    expect(() => JSON.parse(line)).toThrow()
    const bytes = Buffer.byteLength(line)
    // Between two lines that a string left open could swallow.
    expect(read(`{"s":"x"}\n${line}\n{"s":"x"}\n`)).toEqual([
      { line: 1, offset: 0, found: '{"s":"x"}' },
      { line: 2, offset: 10, found: 'JSON_SYNTAX' },
      { line: 3, offset: 11 + bytes, found: '{"s":"x"}' },
    ])
  })

  test('a string left open does not swallow the lines after it', () => {
    expect(read('{"a":"x}\n{"b":"y"}\n{"c":1}\n')).toEqual([
      { line: 1, offset: 0, found: 'JSON_SYNTAX' },
      { line: 2, offset: 9, found: '{"b":"y"}' },
      { line: 3, offset: 19, found: '{"c":1}' },
    ])
    // Read as one, these four lines are an object and a rest; each but the first is one by itself.
    expect(read('{"a":"\n{",":1}\n{":":[]}\n{"}":1}\n').map(({ found }) => found)).toEqual([
      'JSON_SYNTAX',
      '{",":1}',
      '{":":[]}',
      '{"}":1}',
    ])
    // Both lines together would be legal, had the string no line end in it.
    expect(read('{"a":"x\n"}\n').map(({ found }) => found)).toEqual(['JSON_SYNTAX', 'JSON_SYNTAX'])
    expect(read('{"a\n":1}\n').map(({ found }) => found)).toEqual(['JSON_SYNTAX', 'JSON_SYNTAX'])
    expect(read('{"a":1,\n"b":2}\n').map(({ found }) => found)).toEqual(['JSON_SYNTAX', 'JSON_SYNTAX'])
    expect(read('{"a":"\\\n"}\n').map(({ found }) => found)).toEqual(['JSON_SYNTAX', 'JSON_SYNTAX'])
  })

  test.each(['[]', '[{"a":1}]', '"{}"', '1', '-1.5e3', 'true', 'null', ' "a" '])(
    'not an object: %s',
    (line) => {
      expect(read(`${line}\n{}`)).toEqual([
        { line: 1, offset: 0, found: 'NOT_AN_OBJECT' },
        { line: 2, offset: line.length + 1, found: '{}' },
      ])
    },
  )
})

describe('nesting', () => {
  /** `levels` of them round a number. */
  const nest = (levels: number, kinds: readonly ('[' | '{')[]): string => {
    const open = Array.from({ length: levels }, (_, i) => (kinds[i % kinds.length] === '[' ? '[' : '{"a":'))
    const close = open.map((opened) => (opened === '[' ? ']' : '}')).reverse()
    return `${open.join('')}1${close.join('')}`
  }

  test.each<[string, ('[' | '{')[]]>([
    ['arrays', ['[']],
    ['objects', ['{']],
    ['both in turn', ['{', '[', '[']],
  ])('%s: 100,000 levels are accepted, 100,001 are not', (_, kinds) => {
    // The record itself is the first level.
    const good = `{"r":${nest(99_999, kinds)}}`
    const bad = `{"r":${nest(100_000, kinds)}}`
    expect(read(`${good}\n${bad}\n${good}\n`)).toEqual([
      { line: 1, offset: 0, found: good },
      { line: 2, offset: good.length + 1, found: 'TOO_DEEP' },
      { line: 3, offset: good.length + bad.length + 2, found: good },
    ])
    const inArrays = nest(100_000, ['['])
    expect(read(inArrays)).toEqual([{ line: 1, offset: 0, found: 'NOT_AN_OBJECT' }])
  })

  test('empty ones at the bottom count as levels too', () => {
    expect(read(`{"r":${'['.repeat(99_999)}${']'.repeat(99_999)}}`)[0].found).not.toBe('TOO_DEEP')
    expect(read(`{"r":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)[0].found).toBe('TOO_DEEP')
  })

  test('nesting that is never closed is a syntax error, however deep', () => {
    expect(read('{"a":'.repeat(100_000))).toEqual([{ line: 1, offset: 0, found: 'JSON_SYNTAX' }])
  })
})

test('an input without bytes has no records', () => {
  const reader = new JsonLinesReader({ input: 'x', maxLineBytes: NO_LIMIT })
  expect(reader.read(new Uint8Array(0))).toEqual({ records: [], faults: [] })
  expect(reader.end()).toEqual({ records: [], faults: [] })
  expect(reader.end()).toEqual({ records: [], faults: [] })
})
