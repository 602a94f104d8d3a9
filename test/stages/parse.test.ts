/**
 * parse: bytes to records. (That it takes what JSON.parse takes is for the property tests.)
 */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, expect, test } from 'vitest'
import { type Batch, type ParseOptions, parse, type SteerpipeError } from '../../src/index.js'
import { collector, counts, failure, file, linesFrom, linesThrough, refusal, thrown } from './support.js'

/** The lines that come out of `parse` with these options. */
function read(bytes: Buffer | string, options: ParseOptions = {}): Promise<string[]> {
  return linesFrom(Readable.from([Buffer.from(bytes)]), parse(options))
}

describe('JSON Lines', () => {
  test.each<[string, Buffer | string, string[]]>([
    ['empty input', '', []],
    ['white space alone', ' \n\t\n\r\n  ', []],
    ['a line', '{"a":1}\n', ['{"a":1}']],
    ['no last line end', '{"a":1}\n{"b":2}', ['{"a":1}', '{"b":2}']],
    ['a byte order mark', '\ufeff{"a":1}\n', ['{"a":1}']],
    ['a byte order mark alone', '\ufeff', []],
    ['blank lines', '\n\n{"a":1}\n  \n{"b":2}\n\n', ['{"a":1}', '{"b":2}']],
    [
      'a line as it was written',
      ' {"b" :[1.50,{}],\t"a":"\\u00e9é\\/"} \n',
      [' {"b" :[1.50,{}],\t"a":"\\u00e9é\\/"} '],
    ],
    ['carriage returns, which stay', '{"a":1}\r\n{"b":2}\r\n', ['{"a":1}\r', '{"b":2}\r']],
  ])('%s', async (_name, bytes, lines) => {
    expect(await read(bytes)).toEqual(lines)
  })

  test('text is taken as well as bytes, cut anywhere', async () => {
    const line = '{"a":"é😀"}'
    const bytes = Buffer.from(`${line}\n${line}\n`)
    expect(await linesFrom(Readable.from([...bytes].map((byte) => Buffer.of(byte))), parse())).toEqual([
      line,
      line,
    ])
    expect(await linesFrom(Readable.from([`${line}\n{"a"`, ':1}']), parse())).toEqual([line, '{"a":1}'])
  })

  test('nesting of 100,000 levels', async () => {
    const deep = (levels: number) => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`
    expect(await read(deep(100_000))).toHaveLength(1)
    expect(await refusal(deep(100_001))).toMatchObject({ code: 'TOO_DEEP', place: { line: 1 } })
  })
})

describe('what a line may not be', () => {
  const before = '\ufeff{"a":1}\n\n'
  test.each<[string, string | Buffer, SteerpipeError['code'], RegExp]>([
    ['no JSON', '{"a":}', 'JSON_SYNTAX', /`}` where a value belongs at byte 6 of the line/],
    ['NaN', '{"a":NaN}', 'JSON_SYNTAX', /`NaN`/],
    ['a trailing comma', '{"a":1,}', 'JSON_SYNTAX', /where a key belongs/],
    ['cut short', '{"a":"b', 'JSON_SYNTAX', /closing quote/],
    ['two records', '{"a":1}{"b":2}', 'JSON_SYNTAX', /more text after the end of the record/],
    ['a raw control character', '{"a":"\u0001"}', 'JSON_SYNTAX', /0x01/],
    ['an escape of its own', '{"a":"\\x"}', 'JSON_SYNTAX', /`\\x`/],
    ['an array', '[1]', 'NOT_AN_OBJECT', /an array/],
    ['a number', '17', 'NOT_AN_OBJECT', /`17`/],
    ['null', 'null', 'NOT_AN_OBJECT', /`null`/],
    ['no UTF-8', Buffer.from([0x7b, 0x22, 0xe9, 0x22, 0x3a, 0x31, 0x7d]), 'NOT_UTF8', /0xe9/],
  ])('%s', async (_name, line, code, found) => {
    const bytes = Buffer.concat([Buffer.from(before), Buffer.from(line), Buffer.from('\n{"z":1}\n')])
    const error = await failure(linesFrom(Readable.from([bytes]), parse({}, { input: 'rows.jsonl' })))
    expect(error.code).toBe(code)
    expect(error.found).toMatch(found)
    expect(error.place).toEqual({ input: 'rows.jsonl', line: 3, offset: Buffer.byteLength(before) })
    expect(error.stage).toBe('parse')
    expect(error.message).toContain(`rows.jsonl:3 (byte ${Buffer.byteLength(before)}), parse: `)
  })

  test('an input without a name is called `stream`', async () => {
    expect((await refusal('x')).place?.input).toBe('stream')
  })

  test('places are of the whole stream, not of a chunk', async () => {
    const good = `${'{"a":1}\n'.repeat(40_000)}`
    const error = await failure(
      linesFrom(Readable.from([Buffer.from(good), Buffer.from('{'), Buffer.from('}}\n')]), parse()),
    )
    expect(error.place).toMatchObject({ line: 40_001, offset: good.length })
  })

  test('objects, which need no parsing', async () => {
    const seen: Batch[] = []
    const source = Readable.from([Buffer.from('{"a":1}\n{"b":2}\n'), { a: 1 }])
    const error = await failure(pipeline([source, parse(), collector(seen)]))
    expect(error).toMatchObject({ code: 'PLAIN_OBJECT', stage: 'parse' })
    expect(seen.flatMap(({ records }) => records)).toHaveLength(2)
    expect(error.fix).toMatch(/leave `parse\(\)` out/i)
  })
})

describe('onError: skip', () => {
  test('bad lines are counted under their codes, and told', async () => {
    const told: SteerpipeError[] = []
    const stage = parse({}, { onError: 'skip', onLeftOut: (error) => told.push(error) })
    const lines = await linesFrom(Readable.from([file(['{"a":1}', 'x', '[]', '{"b":2}', '{'])]), stage)
    expect(lines).toEqual(['{"a":1}', '{"b":2}'])
    expect(counts(stage.counters)).toEqual({
      in: 5,
      out: 2,
      leftOut: { JSON_SYNTAX: 2, NOT_AN_OBJECT: 1 },
      notes: {},
    })
    expect(told.map(({ code, place }) => [code, place?.line])).toEqual([
      ['JSON_SYNTAX', 2],
      ['NOT_AN_OBJECT', 3],
      ['JSON_SYNTAX', 5],
    ])
  })

  test('a document that is no JSON ends the stream all the same: nothing after it can be read', async () => {
    const stage = parse({ format: 'json' }, { onError: 'skip' })
    const error = await failure(
      linesFrom(Readable.from([Buffer.from('[{"a":1}, {"b":2,}, {"c":3}]')]), stage),
    )
    expect(error.code).toBe('JSON_SYNTAX')
    expect(counts(stage.counters)).toEqual({ in: 1, out: 1, leftOut: {}, notes: {} })
  })
})

describe('maxLineBytes', () => {
  const options: ParseOptions = { maxLineBytes: 10 }
  test('a line of just that many bytes is taken, a longer one is not', async () => {
    expect(await read('{"a":1234}\n{"a":"é"}', options)).toHaveLength(2)
    const error = await failure(read('{"a":1}\n{"a":12345}\n{"a":1}', options))
    expect(error).toMatchObject({ code: 'LINE_TOO_LONG', place: { line: 2, offset: 8 } })
  })

  test('what follows a line that is too long is read', async () => {
    const stage = parse(options, { onError: 'skip' })
    const long = `{"a":"${'x'.repeat(100_000)}"}`
    const chunks = [...`{"a":1}\n${long}\n{"b":2}\n`].reduce<string[]>((list, _char, at, all) => {
      if (at % 1000 === 0) list.push(all.slice(at, at + 1000).join(''))
      return list
    }, [])
    expect(await linesFrom(Readable.from(chunks), stage)).toEqual(['{"a":1}', '{"b":2}'])
    expect(counts(stage.counters).leftOut).toEqual({ LINE_TOO_LONG: 1 })
  })

  test('lines of plain text too', async () => {
    expect(await read('0123456789', { ...options, format: 'lines' })).toEqual(['{"text": "0123456789"}'])
    const error = await failure(read('a\n0123456789x\n', { ...options, format: 'lines' }))
    expect(error).toMatchObject({ code: 'LINE_TOO_LONG', place: { line: 2, offset: 2 } })
  })
})

describe('format: lines', () => {
  test('each line is a record; `text` is the field unless told otherwise', async () => {
    const text = '\ufeffOne "prompt"\r\n\n  two\\ é😀\t\nthree'
    expect(await read(text, { format: 'lines' })).toEqual([
      '{"text": "One \\"prompt\\""}',
      '{"text": "  two\\\\ é😀\\t"}',
      '{"text": "three"}',
    ])
    expect(await read('a', { format: 'lines', field: 'my "prompt"' })).toEqual(['{"my \\"prompt\\"": "a"}'])
  })

  test('bytes that are not UTF-8 have their place', async () => {
    const error = await failure(read(Buffer.from('ok\n\xff\n', 'latin1'), { format: 'lines' }))
    expect(error).toMatchObject({ code: 'NOT_UTF8', place: { line: 2, offset: 3 }, stage: 'parse' })
  })
})

describe('format: json', () => {
  const json: ParseOptions = { format: 'json' }
  test('the elements of an array, with numbers as they were written', async () => {
    const text = '[\n {"a": 12345678901234567890,\n  "b":1.0},\n\n {"é":null}]\n'
    expect(await read(text, json)).toEqual(['{"a": 12345678901234567890, "b": 1.0}', '{"é": null}'])
  })

  test('path leads to the records', async () => {
    const text = '{"n":1,"data":{"rows":[{"a":1},{"a":2}],"more":[{"a":3}]}}'
    expect(await read(text, { ...json, path: 'data.rows' })).toEqual(['{"a": 1}', '{"a": 2}'])
    expect(await failure(read(text, { ...json, path: 'data.lines' }))).toMatchObject({ code: 'NO_SUCH_PATH' })
  })

  test('a record that is none has its number and its place', async () => {
    const error = await failure(read('[{"a":1},\n 3]', json))
    expect(error).toMatchObject({ code: 'NOT_AN_OBJECT', place: { record: 2, offset: 11 }, stage: 'parse' })
    expect(error.place?.line).toBeUndefined()
  })
})

describe('options', () => {
  test.each<[unknown, RegExp]>([
    [{ format: 'csv' }, /`format`/],
    [{ formt: 'json' }, /unknown option `formt` \(did you mean `format`\?\)/],
    [{ group: 0 }, /`group`/],
    [{ group: 1.5 }, /`group`/],
    [{ maxLineBytes: '10' }, /`maxLineBytes`/],
  ])('%j is refused', (options, message) => {
    const error = thrown(() => parse(options as ParseOptions))
    expect(error).toMatchObject({ code: 'BAD_OPTION', stage: 'parse', exitCode: 2 })
    expect(error.found).toMatch(message)
  })

  test('the default is JSON Lines of records that stand alone', async () => {
    expect(await linesThrough(['{"a":1}'])).toEqual(await read('{"a":1}', { format: 'jsonl', group: 1 }))
  })
})
