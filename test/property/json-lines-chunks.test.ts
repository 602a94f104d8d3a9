import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { JsonLinesReader } from '../../src/storage/json-lines.js'
import { cutPoints, damagedFile, legalFile } from '../support/arbitraries.js'
import { chunksOf, expectedOutcomes, readChunks, withoutMessages } from '../support/lines.js'

const MARK = Buffer.of(0xef, 0xbb, 0xbf)

/** A file with all that a cut could hurt: characters of several bytes, escapes, CRLF, a byte order mark, bad lines. */
const TRICKY = Buffer.concat([
  MARK,
  Buffer.from('\r\n{"é":"😀\\ud83d\\ude00"}\r\n\n{"a":"\\\\\\"\\/"}\n{"a":\n{"b":1}\r\n[1]\n'),
  Buffer.of(0x7b, 0x22, 0xff, 0x22, 0x7d, 0x0a),
  Buffer.from('{"c":"\t"}\n{"last":"€"}'),
])

describe('chunk boundaries make no difference', () => {
  test('to legal and damaged files, with any limit on lines', () => {
    const limit = fc.oneof(fc.constant(1 << 20), fc.integer({ min: 3, max: 80 }))
    fc.assert(
      fc.property(fc.oneof(legalFile, damagedFile), cutPoints, limit, (file, cuts, maxLineBytes) => {
        const found = readChunks(chunksOf(file, cuts), maxLineBytes)
        expect(withoutMessages(found)).toEqual(expectedOutcomes(file, maxLineBytes))
        // What the errors say does not tell of chunks either.
        expect(found).toEqual(readChunks([file], maxLineBytes))
      }),
      { numRuns: 2000 },
    )
  })

  test('at any one or two places', () => {
    const expected = expectedOutcomes(TRICKY)
    expect(expected.map(({ found }) => found).filter((found) => /^[A-Z]/.test(found))).toEqual([
      'JSON_SYNTAX',
      'NOT_AN_OBJECT',
      'NOT_UTF8',
      'JSON_SYNTAX',
    ])
    for (let a = 0; a <= TRICKY.length; a++) {
      for (let b = a; b <= TRICKY.length; b += b < a + 5 ? 1 : 7) {
        const chunks = [TRICKY.subarray(0, a), TRICKY.subarray(a, b), TRICKY.subarray(b)]
        expect(withoutMessages(readChunks(chunks))).toEqual(expected)
      }
    }
  })

  test('byte by byte', () => {
    const chunks = Array.from(TRICKY, (byte) => Buffer.of(byte))
    expect(readChunks(chunks)).toEqual(readChunks([TRICKY]))
  })

  test('in files of several regions, with lines longer than a block', () => {
    const line = (size: number) => `{"n":${size},"text":"${'é😀\\n'.repeat(size)}"}\n`
    const sizes = fc.array(fc.constantFrom(1, 20, 500, 6_000, 15_000, 70_000), { minLength: 3, maxLength: 8 })
    fc.assert(
      fc.property(sizes, cutPoints, (list, cuts) => {
        const file = Buffer.from(list.map(line).join(''))
        expect(readChunks(chunksOf(file, cuts))).toEqual(expectedOutcomes(file))
      }),
      { numRuns: 40 },
    )
  })
})

describe('maxLineBytes', () => {
  const lines = ['{"a":1}', `{"a":"${'x'.repeat(93)}"}`, '{"b":2}', `{"a":"${'é'.repeat(47)}"}`, '{"c":3}\r']
  const file = Buffer.from(lines.join('\n'))
  const offsets = [0, 8, 110, 118, 221]

  test('the longest line that is allowed is read, one byte more is a fault at its place', () => {
    for (const size of [1, 7, 50, 101, 102, 103, 110, 111, 1000]) {
      const chunks: Uint8Array[] = []
      for (let at = 0; at < file.length; at += size) chunks.push(file.subarray(at, at + size))
      const found = (limit: number) => withoutMessages(readChunks(chunks, limit))
      expect(found(102)).toEqual(expectedOutcomes(file))
      expect(found(101)).toEqual([
        { line: 1, offset: offsets[0], found: lines[0] },
        { line: 2, offset: offsets[1], found: lines[1] },
        { line: 3, offset: offsets[2], found: lines[2] },
        { line: 4, offset: offsets[3], found: 'LINE_TOO_LONG' },
        { line: 5, offset: offsets[4], found: lines[4] },
      ])
      expect(found(100).map(({ found }) => found)).toEqual([
        lines[0],
        'LINE_TOO_LONG',
        lines[2],
        'LINE_TOO_LONG',
        lines[4],
      ])
      // The carriage return is a byte of its line.
      expect(found(7).map(({ found }) => found)).toEqual([
        lines[0],
        'LINE_TOO_LONG',
        lines[2],
        'LINE_TOO_LONG',
        'LINE_TOO_LONG',
      ])
    }
  })

  test('a line that is too long is no worse for being illegal', () => {
    const bad = Buffer.concat([Buffer.alloc(300, 0xff), Buffer.from('\n{}\n'), Buffer.alloc(300, 0x22)])
    for (const cuts of [[], [0.1], [0.5], [0.499, 0.501], [0.9]]) {
      expect(withoutMessages(readChunks(chunksOf(bad, cuts), 100))).toEqual([
        { line: 1, offset: 0, found: 'LINE_TOO_LONG' },
        { line: 2, offset: 301, found: '{}' },
        { line: 3, offset: 304, found: 'LINE_TOO_LONG' },
      ])
    }
  })

  test('a line that is too long is not kept', () => {
    const reader = new JsonLinesReader({ input: 'x', maxLineBytes: 1 << 16 })
    const chunk = Buffer.alloc(1 << 20, 0x61)
    const before = process.memoryUsage().arrayBuffers
    let faults = 0
    for (let i = 0; i < 200; i++) faults += reader.read(chunk).faults.length
    expect(faults).toBe(1)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 << 20)
    expect(reader.read(Buffer.from('\n{}\n')).records.map(({ place }) => place)).toEqual([
      { input: 'x', line: 2, offset: (200 << 20) + 1 },
    ])
  })

  test('the byte order mark is no part of the line, wherever the stream is cut', () => {
    const marked = Buffer.concat([MARK, Buffer.from('\n{"a":1}\n\r\n{"a":2}')])
    for (let a = 0; a <= marked.length; a++) {
      for (let b = a; b <= marked.length; b++) {
        const chunks = [marked.subarray(0, a), marked.subarray(a, b), marked.subarray(b)]
        expect(withoutMessages(readChunks(chunks, 7))).toEqual([
          { line: 2, offset: 4, found: '{"a":1}' },
          { line: 4, offset: 14, found: '{"a":2}' },
        ])
      }
    }
    for (let cut = 0; cut <= 12; cut++) {
      const bytes = Buffer.concat([MARK, Buffer.from('{"a":12}\n')])
      const chunks = [bytes.subarray(0, cut), bytes.subarray(cut)]
      expect(withoutMessages(readChunks(chunks, 8))).toEqual([{ line: 1, offset: 3, found: '{"a":12}' }])
    }
  })
})

describe('bytes that are not UTF-8', () => {
  test.each([
    ['a lone continuation byte', [0x80], 1],
    ['a byte that never occurs', [0xff], 1],
    ['an overlong solidus', [0xc0, 0xaf], 1],
    ['an overlong NUL', [0xe0, 0x80, 0x80], 1],
    ['an overlong four-byte form', [0xf0, 0x80, 0x80, 0x80], 1],
    ['a surrogate (CESU-8)', [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80], 1],
    ['a code point beyond the last', [0xf4, 0x90, 0x80, 0x80], 1],
    ['a character cut short', [0xe2, 0x82], 1],
    ['a character cut short whose start is that of U+FFFD', [0xef, 0xbf], 1],
    ['a bad byte behind good characters', [0xc3, 0xa9, 0xef, 0xbf, 0xbd, 0xfe], 6],
  ])('%s', (_, sequence, at) => {
    const bad = Buffer.concat([Buffer.from('{"a":"'), Buffer.from(sequence), Buffer.from('"}')])
    const file = Buffer.concat([Buffer.from('{"é":1}\n'), bad, Buffer.from('\n{"€":2}\n')])
    const expected = expectedOutcomes(file)
    expect(expected.map(({ found }) => found.slice(0, 8))).toEqual(['{"Ã©":1}', 'NOT_UTF8', '{"â\x82¬":2'])
    for (let cut = 0; cut <= file.length; cut++) {
      const found = readChunks([file.subarray(0, cut), file.subarray(cut)])
      expect(withoutMessages(found)).toEqual(expected)
      const byte = sequence[at - 1].toString(16)
      expect(found[1].message).toContain(`the byte 0x${byte} at byte ${6 + at} of the line is not UTF-8`)
    }
  })

  test('a character that the end of the input cuts', () => {
    const file = Buffer.from('{"a":"€"}').subarray(0, 8)
    expect(withoutMessages(readChunks([file]))).toEqual([{ line: 1, offset: 0, found: 'NOT_UTF8' }])
    expect(withoutMessages(readChunks([MARK.subarray(0, 2)]))).toEqual([
      { line: 1, offset: 0, found: 'NOT_UTF8' },
    ])
    expect(readChunks([MARK])).toEqual([])
  })
})

test.each([
  ['{"a":\u00e9}', '`é` where a value belongs at byte 6 of the line'],
  ['{"a":nul}', '`nul` where a value belongs at byte 6 of the line'],
  ['{"a":\x1b[1m}', 'the control character 0x1b where a value belongs at byte 6 of the line'],
  ['{"a":"\x1b[1m"}', 'a raw control character (0x1b) in a string at byte 7 of the line'],
  ['{"é":"\\é"}', 'an escape that JSON does not have, `\\é`, at byte 8 of the line'],
  ['{"a":"\\\x1b"}', 'an escape that JSON does not have, `\\`, at byte 7 of the line'],
  ['{"a":"x', 'a string without its closing quote at byte 6 of the line'],
  ['{"a":1} 2', 'more text after the end of the record at byte 9 of the line'],
  ['{"a":1', 'the end of the line where `,` or `}` belongs at byte 7 of the line'],
  [' [1]', 'an array; expected one legal JSON object a line'],
])('what is said of %j', (line, message) => {
  expect(readChunks([Buffer.from(`{}\n${line}\n{}`)])[1].message).toContain(`test:2 (byte 3): ${message}`)
})
