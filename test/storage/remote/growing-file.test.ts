import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { constants, type FileHandle, open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { GrowingFile } from '../../../src/storage/remote/growing-file.js'

const folder = mkdtempSync(join(tmpdir(), 'steerpipe-growing-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function withFile(before: Buffer, use: (file: FileHandle) => Promise<void>): Promise<void> {
  const path = join(folder, 'f')
  writeFileSync(path, before)
  const file = await open(path, constants.O_RDWR)
  try {
    await use(file)
  } finally {
    await file.close()
  }
}

async function gathered(chunks: AsyncIterable<Buffer>, seen: Buffer[] = []): Promise<Buffer> {
  for await (const chunk of chunks) seen.push(Buffer.from(chunk))
  return Buffer.concat(seen)
}

test('what is read is what is written, however the writer and readers take turns', async () => {
  const piece = fc.uint8Array({ maxLength: 400_000, size: 'max' })
  await fc.assert(
    fc.asyncProperty(
      piece,
      fc.array(fc.tuple(piece, fc.nat(3)), { maxLength: 6 }),
      async (before, pieces) => {
        await withFile(Buffer.from(before), async (file) => {
          const growing = new GrowingFile(file, before.length)
          const readers = [gathered(growing.read()), gathered(growing.read())]
          for (const [bytes, turns] of pieces) {
            await growing.append(bytes)
            for (let count = 0; count < turns; count++) await turn()
          }
          growing.finish({})
          const whole = Buffer.concat([before, ...pieces.map(([bytes]) => bytes)])
          for (const read of await Promise.all([...readers, gathered(growing.read())])) {
            expect(read.equals(whole)).toBe(true)
          }
        })
      },
    ),
    { numRuns: 30 },
  )
})

test('a failure comes behind all that was written before it', async () => {
  await withFile(Buffer.alloc(0), async (file) => {
    const growing = new GrowingFile(file, 0)
    const seen: Buffer[] = []
    const read = gathered(growing.read(), seen)
    await growing.append(Buffer.from('so far'))
    growing.finish({ failure: new Error('cut') })
    await expect(read).rejects.toThrow('cut')
    expect(Buffer.concat(seen).toString()).toBe('so far')
  })
})
