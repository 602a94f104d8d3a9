import { createReadStream, fstatSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { SteerpipeError } from '../errors.js'

/** Bytes a read: what did best on plain files. */
const READ_BYTES = 256 * 1024

/** Whether a path is an address on a hub or on the web. */
export function isRemote(path: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(path)
}

/**
 * The decompressed bytes of an input.
 *
 * @param path a file, or `-` for stdin; gzip is recognised by its first bytes, whatever the name
 * @throws SteerpipeError NO_SUCH_INPUT, READ_FAILED, GZIP_DAMAGED, HUB_ADDRESS
 */
export async function* readBytes(path: string): AsyncGenerator<Buffer> {
  if (isRemote(path)) {
    throw new SteerpipeError('HUB_ADDRESS', { found: `${path} is not a file`, place: { input: path } })
  }
  const raw = path === '-' ? openStdin() : await openFile(path)
  let compressed = false
  let bytes = 0
  try {
    const chunks = raw[Symbol.asyncIterator]() as AsyncIterator<Buffer>
    const head = await headOf(chunks)
    compressed = head.length >= 2 && head[0] === 0x1f && head[1] === 0x8b
    const whole = withHead(head, chunks)
    for await (const chunk of compressed ? gunzip(whole) : whole) {
      bytes += chunk.length
      yield chunk
    }
  } catch (error) {
    throw readError(error, path, compressed, bytes)
  } finally {
    raw.destroy()
  }
}

function openStdin(): Readable {
  // A file is read with large reads; of a pipe, Node's own stdin knows whether it blocks.
  if (fstatSync(0).isFile())
    return createReadStream('', { fd: 0, autoClose: false, highWaterMark: READ_BYTES })
  return process.stdin
}

async function openFile(path: string): Promise<Readable> {
  let handle: FileHandle
  try {
    handle = await open(path)
  } catch (error) {
    throw readError(error, path, false, 0)
  }
  return handle.createReadStream({ highWaterMark: READ_BYTES })
}

/** At least two bytes, unless the input has fewer: enough to recognise gzip. */
async function headOf(chunks: AsyncIterator<Buffer>): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0)
  while (head.length < 2) {
    const next = await chunks.next()
    if (next.done) break
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value])
  }
  return head
}

async function* withHead(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value
}

/** Decompresses on zlib's own thread, one read ahead. */
function gunzip(bytes: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const stream = createGunzip({ chunkSize: READ_BYTES })
  const feed = async () => {
    try {
      for await (const chunk of bytes) {
        if (stream.destroyed) return
        if (!stream.write(chunk)) {
          await new Promise<void>((resolve) => stream.once('drain', resolve).once('close', resolve))
        }
      }
      stream.end()
    } catch (error) {
      stream.destroy(error as Error) // whatever a stream throws is an Error
    }
  }
  void feed()
  return stream
}

function readError(error: unknown, path: string, compressed: boolean, bytes: number): unknown {
  if (error instanceof SteerpipeError || !(error instanceof Error)) return error
  const { code } = error as NodeJS.ErrnoException
  if (code === undefined) return error
  const place = { input: path, offset: bytes > 0 ? bytes : undefined }
  if (code.startsWith('Z_') && compressed) {
    const cut = code === 'Z_BUF_ERROR'
    return new SteerpipeError('GZIP_DAMAGED', {
      found: cut ? 'the gzip data ends in the middle' : `the gzip data is damaged: ${error.message}`,
      expected: 'whole gzip data',
      place,
      cause: error,
    })
  }
  if (code === 'ENOENT') {
    return new SteerpipeError('NO_SUCH_INPUT', { found: 'there is no such file', place, cause: error })
  }
  const fix = code === 'EISDIR' ? 'Name the files in it, or a pattern such as `FOLDER/*.jsonl`.' : undefined
  return new SteerpipeError('READ_FAILED', {
    found: `reading failed: ${systemMessage(error)}`,
    fix,
    place,
    cause: error,
  })
}

/** What the system says, without the call and the path that Node adds. */
export function systemMessage(error: Error): string {
  const { code } = error as NodeJS.ErrnoException
  const said = error.message.replace(/^[A-Z]+: /, '').split(',')[0]
  return code === undefined ? said : `${said} (${code})`
}
