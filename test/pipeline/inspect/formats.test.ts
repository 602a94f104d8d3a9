import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { commands, inspected, lines } from './support.js'

const row = { prompt: 'p', response: 'r', helpfulness: 3 }
const other = { x: 1, y: 'z' }
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')

describe('what `parse` reads', () => {
  test.each<[string, string, object, number]>([
    ['lines', lines(other, other), { format: 'jsonl' }, 2],
    [
      'lines with blank ones, a mark and carriage returns',
      `\ufeff\r\n${lines(other)}\n\r\n${lines(other)}`,
      { format: 'jsonl' },
      2,
    ],
    ['one line', JSON.stringify(row), { format: 'jsonl' }, 1],
    ['one line with a list in it', lines({ a: [other, other] }), { format: 'jsonl' }, 1],
    ['lines, the first of which is bad', `{"a": tru}\n${lines(other, other)}`, { format: 'jsonl' }, 2],
    ['lines, the first of which is no JSON', `# rows\n${lines(other, other)}`, { format: 'jsonl' }, 2],
    ['lines, all of them bad', '{"a": 1,}\n{"a": 2,}\n', { format: 'jsonl' }, 0],
    ['an array on one line', JSON.stringify([other, other]), { format: 'json' }, 2],
    ['an array on several lines', JSON.stringify([other, other], null, 1), { format: 'json' }, 2],
    [
      'an array with a record a line',
      `[\n${JSON.stringify(other)},\n${JSON.stringify(other)}\n]`,
      { format: 'json' },
      2,
    ],
    ['an object on several lines', JSON.stringify(other, null, 1), { format: 'json' }, 1],
    [
      'an array in an object',
      JSON.stringify({ a: [1], rows: [other, other] }, null, 1),
      { format: 'json', path: 'rows' },
      2,
    ],
    [
      'the longest of several arrays',
      JSON.stringify({ meta: { a: [other] }, b: { c: [other, other] } }, null, 1),
      { format: 'json', path: 'b.c' },
      2,
    ],
    ['rows in an object on one line', lines({ rows: [row, row] }), { format: 'json', path: 'rows' }, 2],
    ['an array that is broken', `[\n${JSON.stringify(other)},\n{"a": tru}]`, { format: 'json' }, 1],
    ['text', 'Tell me, please, a joke\nAnother\n', { format: 'lines' }, 2],
    ['numbers', '1\n2\n', { format: 'lines' }, 2],
    ['sentences with as many commas', 'Hello, you\nHow, then\n', { format: 'lines' }, 2],
  ])('%s', async (_, text, parse, count) => {
    const inspection = await inspected(text)
    expect(inspection.parse).toEqual(parse)
    expect(inspection.lookedAt).toMatchObject({ records: count, isAll: true })
  })

  test('a list in an object on one line is where the records are if the name says that it is a document', async () => {
    const text = lines({ a: [other, other] })
    expect((await inspected(text, 'in.json')).parse).toEqual({ format: 'json', path: 'a' })
  })

  test('the beginning of something long', async () => {
    const filler = 'x'.repeat(10_000)
    const rows = Array.from({ length: 2000 }, (_, i) => ({ ...row, filler, i }))
    for (const [text, parse] of [
      [lines(...rows), { format: 'jsonl' }],
      [JSON.stringify(rows), { format: 'json' }],
      [JSON.stringify({ data: { rows } }), { format: 'json', path: 'data.rows' }],
      [`${filler}\n`.repeat(2000), { format: 'lines' }],
    ] as const) {
      const { lookedAt, errors, ...inspection } = await inspected(text)
      expect(inspection.parse).toEqual(parse)
      expect(lookedAt).toMatchObject({ bytes: 4 * 1024 * 1024, isAll: false })
      expect(lookedAt.records).toBeGreaterThan(300)
      expect(errors).toEqual([])
    }
    const short = await inspected(lines(...rows.map(({ i }) => ({ i }))))
    expect(short.lookedAt).toMatchObject({ records: 1000, isAll: false })
    expect((await inspected(lines(...rows.slice(0, 1000).map(({ i }) => ({ i }))))).lookedAt.isAll).toBe(true)
  })

  test('what could not be read has its place', async () => {
    const { errors, records } = await inspected(`${lines(row)}bad\n[1]\n${lines(row)}`, 'in.jsonl', 1)
    expect(records).toHaveLength(1)
    expect(errors.map(({ code, place }) => [code, place?.line, place?.offset])).toEqual([
      ['JSON_SYNTAX', 2, lines(row).length],
      ['NOT_AN_OBJECT', 3, lines(row).length + 4],
    ])
  })
})

describe('compression', () => {
  test('is known by the first bytes', async () => {
    const packed = gzipSync(lines(row))
    expect(await inspected(packed, 'a.jsonl')).toMatchObject({ compression: 'gzip', bytes: packed.length })
    expect(await inspected(lines(row), 'a.gz')).toMatchObject({ compression: 'none', format: 'jsonl' })
  })

  test('that is damaged is told with what came before it', async () => {
    const rows = Array.from({ length: 20_000 }, (_, i) => ({ ...row, i: (i * 7919) % 104_729 }))
    const packed = gzipSync(lines(...rows))
    const inspection = await inspected(packed.subarray(0, packed.length - 20), 'cut.gz')
    expect(inspection.failure?.code).toBe('GZIP_DAMAGED')
    expect(inspection.lookedAt).toMatchObject({ records: 1000, isAll: false })
    await expect(inspected(packed.subarray(0, 30), 'cut.gz')).rejects.toMatchObject({ code: 'GZIP_DAMAGED' })
  })
})

describe('what `parse` does not read', () => {
  const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1234567\n'
  const tar = Buffer.concat([Buffer.alloc(257, 'x\0'), latin1('ustar\x0000'), Buffer.alloc(400)])
  test.each<[string, string | Buffer, string]>([
    ['', '', 'empty'],
    ['', '\ufeff \r\n', 'empty'],
    ['', latin1('PAR1\x15\x04\x15'), 'parquet'],
    ['', latin1('ARROW1\0\0'), 'arrow'],
    ['', latin1('\xff\xff\xff\xff\x10\0\0\0'), 'arrow'],
    ['', latin1('PK\x03\x04\x14\0'), 'zip'],
    ['', latin1('\x28\xb5\x2f\xfd\x04'), 'zstd'],
    ['', latin1('\xfd7zXZ\0\0'), 'xz'],
    ['', latin1('BZh91AY'), 'bzip2'],
    ['', latin1('\x04\x22\x4d\x18\x64'), 'lz4'],
    ['', latin1('SQLite format 3\0'), 'sqlite'],
    ['', latin1('%PDF-1.7\n'), 'pdf'],
    ['', tar, 'tar'],
    ['packed', gzipSync(tar), 'tar'],
    ['twice', gzipSync(gzipSync(lines(row))), 'gzip'],
    ['', pointer, 'git-lfs-pointer'],
    ['', '<!DOCTYPE html>\n<html lang="en">', 'html'],
    ['', '\n  <html>', 'html'],
    ['', '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', 'xml'],
    ['marked', Buffer.from(`\ufeff${lines(row)}`, 'utf16le'), 'utf-16'],
    ['unmarked', Buffer.from(lines(row), 'utf16le'), 'utf-16'],
    ['zeros', latin1('text\0and more'), 'binary'],
    ['', 'prompt,response,helpfulness\n"a, ""b""\nc",d,3\ne,f,4\n', 'csv'],
    ['', 'prompt;response\na;b\n', 'csv'],
    ['', 'prompt\tresponse\na, b\tc\n', 'tsv'],
  ])('%s %j is %s', async (_, content, format) => {
    const inspection = await inspected(content, 'file')
    expect(inspection).toMatchObject({ format, parse: undefined, records: [], schemas: [] })
    expect(inspection.next.advice.join(' ')).not.toBe('')
    for (const command of commands(inspection)) expect(command).toMatch(/\bfile\b/)
  })

  test('a table without rows is one if its name says so', async () => {
    expect(await inspected('a,b\n', 'a.csv')).toMatchObject({ format: 'csv' })
    expect(await inspected('a,b\n', 'a.txt')).toMatchObject({ format: 'lines' })
  })

  test('a pointer of Git LFS says how large the file is', async () => {
    expect((await inspected(pointer)).title).toContain('1,234,567 bytes')
  })
})
