import { isUtf8 } from 'node:buffer'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encode } from '../../src/records/json-text.js'
import { parseJson } from '../../src/records/parse-json.js'
import { JsonDocumentReader } from '../../src/storage/json-document.js'
import type { RecordReader } from '../../src/storage/record-reader.js'
import { cutPoints, jsonText, objectText } from '../support/arbitraries.js'
import { readStory, respelled, type Story } from '../support/documents.js'
import { chunksOf } from '../support/lines.js'

interface Options {
  path?: string
  maxRecordBytes?: number
}

const reader = (options: Options = {}): RecordReader =>
  new JsonDocumentReader({ input: 'd.json', ...options })

/** The story of a document, which must be the same in one piece, byte by byte, and cut in two at any place. */
async function read(document: string | Buffer, options: Options = {}): Promise<Story> {
  const bytes = typeof document === 'string' ? Buffer.from(document) : document
  const story = await readStory(reader(options), [bytes])
  expect(
    await readStory(
      reader(options),
      Array.from(bytes, (byte) => Buffer.of(byte)),
    ),
  ).toEqual(story)
  for (let cut = 1; cut < bytes.length; cut++) {
    expect(await readStory(reader(options), [bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(story)
  }
  return story
}

/** A story with no more of its faults than `CODE`, or `FATAL CODE`, and their place if it has one. */
const brief = (story: Story): Story =>
  story.map((line) =>
    line.replace(/^((?:FATAL )?[A-Z_0-9]+) d\.json(?:, (record \d+))?(?: \((byte \d+)\))?: .*$/, (...found) =>
      found
        .slice(1, 4)
        .filter((part) => part !== undefined)
        .join(', '),
    ),
  )

const readBriefly = async (document: string | Buffer, options: Options = {}): Promise<Story> =>
  brief(await read(document, options))

describe('where the records are', () => {
  test('in the array that the document is', async () => {
    expect(await read('[{"a":1},\n {"b":"é"} , {}]')).toEqual([
      'd.json, record 1 (byte 1): {"a": 1}',
      'd.json, record 2 (byte 11): {"b": "é"}',
      'd.json, record 3 (byte 24): {}',
    ])
  })

  test('an object is the only record', async () => {
    expect(await read(' {"a":[{"b":{}}]} ')).toEqual(['d.json, record 1 (byte 1): {"a": [{"b": {}}]}'])
  })

  test.each(['', ' ', '\n\r\t ', '\ufeff', '\ufeff\n'])('%j holds none', async (document) => {
    expect(await read(document)).toEqual([])
    expect(await read(document, { path: 'a' })).toEqual([])
  })

  test.each([
    ['{"x":[{"no":1}],"a":{"a":[{}],"b":[{"n":1}]},"b":[{"no":2}]}', 'a.b', 35],
    ['{"a":[[{"no":1}],[{"n":1}]]}', 'a.1', 18],
    ['[{"no":1},{"a":[{"n":1}]},[{"no":2}]]', '1.a', 16],
    ['{"1":{"0":{"n":1}}}', '1.0', 10],
    ['{"":{"":[{"n":1}]}}', '.', 9],
    ['{"a":{"n":1}}', 'a', 5],
    ['[{"no":1},{"n":1}]', '1', 10],
    ['{"\\u0061":[{"n":1}]}', 'a', 11],
    ['{"ab":[{"no":1}],"a":[{"n":1}],"":[{"no":1}]}', 'a', 22],
    ['{"é世😀":[{"n":1}]}', 'é世😀', 14],
    ['{"a":1,"a":null,"a":[{"n":1}]}', 'a', 21],
  ])('%s under %s', async (document, path, offset) => {
    expect(await read(document, { path })).toEqual([`d.json, record 1 (byte ${offset}): {"n": 1}`])
  })

  test('an empty path is no path', async () => {
    expect(await read('[{"n":1}]', { path: '' })).toEqual(['d.json, record 1 (byte 1): {"n": 1}'])
  })

  test('a repeated key leads to all of its values', async () => {
    expect(await read('{"a":[{"n":1}],"b":[{}],"a":{"n":2},"a":[{"n":3}]}', { path: 'a' })).toEqual([
      'd.json, record 1 (byte 6): {"n": 1}',
      'd.json, record 2 (byte 28): {"n": 2}',
      'd.json, record 3 (byte 41): {"n": 3}',
    ])
  })

  test('an empty array is a place for records', async () => {
    expect(await read('[]')).toEqual([])
    expect(await read('{"a":{"b":[]}}', { path: 'a.b' })).toEqual([])
  })

  test.each([
    ['{"a":{"b":[]}}', 'a.c', 'nothing under `a.c`: `a` has no `c`'],
    ['{"a":{"b":[]}}', 'b', 'nothing under `b`: the document has no `b`'],
    ['{"a":{"b":[]}}', 'a.b.0.c', 'nothing under `a.b.0.c`: `a.b` has no `0`'],
    ['{"a":[{},{}]}', 'a.2', 'nothing under `a.2`: `a` has no `2`'],
    ['{"a":[{},{}]}', 'a.01', 'nothing under `a.01`: `a` has no `01`'],
    ['{"a":{"a":[]}}', 'a.a.a', 'nothing under `a.a.a`: `a.a` has no `a`'],
    ['{"b":{"a":[{}]},"a":12}', 'a', 'a number under `a`'],
    ['{"a":"[]"}', 'a', 'a text under `a`'],
    ['{"a":null}', 'a', '`null` under `a`'],
    ['{"a":true}', 'a.b', 'nothing under `a.b`: `a` has no `b`'],
    ['12', 'a', 'nothing under `a`: the document has no `a`'],
    ['{}', 'a', 'nothing under `a`: the document has no `a`'],
  ])('%s has no records under %s', async (document, path, found) => {
    expect(await read(document, { path })).toEqual([
      `FATAL NO_SUCH_PATH d.json: ${found}; expected an array of records, or one record. Correct the \`path\`: keys joined by dots, leading to the array of records. [NO_SUCH_PATH]`,
    ])
  })
})

describe('how records are spelled', () => {
  test.each([
    '1',
    '-0',
    '3.0',
    '1E400',
    '-1.50e-07',
    '12345678901234567890',
    '0.1000000000000000055511151231257827',
    '[]',
    '{}',
    'true',
    'false',
    'null',
    '""',
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\ud83d\\""',
    '"\\u0000\\u001f\\b\\t\\n\\f\\r\\"\\\\/\u007f\u2028"',
    `"${'😀é世'.repeat(200)}"`,
  ])('value %# stays', async (value) => {
    const story = await read(`[{"v":[${value}]}]`)
    expect(story).toEqual([`d.json, record 1 (byte 1): {"v": [${value}]}`])
  })

  test('escapes that are not needed are taken out', async () => {
    expect(await read('[{"\\u0061\\/":"\\u00e9\\uD83D\\uDE00\\u0022\\uD800\\u000a"}]')).toEqual([
      'd.json, record 1 (byte 1): {"a/": "é😀\\"\\ud800\\n"}',
    ])
  })

  test('keys keep their order, and repeated ones stay', async () => {
    expect(await read('[{"b":1,"1":2,"a":3,"b":{"b":1,"b":2},"__proto__":0}]')).toEqual([
      'd.json, record 1 (byte 1): {"b": 1, "1": 2, "a": 3, "b": {"b": 1, "b": 2}, "__proto__": 0}',
    ])
  })

  test('fields can be read from it', () => {
    const { records } = reader().read(Buffer.from('[{},{"x":0,"\\u00e9":["\\u4e16",3.0]}]')) as {
      records: import('../../src/records/record.js').JsonRecord[]
    }
    const record = records[1]
    const list = record.member(record.root, encode('é'))
    expect(record.type(list)).toBe('an array')
    expect(record.text(record.first(list))).toBe(encode('世'))
    expect(record.raw(record.next(record.first(list)))).toBe('3.0')
    expect(record.member(record.root, encode('y'))).toBe(-1)
  })

  test('a long record', async () => {
    const text = 'Zeile "x"\n 世界 '.repeat(30_000)
    const numbers = Array.from({ length: 50_000 }, (_, i) => i)
    const document = Buffer.from(`[${JSON.stringify({ text, numbers })},{"a":1}]`)
    for (const size of [997, 64 * 1024, document.length]) {
      const chunks = Array.from({ length: Math.ceil(document.length / size) }, (_, i) =>
        document.subarray(i * size, (i + 1) * size),
      )
      const story = await readStory(reader(), chunks)
      expect(story.length).toBe(2)
      expect(story[0] === `d.json, record 1 (byte 1): ${respelled(JSON.stringify({ text, numbers }))}`).toBe(
        true,
      )
      expect(story[1]).toBe(`d.json, record 2 (byte ${document.length - 8}): {"a": 1}`)
    }
  })
})

describe('bad records', () => {
  test('elements that are no objects', async () => {
    const story = await read('[{}, 12,[{}],"x", true ,null,[],{"a":1}]')
    expect(brief(story)).toEqual([
      'd.json, record 1 (byte 1): {}',
      'NOT_AN_OBJECT, record 2, byte 5',
      'NOT_AN_OBJECT, record 3, byte 8',
      'NOT_AN_OBJECT, record 4, byte 13',
      'NOT_AN_OBJECT, record 5, byte 18',
      'NOT_AN_OBJECT, record 6, byte 24',
      'NOT_AN_OBJECT, record 7, byte 29',
      'd.json, record 8 (byte 32): {"a": 1}',
    ])
    const kinds = story.slice(1, 7).map((line) => /\): (.*?);/.exec(line)?.[1])
    expect(kinds).toEqual(['a number', 'an array', 'a text', '`true`', '`null`', 'an array'])
  })

  test.each(['12', '"x"', 'true', '-1.5e3'])('a document that is %s', async (document) => {
    expect(await readBriefly(`\n${document}`)).toEqual(['NOT_AN_OBJECT, record 1, byte 1'])
  })

  test('records that are too long', async () => {
    const fits = '{"a": "é67890"}'
    const options = { maxRecordBytes: Buffer.byteLength(fits) }
    expect(await readBriefly(`[${fits},{"a":"éé7890"},{"a":[1,2,3,4,5,6,7,8,[{}]]},{}]`, options)).toEqual([
      `d.json, record 1 (byte 1): ${fits}`,
      'LINE_TOO_LONG, record 2, byte 18',
      'LINE_TOO_LONG, record 3, byte 35',
      'd.json, record 4 (byte 64): {}',
    ])
  })

  test('records of many blocks that are just not too long', async () => {
    const fits = `{"a": "${'é'.repeat(50_000)}", "b": [${'1, '.repeat(30_000)}2]}`
    const bytes = Buffer.from(`[${fits}]`)
    const maxRecordBytes = bytes.length - 2
    expect(await readStory(reader({ maxRecordBytes }), [bytes])).toEqual([
      `d.json, record 1 (byte 1): ${fits}`,
    ])
    const story = await readStory(reader({ maxRecordBytes: maxRecordBytes - 1 }), [bytes])
    expect(brief(story)).toEqual(['LINE_TOO_LONG, record 1, byte 1'])
  })
})

describe('documents that are not legal', () => {
  test.each([
    ['[{"a":1}, x]', ['record', 'FATAL JSON_SYNTAX, byte 10']],
    ['[{"a":1},]', ['record', 'FATAL JSON_SYNTAX, byte 9']],
    ['[{"a":1},,{}]', ['record', 'FATAL JSON_SYNTAX, byte 9']],
    ['[,{"a":1}]', ['FATAL JSON_SYNTAX, byte 1']],
    ['[{"a":1} {"a":2}]', ['record', 'FATAL JSON_SYNTAX, byte 9']],
    ['[{"a":1}}', ['record', 'FATAL JSON_SYNTAX, byte 8']],
    ['[{"a":1}', ['record', 'FATAL JSON_SYNTAX, byte 8']],
    ['[{"a":1},', ['record', 'FATAL JSON_SYNTAX, byte 9']],
    ['[{"a":1},{"a":1', ['record', 'FATAL JSON_SYNTAX, record 2, byte 9']],
    ['[{"a":1},{"é":1,}]', ['record', 'FATAL JSON_SYNTAX, record 2, byte 9']],
    ['[{"a":1}]\n]', ['record', 'FATAL JSON_SYNTAX, byte 10']],
    ['[{"a":1}]\n{"a":1}', ['record', 'FATAL JSON_SYNTAX, byte 10']],
    ['{"a":1}\n{"a":1}', ['record', 'FATAL JSON_SYNTAX, byte 8']],
    [
      '[1,2 3]',
      ['NOT_AN_OBJECT, record 1, byte 1', 'NOT_AN_OBJECT, record 2, byte 3', 'FATAL JSON_SYNTAX, byte 5'],
    ],
    ['["a\\x"]', ['FATAL JSON_SYNTAX, record 1, byte 1']],
    ['[[1', ['FATAL JSON_SYNTAX, record 1, byte 1']],
    ['[tru', ['FATAL JSON_SYNTAX, byte 1']],
    [']', ['FATAL JSON_SYNTAX, byte 0']],
    ['\ufeff\ufeff[]', ['FATAL JSON_SYNTAX, byte 3']],
    ['[]\u00a0', ['FATAL JSON_SYNTAX, byte 2']],
    ['[]\v', ['FATAL JSON_SYNTAX, byte 2']],
  ])('%j', async (document, expected) => {
    const story = await readBriefly(document)
    expect(story.map((line) => (line.startsWith('d.json') ? 'record' : line))).toEqual(expected)
  })

  test.each([
    ['[{"a":tru}]', '`tru`, which is not JSON at byte 6 of the record'],
    ['[{"a":NaN}]', '`NaN`, which is not JSON at byte 6 of the record'],
    ['[{"a":01}]', '`01`, which is not JSON at byte 6 of the record'],
    ["[{'a':1}]", "`'a'`, which is not JSON at byte 2 of the record"],
    ['[{"a":1 // one\n}]', '`//`, which is not JSON at byte 8 of the record'],
    [`[{"a":${'😀'.repeat(30)}}]`, `\`${'😀'.repeat(20)}…\`, which is not JSON at byte 6 of the record`],
    ['[{"a":"é\\x"}]', 'the escape `\\x`, which JSON does not have at byte 9 of the record'],
    ['[{"a":"\\u12G4"}]', 'the escape `\\u`, which JSON does not have at byte 7 of the record'],
    ['[{"a":"\\😀"}]', 'the escape `\\😀`, which JSON does not have at byte 7 of the record'],
    ['[{"a":"b\n"}]', 'a raw control character (0x0a) in a string at byte 8 of the record'],
    ['[{"a":"\\\n"}]', 'the escape `\\\\n`, which JSON does not have at byte 7 of the record'],
    ['[{"a":\v}]', '`\\u000b`, which is not JSON at byte 6 of the record'],
    ['[{"a" 1}]', '`1` where `:` belongs at byte 6 of the record'],
    ['[{"a"}]', '`}` where `:` belongs at byte 5 of the record'],
    ['[{1:2}]', '`1` where a key belongs at byte 2 of the record'],
    ['[{"a":}]', '`}` where a value belongs at byte 6 of the record'],
    ['[{"a":[1,]}]', '`]` where a value belongs at byte 9 of the record'],
    ['[{"a":1,}]', '`}` where a key belongs at byte 8 of the record'],
    ['[{"a":[1}]', '`}` where `,` or `]` belongs at byte 8 of the record'],
    ['[{"a":1]', '`]` where `,` or `}` belongs at byte 7 of the record'],
    ['[{"a":1 "b":2}]', 'a text where `,` or the end of the object or array belongs at byte 8 of the record'],
    [
      '[{"a":"b',
      'the end of the document where the closing quote of a string belongs at byte 8 of the record',
    ],
    [
      '[{"a":"\\u00',
      'the end of the document where the closing quote of a string belongs at byte 11 of the record',
    ],
    ['[{"a":', 'the end of the document where a value belongs at byte 6 of the record'],
    ['[{"a"', 'the end of the document where `:` belongs at byte 5 of the record'],
    ['[{', 'the end of the document where a key belongs at byte 2 of the record'],
  ])('%j says what is wrong', async (document, found) => {
    const story = await read(document)
    expect(story.length).toBe(1)
    expect(story[0].replace(/\. Mend.*$/, '')).toBe(`FATAL JSON_SYNTAX d.json, record 1 (byte 1): ${found}`)
  })

  test('outside of the path too', async () => {
    expect(await readBriefly('{"x":[1,],"rows":[{}]}', { path: 'rows' })).toEqual([
      'FATAL JSON_SYNTAX, byte 8',
    ])
    expect(await readBriefly('{"rows":[{}],"é":{"y":01}}', { path: 'rows' })).toEqual([
      'd.json, record 1 (byte 9): {}',
      'FATAL JSON_SYNTAX, byte 23',
    ])
  })

  test('a number of more than a megabyte', async () => {
    for (const [digits, expected] of [
      [1 << 20, /^d\.json, record 1 \(byte 1\): \{"a": 1{1048576}\}$/],
      [
        (1 << 20) + 1,
        /^FATAL JSON_SYNTAX d\.json, record 1 \(byte 1\): a number or word of more than 1048576/,
      ],
    ] as const) {
      const bytes = Buffer.from(`[{"a":${'1'.repeat(digits)}}]`)
      const story = await readStory(reader(), [bytes])
      expect(story.length).toBe(1)
      expect(expected.test(story[0])).toBe(true)
      expect(await readStory(reader(), chunksOf(bytes, [0.3, 0.6, 0.9999]))).toEqual(story)
    }
  })

  test.each([
    ['[{"a":1},{"é":"\xff"}]', ['record', 'FATAL NOT_UTF8, record 2, byte 9']],
    ['[{"a":1}]\n\xff', ['record', 'FATAL NOT_UTF8, byte 10']],
    ['\xff', ['FATAL NOT_UTF8, byte 0']],
    ['[\xc3', ['FATAL NOT_UTF8, byte 1']],
    ['["\xf0\x9f\x98', ['FATAL NOT_UTF8, record 1, byte 1']],
    ['[{"a":1},"\xed\xa0\x80"]', ['record', 'FATAL NOT_UTF8, record 2, byte 9']],
    ['[12\xff', ['FATAL NOT_UTF8, byte 3']],
    // A fault before it comes first.
    ['[x,"\xff"]', ['FATAL JSON_SYNTAX, byte 1']],
  ])('bytes that are not UTF-8: %j', async (document, expected) => {
    const bytes = Buffer.from(document.replace('é', '\xc3\xa9'), 'latin1')
    const story = await readBriefly(bytes)
    expect(story.map((line) => (line.startsWith('d.json') ? 'record' : line))).toEqual(expected)
  })

  test('nothing is read after it', async () => {
    for (const document of ['[{"a":1}, x ', '[{"a":1}, "\xff"', '[{"a":1}]]', `[${'['.repeat(100_001)}`]) {
      const bad = reader()
      const scan = await bad.read(Buffer.from(document, 'latin1'))
      expect(scan.faults.at(-1)?.fatal).toBe(true)
      expect(await bad.read(Buffer.from(', {"a":2}, 5]'))).toEqual({ records: [], faults: [] })
      expect(await bad.end()).toEqual({ records: [], faults: [] })
      expect(await bad.end()).toEqual({ records: [], faults: [] })
    }
    const cut = reader()
    await cut.read(Buffer.from('[{}'))
    expect((await cut.end()).faults.length).toBe(1)
    expect(await cut.end()).toEqual({ records: [], faults: [] })
  })

  test('nothing is read after the end', async () => {
    const whole = reader({ path: 'a' })
    await whole.read(Buffer.from('{}'))
    expect((await whole.end()).faults.length).toBe(1)
    expect(await whole.end()).toEqual({ records: [], faults: [] })
    expect(await whole.read(Buffer.from('{}'))).toEqual({ records: [], faults: [] })
  })
})

describe('memory', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const heldBytes = () => {
    collect()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }

  test.each([
    ['a text beside the records', '{"x":"', 'text ', {}],
    ['a key beside the records', '{"', 'key ', {}],
    ['rows beside the records', '{"x":[0', ',{"a":"text","b":[1,2,{"c":null}]}', {}],
    ['a record that is too long', '{"r":[{"a":"', 'text ', { maxRecordBytes: 1000 }],
    ['what is no record', '{"r":[["', 'text ', {}],
  ])('%s: nothing is held', async (_, start, piece, options) => {
    const document = reader({ path: 'r', ...options })
    await document.read(Buffer.from(start))
    const chunk = Buffer.from(piece.repeat(Math.ceil(2 ** 18 / piece.length)))
    for (let i = 0; i < 8; i++) await document.read(chunk)
    const before = heldBytes()
    for (let i = 0; i < 64; i++) expect(await document.read(chunk)).toEqual({ records: [], faults: [] })
    expect(heldBytes() - before).toBeLessThan(4 * 1024 * 1024)
  })
})

describe('nesting', () => {
  const nested = (levels: number, inside = '') => '['.repeat(levels) + inside + ']'.repeat(levels)
  const chunked = (document: string) => chunksOf(Buffer.from(document), [0.1, 0.5, 0.7])

  test('100,000 levels of a record', async () => {
    const story = await readStory(reader(), chunked(`[{"a":${nested(99_999)}},{"b":2}]`))
    expect(story.length).toBe(2)
    expect(story[0].length).toBe('d.json, record 1 (byte 1): {"a": }'.length + 2 * 99_999)
    const deeper = await readStory(reader(), chunked(`[{},{"a":${nested(100_000)}},{"b":2}]`))
    expect(brief(deeper)).toEqual(['d.json, record 1 (byte 1): {}', 'FATAL TOO_DEEP, record 2, byte 4'])
  })

  test('100,000 levels beside the records', async () => {
    const story = await readStory(reader({ path: 'r' }), chunked(`{"a":${nested(99_999)},"r":{}}`))
    expect(story).toEqual(['d.json, record 1 (byte 200008): {}'])
    const deeper = await readStory(reader({ path: 'r' }), chunked(`{"a":${nested(100_000)},"r":{}}`))
    expect(brief(deeper)).toEqual(['FATAL TOO_DEEP, byte 100004'])
  })

  test('in what is no record', async () => {
    expect(brief(await readStory(reader(), chunked(`[${nested(100_000, '"x"')},{}]`)))).toEqual([
      'NOT_AN_OBJECT, record 1, byte 1',
      'd.json, record 2 (byte 200005): {}',
    ])
    expect(brief(await readStory(reader(), chunked(`[${nested(100_001)},{}]`)))).toEqual([
      'FATAL TOO_DEEP, record 1, byte 1',
    ])
  })
})

describe('as JSON.parse', () => {
  const space = fc.constantFrom('', '', '', ' ', '\n', '\r\n', '\t', '\n    ')

  /** The elements of an array, each with the white space around it. */
  const elements = fc.array(
    fc.tuple(space, fc.oneof({ weight: 4, arbitrary: objectText }, jsonText), space),
    {
      maxLength: 6,
    },
  )

  /** What stands around the array, and the path to it. */
  const frame = fc.constantFrom(
    { path: undefined, before: '', after: '' },
    { path: undefined, before: '\ufeff\n', after: '\n' },
    { path: 'a', before: '{"a":', after: '}' },
    {
      path: 'a.b',
      before: '{"é":[{"x":[]}],"a":{"c":"}]","b":',
      after: ',"b1":[[]]},"z":[1.0,{"b":[{}]}]} ',
    },
    { path: '2.x.1', before: '[[],{"x":[{},{}]},{"x":[{},', after: ',3]},{"x":[]}]' },
  )

  test('the records of any array, at their places', async () => {
    const property = fc.asyncProperty(
      elements,
      frame,
      cutPoints,
      async (list, { path, before, after }, cuts) => {
        const expected: Story = []
        let document = `${before}[`
        list.forEach(([left, element, right], i) => {
          document += i === 0 ? left : `,${left}`
          const offset = Buffer.byteLength(document)
          expected.push(
            element.startsWith('{')
              ? `d.json, record ${i + 1} (byte ${offset}): ${respelled(element)}`
              : `NOT_AN_OBJECT, record ${i + 1}, byte ${offset}`,
          )
          document += element + right
        })
        document += `]${after}`
        const chunks = chunksOf(Buffer.from(document), cuts)
        expect(brief(await readStory(new JsonDocumentReader({ input: 'd.json', path }), chunks))).toEqual(
          expected,
        )
        for (const [i, [, element]] of list.entries()) {
          if (!element.startsWith('{')) continue
          const text = expected[i].replace(/^d\.json, record \d+ \(byte \d+\): /, '')
          expect(JSON.stringify(parseJson(text))).toBe(JSON.stringify(parseJson(element)))
        }
      },
    )
    await fc.assert(property, { numRuns: 2000 })
  })

  const telling = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...Buffer.from('"""\\\\{}[],:0-.eEutn/ \t\r\n')) },
    { weight: 1, arbitrary: fc.nat({ max: 255 }) },
  )

  /** Documents with a byte or two that are wrong, missing or too many. */
  const damaged = fc
    .tuple(
      fc.oneof(
        jsonText,
        fc.array(fc.oneof(objectText, jsonText), { maxLength: 4 }).map((list) => `[${list.join(' ,\n')}]`),
      ),
      fc.array(fc.tuple(fc.constantFrom('insert', 'replace', 'delete', 'cut'), fc.nat(), telling), {
        minLength: 1,
        maxLength: 2,
      }),
    )
    .map(([document, damages]) => {
      let bytes = Buffer.from(document)
      for (const [how, anywhere, byte] of damages) {
        const at = anywhere % (bytes.length + 1)
        const rest = how === 'cut' ? bytes.length : how === 'insert' ? at : at + 1
        const put = how === 'insert' || how === 'replace' ? [byte] : []
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(put), bytes.subarray(rest)])
      }
      return bytes
    })

  test('what is legal and what is not', async () => {
    let legal = 0
    let refused = 0
    const property = fc.asyncProperty(damaged, cutPoints, async (bytes, cuts) => {
      const story = await readStory(reader(), chunksOf(bytes, cuts))
      expect(await readStory(reader(), [bytes])).toEqual(story)
      const fatal = story.filter((line) => line.startsWith('FATAL')).map((line) => line.split(' ')[1])
      if (!isUtf8(bytes)) {
        expect(fatal.length).toBe(1)
        expect(['NOT_UTF8', 'JSON_SYNTAX']).toContain(fatal[0])
        return
      }
      const text = bytes.toString()
      if (/^\ufeff?[ \t\r\n]*$/.test(text)) {
        expect(story).toEqual([])
        return
      }
      let value: unknown
      try {
        JSON.parse(text)
        value = parseJson(text)
      } catch {
        refused++
        expect(fatal).toEqual(['JSON_SYNTAX'])
        return
      }
      legal++
      expect(fatal).toEqual([])
      expect(story.length).toBe(Array.isArray(value) ? value.length : 1)
    })
    await fc.assert(property, { numRuns: 5000 })
    // Otherwise the property says nothing.
    expect(legal).toBeGreaterThan(200)
    expect(refused).toBeGreaterThan(1000)
  })

  const ATOMS = [
    '"',
    '"a"',
    '\\',
    '\\u0',
    '\\u0041',
    '[',
    ']',
    '{',
    '}',
    ',',
    ':',
    '0',
    '1',
    '-',
    '.',
    'e',
    '+',
    ' ',
  ]

  test('what is legal and what is not, among texts of JSON’s own pieces', async () => {
    const soup = fc
      .array(fc.constantFrom(...ATOMS, 'true', 'tr', 'ue', 'null', '\n', '"b":', '{"c":1}'), { maxLength: 9 })
      .map((list) => list.join(''))
    const property = fc.asyncProperty(soup, fc.boolean(), cutPoints, async (inside, wrapped, cuts) => {
      const text = wrapped ? `[${inside}]` : inside
      const story = await readStory(reader(), chunksOf(Buffer.from(text), cuts))
      let legal = true
      try {
        JSON.parse(text)
      } catch {
        legal = text.trim() === ''
      }
      expect(story.some((line) => line.startsWith('FATAL JSON_SYNTAX'))).toBe(!legal)
    })
    await fc.assert(property, { numRuns: 10_000 })
  })

  test('strings cut anywhere', async () => {
    const text = fc.array(
      fc.constantFrom(
        'a',
        '"',
        '\\',
        '\\\\',
        '/',
        'u',
        '😀',
        '\ud83d',
        '\ude00',
        '\n',
        '\u0000',
        'é',
        '世',
        'x'.repeat(300),
      ),
      { maxLength: 30 },
    )
    const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
    const property = fc.asyncProperty(text, fc.boolean(), cutPoints, async (list, all, cuts) => {
      const value = list.join('')
      // In escapes a pair may be cut between its halves.
      const json = all ? `"${value.split('').map(escaped).join('')}"` : JSON.stringify(value)
      const chunks = chunksOf(Buffer.from(`[{${json}:${json}}]`), cuts)
      const again = JSON.stringify(value)
      expect(await readStory(reader(), chunks)).toEqual([`d.json, record 1 (byte 1): {${again}: ${again}}`])
    })
    await fc.assert(property, { numRuns: 2000 })
  })
})
