/**
 * Input that is made to be too large: the real command ends with a coded error, in constant memory.
 */

import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { Folder } from '../support/command.js'
import { measured } from './measured.js'

const folder = new Folder()
const MEGABYTE = 1024 * 1024
/** What a run may take: a line of the longest kind is held, and copied once. */
const MOST_MB = 400

function* repeated(piece: Buffer, times: number): Generator<Buffer> {
  for (let i = 0; i < times; i++) yield piece
}

/** A line of 1 GB and a good one after it. */
function* longLine(filling: string): Generator<Buffer | string> {
  yield '{"a":"'
  yield* repeated(Buffer.alloc(MEGABYTE, filling), 1024)
  yield '"}\n{"ok":1}\n'
}

const TOO_LONG = 'parse: a line of more than 67108864 bytes [LINE_TOO_LONG]'

describe('a line of 1 GB', () => {
  test.each([
    ['jsonl', 'x', '{"ok":1}\n'],
    ['jsonl', '\\"', '{"ok":1}\n'],
    ['lines', ' ', '{"text": "{\\"ok\\":1}"}\n'],
  ])('as %s, of %j, is a bad record; the next one is read', async (format, filling, stdout) => {
    const ended = await measured(['parse', '--format', format, '--on-error', 'skip'], '/', longLine(filling))
    expect(ended).toMatchObject({ status: 3, stdout })
    expect(ended.stderr).toContain(`stdin:1 (byte 0), ${TOO_LONG}`)
    expect(ended.peak).toBeLessThan(MOST_MB)
  })

  test('in a JSON document, likewise', async () => {
    function* document() {
      yield '[{"a":"'
      yield* repeated(Buffer.alloc(MEGABYTE, 'x'), 1024)
      yield '"}, {"ok":1}]'
    }
    const ended = await measured(['parse', '--format', 'json', '--on-error', 'skip'], '/', document())
    expect(ended).toMatchObject({ status: 3, stdout: '{"ok": 1}\n' })
    expect(ended.stderr).toContain('stdin, record 1 (byte 1), parse: a record of more than 67108864 bytes')
    expect(ended.peak).toBeLessThan(MOST_MB)
  })

  test('stops a run that is to stop', async () => {
    const ended = await measured(['parse'], '/', longLine('x'))
    expect(ended).toMatchObject({ status: 1, stdout: '' })
    expect(ended.stderr).toContain(`error: stdin:1 (byte 0), ${TOO_LONG}\n  do: Raise \`max-line-bytes\``)
    expect(ended.peak).toBeLessThan(MOST_MB)
  })
})

describe('a gzip bomb', () => {
  let cwd = ''
  beforeAll(async () => {
    cwd = folder.fresh()
    const pack = (name: string, pieces: Iterable<Buffer | string>) =>
      pipeline(Readable.from(pieces), createGzip({ level: 1 }), createWriteStream(join(cwd, name)))
    await Promise.all([
      pack('zeros.gz', repeated(Buffer.alloc(MEGABYTE), 1024)),
      pack('line.gz', longLine('x')),
      pack('spaces.gz', repeated(Buffer.alloc(MEGABYTE, ' '), 1024)),
    ])
  })

  test.each([
    [
      'zeros.gz',
      'jsonl',
      'zeros.gz:1 (byte 0), parse: a line of more than 67108864 bytes [LINE_TOO_LONG]',
      '',
    ],
    [
      'zeros.gz',
      'lines',
      'zeros.gz:1 (byte 0), parse: a line of more than 67108864 bytes [LINE_TOO_LONG]',
      '',
    ],
    ['zeros.gz', 'json', 'zeros.gz (byte 0), parse: a number or word of more than 1048576 characters', ''],
    ['line.gz', 'jsonl', `line.gz:1 (byte 0), ${TOO_LONG}`, '{"ok":1}\n'],
    ['line.gz', 'lines', `line.gz:1 (byte 0), ${TOO_LONG}`, '{"text": "{\\"ok\\":1}"}\n'],
    ['spaces.gz', 'jsonl', `spaces.gz:1 (byte 0), ${TOO_LONG}`, ''],
  ])('%s as %s', async (file, format, said, stdout) => {
    const args = ['parse', '--format', format, '--on-error', 'skip', file]
    const ended = await measured(args, cwd)
    expect(ended.stderr).toContain(said)
    expect(ended).toMatchObject({ status: format === 'json' ? 1 : 3, stdout })
    expect(ended.peak).toBeLessThan(MOST_MB)
  })
})
