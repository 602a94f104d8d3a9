/** Files that are written to by this thread, by others, or by both in turn. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { openSink } from '../../src/storage/sink.js'

const folder = mkdtempSync(join(tmpdir(), 'steerpipe-sink-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let files = 0

test('the bytes stand as they came, whoever has written them, and their memory is told to be free', async () => {
  const pieces = fc.array(
    fc.record({ bytes: fc.uint8Array({ minLength: 1, maxLength: 300 }), here: fc.boolean() }),
  )
  await fc.assert(
    fc.asyncProperty(pieces, async (given) => {
      const path = join(folder, String(files++))
      const sink = await openSink(path, 0, false)
      let free = 0
      for (const { bytes, here } of given) await sink.write(Buffer.from(bytes), () => free++, here)
      await sink.settled()
      expect(free).toBe(given.length)
      await sink.finish()
      await sink.publish()
      expect(readFileSync(path)).toEqual(Buffer.concat(given.map(({ bytes }) => bytes)))
    }),
    { numRuns: 50 },
  )
})

test.skipIf(process.platform !== 'linux')('a device is written to as it takes it', async () => {
  const sink = await openSink('/dev/full')
  await sink.write(Buffer.from('x'), undefined, true)
  await expect(sink.settled()).rejects.toMatchObject({ code: 'WRITE_FAILED' })
  await sink.abandon(false)
})
