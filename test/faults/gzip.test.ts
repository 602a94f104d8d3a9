/** Gzip that was cut, bent, put together or padded: all of its records arrive, or it is told that they do not. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { SteerpipeError } from '../../src/errors.js'
import { readBytes } from '../../src/storage/input.js'
import { type Ended, Folder, lines, names, put, read, steerpipe } from '../support/command.js'

const folder = new Folder()

const rows = lines(...Array.from({ length: 3000 }, (_, id) => ({ id, text: `record ${id * 7919}` })))
const packed = gzipSync(rows)
const more = lines({ id: 'more' })
const empty = gzipSync('')
/** Bytes of a gzip header without a name, and of the trailer: CRC and length. */
const HEADER = 10
const TRAILER = 8

/** Reads a gzip file through the command. */
function parse(bytes: Uint8Array, name = 'in.gz'): Ended & { cwd: string } {
  const cwd = folder.fresh()
  put(cwd, { [name]: bytes })
  return { ...steerpipe(['parse', name, '-o', 'out', '--on-error', 'skip'], { cwd }), cwd }
}

/** Expects that a run says that its gzip is damaged, and leaves nothing but the start of the records. */
function expectDamaged({ status, stderr, cwd }: Ended & { cwd: string }, whole = rows): void {
  expect(status).toBe(1)
  expect(stderr).toContain('[GZIP_DAMAGED]\n')
  expect(stderr).toContain('error: in.gz')
  expect(names(cwd)).not.toContain('out')
  if (names(cwd).includes('out.partial')) expect(whole.startsWith(read(cwd, 'out.partial'))).toBe(true)
}

describe('cut short', () => {
  test.each([
    ['in the header', 2],
    ['in the header', HEADER - 1],
    ['after the header', HEADER],
    ['in the first block', HEADER + 1],
    ['in the middle', packed.length >> 1],
    ['before the trailer', packed.length - TRAILER],
    ['in the CRC', packed.length - TRAILER + 2],
    ['before the length', packed.length - 4],
    ['in the length', packed.length - 1],
  ])('%s, at byte %i', (_, at) => {
    const result = parse(packed.subarray(0, at))
    expectDamaged(result)
    expect(result.stderr).toContain('the gzip data ends in the middle')
  })

  test('before the trailer all records are kept', () => {
    const { cwd } = parse(packed.subarray(0, packed.length - TRAILER))
    expect(read(cwd, 'out.partial')).toBe(rows)
  })

  test.each([1, 2, HEADER - 1, HEADER + 5])('%i bytes into a second member', (count) => {
    const second = gzipSync(more)
    expectDamaged(parse(Buffer.concat([packed, second.subarray(0, count)])), rows + more)
  })

  test('to nothing at all: a file of no bytes is no gzip file', () => {
    const result = parse(Buffer.alloc(0))
    expectDamaged(result)
    expect(result.stderr).toContain('expected: whole gzip data\n')
    // Only the name says that it should be one.
    expect(parse(Buffer.alloc(0), 'in.jsonl').status).toBe(0)
  })
})

describe('bent', () => {
  test.each([
    ['the method', 2],
    ['the flags', 3],
    ['the first block', HEADER],
    ['the middle', packed.length >> 1],
    ['the CRC', packed.length - TRAILER],
    ['the length', packed.length - 4],
  ])('%s, at byte %i', (_, at) => {
    const bent = Buffer.from(packed)
    bent[at] ^= 0xff
    const { status, stderr, cwd } = parse(bent)
    expect(status).toBe(1)
    expect(stderr).toContain('[GZIP_DAMAGED]\n')
    expect(names(cwd)).not.toContain('out')
  })

  test('any one bit: the same bytes, or an error', { timeout: 120_000 }, async () => {
    const cwd = folder.fresh()
    const text = rows.slice(0, rows.indexOf('\n', 800) + 1)
    const whole = Buffer.concat([gzipSync(text), gzipSync(more)])
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const bent = Buffer.from(whole)
      bent[bit >> 3] ^= 1 << (bit & 7)
      put(cwd, { 'in.gz': bent })
      const got = await bytesOf(join(cwd, 'in.gz'))
      if (got instanceof Error) {
        expect(got, `bit ${bit}`).toBeInstanceOf(SteerpipeError)
        expect((got as SteerpipeError).code).toBe('GZIP_DAMAGED')
        continue
      }
      // What does not begin as gzip is text, and no legal one.
      if (bit < 16) expect(got.equals(bent)).toBe(true)
      else expect(got.toString('utf8'), `bit ${bit}`).toBe(text + more)
    }
  })

  test('any one byte lost, or zero', { timeout: 120_000 }, async () => {
    const cwd = folder.fresh()
    const text = rows.slice(0, rows.indexOf('\n', 400) + 1)
    const whole = Buffer.concat([gzipSync(text), gzipSync(more)])
    for (let at = 2; at < whole.length; at++) {
      const zeroed = Buffer.from(whole)
      zeroed[at] = 0
      const shorter = Buffer.concat([whole.subarray(0, at), whole.subarray(at + 1)])
      for (const bent of [zeroed, shorter]) {
        put(cwd, { 'in.gz': bent })
        const got = await bytesOf(join(cwd, 'in.gz'))
        if (got instanceof Error) expect((got as SteerpipeError).code).toBe('GZIP_DAMAGED')
        else expect(got.toString('utf8'), `byte ${at}`).toBe(text + more)
      }
    }
  })
})

/** The decompressed bytes of a file, or the error. */
async function bytesOf(path: string): Promise<Buffer | Error> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of readBytes(path)) chunks.push(Buffer.from(chunk)) // a chunk's memory is used again
  } catch (error) {
    return error as Error // nothing else is thrown
  }
  return Buffer.concat(chunks)
}

describe('several members', () => {
  test.each([
    ['two', [packed, gzipSync(more)], rows + more],
    ['an empty one first', [empty, packed], rows],
    ['an empty one between', [packed, empty, gzipSync(more)], rows + more],
    ['an empty one last', [packed, empty], rows],
    ['nothing but empty ones', [empty, empty, empty], ''],
    ['a line that goes on in the next', [gzipSync('{"a":'), gzipSync('1}\n')], '{"a":1}\n'],
  ])('%s', (_, members, text) => {
    const { status, stderr, cwd } = parse(Buffer.concat(members))
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(read(cwd, 'out')).toBe(text)
  })

  test('many, of every size', () => {
    const parts = Array.from({ length: 400 }, (_, id) =>
      lines(...Array.from({ length: id % 40 }, () => ({ id }))),
    )
    const { status, cwd } = parse(Buffer.concat(parts.map((part) => gzipSync(part))))
    expect(status).toBe(0)
    expect(read(cwd, 'out')).toBe(parts.join(''))
  })
})

describe('something after the last member', () => {
  test.each([1, 3, 512, 300_000])('%i zero bytes, as blocks of tapes have: no matter', (count) => {
    const { status, stderr, cwd } = parse(Buffer.concat([packed, Buffer.alloc(count)]))
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(read(cwd, 'out')).toBe(rows)
  })

  test.each([
    ['text', [Buffer.from(more)]],
    ['text that begins as gzip does', [Buffer.from('\x1f\x8bx', 'latin1')]],
    ['zero bytes, and text', [Buffer.alloc(3), Buffer.from(more)]],
    ['zero bytes, and a whole member', [Buffer.alloc(512), gzipSync(more)]],
    ['many zero bytes, and a whole member', [Buffer.alloc(600_000), gzipSync(more)]],
  ])('%s: an error, not silence', (_, after) => {
    expectDamaged(parse(Buffer.concat([packed, ...after])))
  })

  test('zero bytes, and a member, where the reads fall anywhere', async () => {
    const cwd = folder.fresh()
    const read = 256 * 1024
    const stored = (length: number) => gzipSync(Buffer.alloc(length), { level: 0 })
    // Stored, not compressed, a member is as long as it shall be: it ends round the end of a read.
    const length = read - (stored(read).length - read)
    for (const end of [-2, -1, 0, 1, 2]) {
      const first = stored(length + end)
      expect(first.length - read).toBe(end)
      put(cwd, { 'in.gz': Buffer.concat([first, Buffer.alloc(1), gzipSync(more)]) })
      expect(await bytesOf(join(cwd, 'in.gz'))).toMatchObject({ code: 'GZIP_DAMAGED' })
      put(cwd, { 'in.gz': Buffer.concat([first, Buffer.alloc(5)]) })
      expect((await bytesOf(join(cwd, 'in.gz'))) as Buffer).toHaveLength(length + end)
      put(cwd, { 'in.gz': Buffer.concat([first, gzipSync(more)]) })
      expect((await bytesOf(join(cwd, 'in.gz'))) as Buffer).toHaveLength(length + end + more.length)
    }
  })
})

describe('names', () => {
  test('text with the name of a gzip file is text, and gzip without it is gzip', () => {
    const text = parse(Buffer.from(rows))
    expect(text.status).toBe(0)
    expect(read(text.cwd, 'out')).toBe(rows)
    const gzip = parse(packed, 'in.jsonl')
    expect(gzip.status).toBe(0)
    expect(read(gzip.cwd, 'out')).toBe(rows)
  })

  test('a file of zero bytes only is a bad record, not nothing', () => {
    const { status, stderr } = parse(Buffer.alloc(600))
    expect(status).toBe(3)
    expect(stderr).toContain('[JSON_SYNTAX]')
  })

  test('a gzip output of no records is a gzip file', () => {
    const cwd = folder.fresh()
    expect(steerpipe(['parse', '-o', 'out.gz'], { cwd }).status).toBe(0)
    const bytes = readFileSync(join(cwd, 'out.gz'))
    expect(gunzipSync(bytes).length).toBe(0)
    expect(parse(bytes).status).toBe(0)
  })
})
