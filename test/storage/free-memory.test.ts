/** What gzip data is unpacked into is free as soon as its reader is done with it, and not before. */
import { writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { freeMemory } from '../../src/storage/free-memory.js'
import { readBytes } from '../../src/storage/input.js'
import { useWorkFolder } from '../pipeline/support.js'

useWorkFolder()

const WHOLE = Buffer.from(Array.from({ length: 5_000_000 }, (_, at) => (at * 31 + (at >> 8)) & 0xff))

test('memory that is freed is empty', () => {
  const memory = new ArrayBuffer(1 << 20)
  freeMemory(memory)
  expect(memory.byteLength).toBe(0)
  freeMemory(new ArrayBuffer(1))
})

test('chunks are whole until the next one is asked for, and gone after it', async () => {
  writeFileSync('a.gz', gzipSync(WHOLE))
  const copies: Buffer[] = []
  const seen: Buffer[] = []
  for await (const chunk of readBytes('a.gz')) {
    copies.push(Buffer.from(chunk))
    seen.push(chunk)
  }
  expect(Buffer.concat(copies).equals(WHOLE)).toBe(true)
  const left = seen.filter(({ buffer }) => buffer.byteLength > 0)
  expect(left.length).toBeLessThan(seen.length / 2)
})
