import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import { source } from '../../src/index.js'

const folder = mkdtempSync(join(tmpdir(), 'steerpipe-source-'))
afterAll(() => rmSync(folder, { recursive: true }))

const BYTES = Buffer.from(Array.from({ length: 2_000_000 }, (_, at) => (at * 31 + (at >> 8)) & 0xff))

test.each([
  ['a', BYTES],
  ['a.gz', gzipSync(BYTES)],
])('%s gives its bytes, whatever is read ahead', async (name, content) => {
  const path = join(folder, name)
  writeFileSync(path, content)
  const stream = source(path)
  stream.once('readable', () => {})
  await pause(20)
  expect((await buffer(stream)).equals(BYTES)).toBe(true)
})

test('what cannot be read is the stream’s error', async () => {
  await expect(buffer(source(join(folder, 'nothing')))).rejects.toThrow('[NO_SUCH_INPUT]')
  await expect(buffer(source('s3://bucket/a'))).rejects.toThrow('[BAD_ADDRESS]')
})
