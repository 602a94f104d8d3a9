import { isUtf8 } from 'node:buffer'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { showPlace } from '../../src/errors.js'
import { encode } from '../../src/records/json-text.js'
import { TextLinesReader } from '../../src/storage/text-lines.js'
import { cutPoints } from '../support/arbitraries.js'
import { readStory, type Story } from '../support/documents.js'
import { chunksOf } from '../support/lines.js'

const reader = (maxLineBytes = 1000, field = 'text') =>
  new TextLinesReader({ input: 'd.txt', field, maxLineBytes })

/** A story with no more of its faults than the code and the place. */
const brief = (story: Story): Story =>
  story.map((line) => line.replace(/^([A-Z_0-9]+ .*? \(byte \d+\)): .*$/, '$1'))

/** The story of a text, which must be the same in one piece, byte by byte, and cut in two at any place. */
async function read(text: string | Buffer, maxLineBytes?: number): Promise<Story> {
  const bytes = Buffer.from(text)
  const story = await readStory(reader(maxLineBytes), [bytes])
  expect(
    await readStory(
      reader(maxLineBytes),
      Array.from(bytes, (byte) => Buffer.of(byte)),
    ),
  ).toEqual(story)
  for (let cut = 1; cut < bytes.length; cut++) {
    expect(await readStory(reader(maxLineBytes), [bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(
      story,
    )
  }
  return story
}

test('a record a line', async () => {
  expect(
    await read('Hi!\n\nÉté "世界" \\ 😀\r\n \t\n\r\n\na\rb\r\r\n\u0000\u001f\u007f\ufeff\nlast'),
  ).toEqual([
    'd.txt:1 (byte 0): {"text": "Hi!"}',
    'd.txt:3 (byte 5): {"text": "Été \\"世界\\" \\\\ 😀"}',
    'd.txt:4 (byte 28): {"text": " \\t"}',
    'd.txt:7 (byte 34): {"text": "a\\rb\\r"}',
    'd.txt:8 (byte 40): {"text": "\\u0000\\u001f\u007f\ufeff"}',
    'd.txt:9 (byte 47): {"text": "last"}',
  ])
})

test.each(['', '\n', '\r\n', '\n\n\r', '\ufeff', '\ufeff\n'])('%j holds no records', async (text) => {
  expect(await read(text)).toEqual([])
})

test('a byte order mark at the start, and nowhere else', async () => {
  expect(await read('\ufeffa\n\ufeffb')).toEqual([
    'd.txt:1 (byte 3): {"text": "a"}',
    'd.txt:2 (byte 5): {"text": "\ufeffb"}',
  ])
  expect(await read('\ufeff\ufeff')).toEqual(['d.txt:1 (byte 3): {"text": "\ufeff"}'])
  // The beginning of a mark that is none.
  expect(brief(await read(Buffer.from('\xef\xbb\na', 'latin1')))).toEqual([
    'NOT_UTF8 d.txt:1 (byte 0)',
    'd.txt:2 (byte 3): {"text": "a"}',
  ])
  expect(brief(await read(Buffer.from('\xef\xbb', 'latin1')))).toEqual(['NOT_UTF8 d.txt:1 (byte 0)'])
})

test('the field is named, and can be read', async () => {
  const { records } = await reader(1000, 'a "é"').read(Buffer.from('x\né\n'))
  const [, record] = records
  expect(record.json()).toBe(Buffer.from('{"a \\"é\\"": "é"}').toString('latin1'))
  expect(record.text(record.member(record.root, encode('a "é"')))).toBe(encode('é'))
  expect(record.place).toEqual({ input: 'd.txt', line: 2, offset: 2 })
  expect(showPlace(record.source.place)).toBe('d.txt:2 (byte 2)')
})

test('lines that are not UTF-8', async () => {
  const story = await read(Buffer.from('a\n\xe9t\xe9\nb\xef\xbf\n\xc3', 'latin1'))
  expect(story.map((line) => line.replace(/\. Convert.*$/, ''))).toEqual([
    'd.txt:1 (byte 0): {"text": "a"}',
    'NOT_UTF8 d.txt:2 (byte 2): the byte 0xe9 at byte 1 of the line is not UTF-8',
    'NOT_UTF8 d.txt:3 (byte 6): the byte 0xef at byte 2 of the line is not UTF-8',
    'NOT_UTF8 d.txt:4 (byte 10): the byte 0xc3 at byte 1 of the line is not UTF-8',
  ])
})

test('lines that are too long', async () => {
  const story = await read('1234\n12345\n\n1234567890123\n123\r\n1234\r\n\ufeff\n12345', 4)
  expect(brief(story)).toEqual([
    'd.txt:1 (byte 0): {"text": "1234"}',
    'LINE_TOO_LONG d.txt:2 (byte 5)',
    'LINE_TOO_LONG d.txt:4 (byte 12)',
    'd.txt:5 (byte 26): {"text": "123"}',
    'LINE_TOO_LONG d.txt:6 (byte 31)',
    'd.txt:7 (byte 37): {"text": "\ufeff"}',
    'LINE_TOO_LONG d.txt:8 (byte 41)',
  ])
  expect(story[1]).toContain('a line of more than 4 bytes; expected at most 4.')
})

test('the byte order mark is not a part of the first line', async () => {
  expect(await read('\ufeff1234\n', 4)).toEqual(['d.txt:1 (byte 3): {"text": "1234"}'])
})

test('a long line does not stay in memory', async () => {
  const long = reader(1000)
  const chunk = Buffer.alloc(1 << 20, 'x')
  expect((await long.read(chunk)).faults.length).toBe(1)
  // More than the longest string.
  for (let i = 0; i < 520; i++) expect(await long.read(chunk)).toEqual({ records: [], faults: [] })
  const { records, faults } = await long.read(Buffer.from('\nnext\n'))
  expect(faults).toEqual([])
  expect(records.map(({ place }) => place)).toEqual([
    { input: 'd.txt', line: 2, offset: 521 * (1 << 20) + 1 },
  ])
})

test('many lines in a chunk come at once', async () => {
  const many = await reader().read(Buffer.from('a\n'.repeat(100_000)))
  expect(many.records.length).toBe(100_000)
  expect(many.records[99_999].place).toEqual({ input: 'd.txt', line: 100_000, offset: 199_998 })
})

test('any bytes in any chunks, as a slow reader reads them', async () => {
  const pieces = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.constantFrom(
        '\n',
        '\r\n',
        '\r',
        'a',
        'text',
        '"',
        '\\',
        '\t',
        ' ',
        'é',
        '世',
        '😀',
        '\ufeff',
      ),
    },
    { weight: 1, arbitrary: fc.constantFrom('\0', '\ufffd', '1234567890123') },
  )
  const input = fc
    .array(
      fc.oneof(
        { weight: 12, arbitrary: pieces.map((text) => Buffer.from(text)) },
        { weight: 1, arbitrary: fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)) },
      ),
      { maxLength: 24 },
    )
    .map((list) => Buffer.concat(list))
  const property = fc.asyncProperty(
    input,
    fc.integer({ min: 1, max: 16 }),
    cutPoints,
    async (bytes, max, cuts) => {
      const story = await readStory(reader(max), chunksOf(bytes, cuts))
      expect(brief(story)).toEqual(expected(bytes, max))
      expect(await readStory(reader(max), [bytes])).toEqual(story)
    },
  )
  await fc.assert(property, { numRuns: 5000 })
})

function expected(bytes: Buffer, max: number): Story {
  const story: Story = []
  let offset = bytes.subarray(0, 3).equals(Buffer.from('\ufeff')) ? 3 : 0
  for (let line = 1; offset < bytes.length; line++) {
    const lineEnd = bytes.indexOf('\n', offset)
    const whole = bytes.subarray(offset, lineEnd < 0 ? bytes.length : lineEnd)
    const text = whole.toString().replace(/\r$/, '')
    const place = `d.txt:${line} (byte ${offset})`
    if (whole.length > max) story.push(`LINE_TOO_LONG ${place}`)
    else if (!isUtf8(whole)) story.push(`NOT_UTF8 ${place}`)
    else if (text !== '') story.push(`${place}: {"text": ${JSON.stringify(text)}}`)
    offset += whole.length + 1
  }
  return story
}
