/**
 * A compressed stream that comes in any pieces: in the middle of a member's header, its data or its trailer, and where
 * members meet.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32, deflateRawSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { SteerpipeError } from '../../src/errors.js'
import { readBytes } from '../../src/storage/input.js'

/** How many bytes each read of a file gives; when none is left, as many as are asked for. */
const reads = vi.hoisted(() => ({ sizes: [] as number[], done: 0 }))

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>()
  const open: typeof real.open = async (...args) => {
    const handle = await real.open(...args)
    const read = handle.read.bind(handle) as (buffer: Buffer, offset: number, length: number) => unknown
    const short = (buffer: Buffer, offset: number, length: number) => {
      reads.done++
      return read(buffer, offset, Math.min(length, reads.sizes.shift() ?? length))
    }
    // As far as the reader uses it.
    handle.read = short as FileHandle['read']
    return handle
  }
  return { ...real, open }
})

const folder = mkdtempSync(join(tmpdir(), 'steerpipe-gzip-'))
const path = join(folder, 'in.gz')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What is read of the file, with the code of the error at its end, when it comes in pieces of these sizes. */
async function readIn(sizes: readonly number[]): Promise<{ text: string; code: string | undefined }> {
  reads.sizes = [...sizes]
  reads.done = 0
  const chunks: Buffer[] = []
  let code: string | undefined
  try {
    for await (const chunk of readBytes(path)) chunks.push(Buffer.from(chunk))
  } catch (error) {
    if (!(error instanceof SteerpipeError)) throw error
    code = error.code
  }
  return { text: Buffer.concat(chunks).toString('latin1'), code }
}

/** A member whose header has all that a header may have. */
function fullMember(data: Buffer): Buffer {
  const extra = Buffer.from('\x04\x00abcd', 'latin1')
  const header = Buffer.concat([
    Buffer.of(0x1f, 0x8b, 8, 0b11110, 0, 0, 0, 0, 0, 3),
    extra,
    Buffer.from('name\0comment\0'),
  ])
  const headerCheck = Buffer.alloc(2)
  headerCheck.writeUInt16LE(crc32(header) & 0xffff)
  const trailer = Buffer.alloc(8)
  trailer.writeUInt32LE(crc32(data))
  trailer.writeUInt32LE(data.length, 4)
  return Buffer.concat([header, headerCheck, deflateRawSync(data), trailer])
}

const TEXTS = ['{"a":"é"}\n', '', '{"b":1}\n{"c"', ':2}\n']
const MEMBERS = [
  gzipSync(TEXTS[0]),
  gzipSync(TEXTS[1]),
  fullMember(Buffer.from(TEXTS[2])),
  gzipSync(TEXTS[3]),
]
const FILE = Buffer.concat(MEMBERS)
const WHOLE = { text: Buffer.from(TEXTS.join('')).toString('latin1'), code: undefined }

describe('several members in any pieces', () => {
  test('cut at any one place', async () => {
    writeFileSync(path, FILE)
    for (let cut = 1; cut < FILE.length; cut++) {
      expect(await readIn([cut]), `cut at ${cut}`).toEqual(WHOLE)
      expect(reads.done).toBeGreaterThan(2)
    }
  })

  test('byte by byte', async () => {
    writeFileSync(path, FILE)
    expect(await readIn(Array.from(FILE, () => 1))).toEqual(WHOLE)
    expect(reads.done).toBeGreaterThan(FILE.length)
  })

  test('any members, cut at any places', async () => {
    const member = fc.oneof(
      fc.string({ maxLength: 200, unit: 'binary' }),
      fc.constant(''),
      fc.constant('x'.repeat(70_000)),
    )
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(member, fc.boolean()), { minLength: 1, maxLength: 5 }),
        sizes,
        async (list, cuts) => {
          const data = list.map(([text]) => Buffer.from(text))
          writeFileSync(
            path,
            Buffer.concat(data.map((part, i) => (list[i][1] ? fullMember(part) : gzipSync(part)))),
          )
          expect(await readIn(cuts)).toEqual({
            text: Buffer.concat(data).toString('latin1'),
            code: undefined,
          })
        },
      ),
      { numRuns: 150 },
    )
  })
})

describe('a stream that ends early', () => {
  const ends = MEMBERS.map((_, i) => Buffer.concat(MEMBERS.slice(0, i + 1)).length)

  test.each([
    ['in one piece', () => []],
    ['byte by byte', (length: number) => Array.from({ length }, () => 1)],
  ])('at any place, %s: what stands before it, and an error', async (_, sizes) => {
    for (let length = 2; length < FILE.length; length++) {
      writeFileSync(path, FILE.subarray(0, length))
      const { text, code } = await readIn(sizes(length))
      expect(code, `of ${length} bytes`).toBe(ends.includes(length) ? undefined : 'GZIP_DAMAGED')
      expect(WHOLE.text.startsWith(text), `of ${length} bytes`).toBe(true)
      // Members that are whole are not lost.
      const members = ends.filter((end) => end <= length).length
      expect(text.length).toBeGreaterThanOrEqual(Buffer.from(TEXTS.slice(0, members).join('')).length)
    }
  })
})
