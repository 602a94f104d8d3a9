import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { pipedBytes } from '../../src/storage/piped-bytes.js'
import { Seeded } from '../support/seeded.js'

const folder = mkdtempSync(join(tmpdir(), 'steerpipe-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A pipe that has both its ends. */
function newPipe(name: string): { readonly path: string; readonly reader: number; readonly writer: number } {
  const path = join(folder, name)
  execFileSync('mkfifo', [path])
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  return { path, reader, writer: openSync(path, constants.O_WRONLY | constants.O_NONBLOCK) }
}

/** What a write that does not wait can put into a pipe: its code, if that is nothing. */
function tryWrite(fd: number, bytes: Buffer): number | string {
  try {
    return writeSync(fd, bytes)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'no code'
  }
}

describe.skipIf(process.platform === 'win32')('the bytes of a pipe', () => {
  test.each([0, 1, 3, 40])('each as it was until the next is asked for, %i turns later', async (turns) => {
    const { path, reader, writer } = newPipe(`slow-${turns}`)
    const random = new Seeded(turns)
    const sent = Buffer.from(Uint8Array.from({ length: 3_000_000 }, () => random.below(256)))
    const feed = async () => {
      const file = await open(path, 'w')
      for (let at = 0; at < sent.length; ) {
        const size = Math.floor(random.next() ** 3 * 200_000) + 1
        at += (await file.write(sent, at, Math.min(size, sent.length - at))).bytesWritten
      }
      await file.close()
      closeSync(writer)
    }
    const fed = feed()
    const got: Buffer[] = []
    for await (const chunk of pipedBytes(reader)) {
      const before = Buffer.from(chunk)
      for (let i = 0; i < turns; i++) await turn()
      expect(chunk.equals(before)).toBe(true)
      got.push(before)
    }
    await fed
    expect(Buffer.concat(got).equals(sent)).toBe(true)
  })

  test('go on at once, though no more come', async () => {
    const { reader, writer } = newPipe('few')
    const chunks = pipedBytes(reader)
    for (const few of ['one', 'and another']) {
      writeSync(writer, few)
      expect(String((await chunks.next()).value)).toBe(few)
    }
    closeSync(writer)
    expect(await chunks.next()).toEqual({ done: true, value: undefined })
  })

  test('are not read without end while nobody asks', async () => {
    const { reader, writer } = newPipe('unasked')
    const chunks = pipedBytes(reader)
    writeSync(writer, 'first')
    await chunks.next()
    const piece = Buffer.alloc(4096)
    let written = 0
    for (let idle = 0; idle < 50; idle++) {
      for (let count = tryWrite(writer, piece); typeof count === 'number'; count = tryWrite(writer, piece)) {
        written += count
        idle = 0
      }
      expect(written).toBeLessThan(1_000_000)
      await turn()
    }
    // The buffer was filled all the same, while its first bytes were being worked on.
    expect((await chunks.next()).value?.length).toBeGreaterThan(200_000)
    await chunks.return(undefined)
    closeSync(writer)
  })

  test('that nobody wants any more: the pipe is closed', async () => {
    const { reader, writer } = newPipe('left')
    const chunks = pipedBytes(reader)
    writeSync(writer, 'first')
    await chunks.next()
    await chunks.return(undefined)
    while (tryWrite(writer, Buffer.from('more')) !== 'EPIPE') await turn()
    closeSync(writer)
  })

  test('that cannot be read: the system’s error', async () => {
    const { reader, writer } = newPipe('wrong-end')
    await expect(pipedBytes(writer).next()).rejects.toMatchObject({ code: 'ENOTCONN' })
    closeSync(reader)
  })
})
