import { constants, fstatSync, openSync, read, readSync, statSync } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import type { TransformOptions } from 'node:stream'
import { getSystemErrorMap, promisify } from 'node:util'
import type { Gunzip, ZlibOptions } from 'node:zlib'
import { type Place, SteerpipeError } from '../errors.js'
import { zlib } from '../lazy-node.js'
import { freeMemory } from './free-memory.js'
import { pipedBytes } from './piped-bytes.js'
import { isRemote } from './remote/address.js'

/** Bytes a read: what did best on plain files. */
const READ_BYTES = 256 * 1024

/**
 * Bytes a read of a compressed file. Where zlib has used up one read it waits until this thread has come round to giving
 * it the next one: with 256 KiB, trees took a tenth longer to read.
 */
const COMPRESSED_READ_BYTES = 1024 * 1024

/** Bytes that are decompressed at a time: for each, a thread of zlib's has to be woken, some 0.1 ms. */
const GUNZIP_BYTES = 512 * 1024

/** What gzip data begins with. */
const GZIP_MAGIC = Buffer.of(0x1f, 0x8b)

/**
 * The decompressed bytes of an input. A chunk is good until the next one is asked for.
 *
 * @param path a file, an address, or `-` for stdin; gzip is recognised by its first bytes, whatever the name
 * @param onOpen told, before the first bytes, whether they were compressed
 * @param here whether a plain file is read by this thread, between two chunks: see {@link readHere}
 * @throws SteerpipeError NO_SUCH_INPUT, READ_FAILED, GZIP_DAMAGED; for addresses what `readRemote` throws
 */
export async function* readBytes(
  path: string,
  onOpen?: (isCompressed: boolean) => void,
  here = false,
): AsyncGenerator<Buffer> {
  const chunks = path === '-' ? openStdin(here) : await openPath(path, here)
  let compressed = false
  let bytes = 0
  try {
    const head = await headOf(chunks)
    compressed = head.subarray(0, GZIP_MAGIC.length).equals(GZIP_MAGIC)
    onOpen?.(compressed)
    // What a download that failed or a disk that was full leaves behind: no records would look like a good end.
    if (head.length === 0 && path.endsWith('.gz')) throw damaged('the file is empty', { input: path })
    const whole = withHead(head, chunks)
    for await (const chunk of compressed ? gunzip(whole, path) : whole) {
      bytes += chunk.length
      yield chunk
    }
  } catch (error) {
    throw readError(error, path, compressed, bytes)
  } finally {
    await chunks.return?.()
  }
}

function openStdin(here: boolean): AsyncIterator<Buffer> {
  const stdin = fstatSync(0)
  if (stdin.isFIFO() || stdin.isSocket()) return pipedBytes(0)
  // A folder Node would take for empty input: a read gives the system's error.
  if (stdin.isFile() || stdin.isDirectory()) {
    if (here) return readHere(0, READ_BYTES)
    return inTurn(READ_BYTES, (buffer) => readOpen(0, buffer, 0, buffer.length, null))
  }
  return process.stdin[Symbol.asyncIterator]() // a terminal or a device
}

const readOpen = promisify(read)

async function openPath(path: string, here: boolean): Promise<AsyncIterator<Buffer>> {
  try {
    const file = await localFile(path)
    if (file === undefined) return (await import('./remote/index.js')).readRemote(path)
    if ((await stat(file)).isFIFO() && process.platform === 'linux') {
      return openFifo(file)
    }
    return fileChunks(await open(file), path, here)
  } catch (error) {
    throw readError(error, path, false, 0)
  }
}

/** The bytes of a file, from its start to its end. */
async function* fileChunks(file: FileHandle, path: string, here: boolean): AsyncGenerator<Buffer> {
  const { size } = await file.stat() // of what is no plain file, 0
  const bytes = path.endsWith('.gz') ? COMPRESSED_READ_BYTES : READ_BYTES
  let total = 0
  try {
    const chunks = here ? readHere(file.fd, bytes) : inTurn(bytes, (buffer) => file.read(buffer, 0, bytes))
    for await (const chunk of chunks) {
      total += chunk.length
      yield chunk
    }
    if (total < size) throw shrunk(path, size, total)
  } finally {
    await file.close()
  }
}

/**
 * What is read, in two buffers that are used in turn: one is filled while the other is worked on. (A stream of Node's
 * has a new one for each read, which costs as much as the reading.)
 *
 * @param bytes at a time
 * @param read reads the next ones into a buffer
 */
async function* inTurn(
  bytes: number,
  read: (buffer: Buffer) => Promise<{ readonly bytesRead: number }>,
): AsyncGenerator<Buffer> {
  const readAhead = (buffer: Buffer) => {
    const reading = read(buffer)
    reading.catch(() => {}) // told where it is awaited, which may be later than it happens
    return reading
  }
  let [filling, idle] = [Buffer.allocUnsafeSlow(bytes), Buffer.allocUnsafeSlow(bytes)]
  let reading = readAhead(filling)
  try {
    for (;;) {
      const { bytesRead } = await reading
      if (bytesRead === 0) return
      const filled = filling
      filling = idle
      idle = filled
      reading = readAhead(filling)
      yield filled.subarray(0, bytesRead)
    }
  } finally {
    await reading.catch(() => {})
  }
}

/**
 * What this thread itself reads, into one buffer, in turn with all else that it does. For whoever leaves no processor idle:
 * waking another thread for each chunk, which copies it into a cache of its own, takes three times as long. (The system
 * reads a file ahead in any case.)
 *
 * @param bytes at a time
 */
async function* readHere(fd: number, bytes: number): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(bytes)
  for (;;) {
    await new Promise(setImmediate)
    const count = readSync(fd, buffer, 0, bytes, null)
    if (count === 0) return
    yield buffer.subarray(0, count)
  }
}

/** The error for a file that was cut while it was read: at the end of a line nothing else would tell. */
export function shrunk(path: string, size: number, left: number): SteerpipeError {
  return new SteerpipeError('READ_FAILED', {
    found: `the file had ${size} bytes when it was opened, and ends after ${left}: it was cut while it was read`,
    fix: 'Run again when nothing else writes to the file.',
    place: { input: path },
    stage: 'parse',
  })
}

/**
 * A FIFO, without a thread that waits until somebody writes: a process with such a thread cannot be ended. (Linux
 * tells apart a FIFO that nobody has opened yet and one that everybody has closed; others do not, so there a thread
 * has to wait.)
 */
function openFifo(path: string): AsyncGenerator<Buffer> {
  return pipedBytes(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK))
}

/** At least two bytes, unless the input has fewer: enough to recognise gzip. */
async function headOf(chunks: AsyncIterator<Buffer>): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0)
  while (head.length < 2) {
    const next = await chunks.next()
    if (next.done) break
    // A copy: the reader uses its memory again.
    head = Buffer.concat([head, next.value])
  }
  return head
}

async function* withHead(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value
}

/** Decompresses on a thread of zlib's: the next chunk is made while the last one is worked on. */
async function* gunzip(bytes: AsyncIterable<Buffer>, path: string): AsyncGenerator<Buffer> {
  // What a stream holds is lost when it fails. With a mark of one byte a write is done when all that came of it was
  // taken, so that what stands before damage (most of all before an early end) is not lost.
  const options: ZlibOptions & TransformOptions = { chunkSize: GUNZIP_BYTES, readableHighWaterMark: 1 }
  const stream = zlib().createGunzip(options)
  const fed = feed(stream, bytes, path)
  fed.catch(() => {}) // told where it is awaited
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer<ArrayBuffer>>
  const read = () => {
    const reading = chunks.next()
    reading.catch(() => {}) // told where it is awaited, which may be later than it happens
    return reading
  }
  let reading = read()
  try {
    for (;;) {
      const { done, value } = await reading
      if (done) return await fed
      reading = read()
      yield value
      // Whoever asks for more is done with it, and zlib with memory that it has filled.
      const { buffer, byteOffset, length } = value
      if (byteOffset + length === GUNZIP_BYTES) freeMemory(buffer)
    }
  } finally {
    // Who reads no further does not wait for what is being read.
    stream.destroy()
  }
}

/** Gives a stream its bytes. @throws SteerpipeError GZIP_DAMAGED if there is more after its end than padding */
async function feed(stream: Gunzip, bytes: AsyncIterable<Buffer>, path: string): Promise<void> {
  let given = 0
  let ended = false
  try {
    for await (const chunk of bytes) {
      given += chunk.length
      if (!ended) {
        await new Promise<void>((resolve) => stream.write(chunk, () => resolve()))
        if (stream.destroyed && !stream.readableEnded) return
      }
      // Node ends the data at a zero byte after a member: what else comes there would be lost in silence.
      const rest: Buffer = ended ? chunk : chunk.subarray(chunk.length - (given - stream.bytesWritten))
      ended ||= rest.length > 0
      checkPadding(rest, given - rest.length, path)
    }
    stream.end()
  } catch (error) {
    // A stream that has ended by itself has told so; what came after that is told by whoever awaits this.
    if (!ended) stream.destroy(error as Error) // whatever a stream throws is an Error
    throw error
  }
}

const isZero = (byte: number): boolean => byte === 0

/** Refuses bytes after the last member that are no padding, as blocks of tapes have. @param offset where they are */
function checkPadding(bytes: Buffer, offset: number, path: string): void {
  if (bytes.every(isZero)) return
  const at = offset + bytes.findIndex((byte) => byte !== 0)
  throw damaged(`after the end of the gzip data there is something else, at byte ${at} of the file`, {
    input: path,
  })
}

function damaged(found: string, place: Place, cause?: Error): SteerpipeError {
  return new SteerpipeError('GZIP_DAMAGED', {
    found,
    expected: 'whole gzip data',
    place,
    stage: 'parse',
    cause,
  })
}

export function readError(error: unknown, path: string, compressed: boolean, bytes: number): unknown {
  if (error instanceof SteerpipeError || !(error instanceof Error)) return error
  const { code } = error as NodeJS.ErrnoException
  if (code === undefined) return error
  const place = { input: path, offset: bytes > 0 ? bytes : undefined }
  if (code.startsWith('Z_') && compressed) {
    const cut = code === 'Z_BUF_ERROR'
    const found = cut ? 'the gzip data ends in the middle' : `the gzip data is damaged: ${error.message}`
    return damaged(found, place, error)
  }
  if (code === 'ENOENT') {
    return new SteerpipeError('NO_SUCH_INPUT', {
      found: 'there is no such file',
      place,
      stage: 'parse',
      cause: error,
    })
  }
  const fix = code === 'EISDIR' ? 'Name the files in it, or a pattern such as `FOLDER/*.jsonl`.' : undefined
  return new SteerpipeError('READ_FAILED', {
    found: `reading failed: ${systemMessage(error)}`,
    fix,
    place,
    stage: 'parse',
    cause: error,
  })
}

/** Where what a path names is on this machine: of an address, in the cache, if it is there. */
export async function localFile(path: string): Promise<string | undefined> {
  return isRemote(path) ? (await import('./remote/index.js')).cachedFile(path) : path
}

/** Whether a path is a file whose bytes are what is to be read, anywhere in it. */
export async function isPlainFile(path: string): Promise<boolean> {
  const local = path === '-' ? undefined : await localFile(path)
  if (local === undefined) return false
  const found = statSync(local, { throwIfNoEntry: false })
  if (!found?.isFile() || found.size < GZIP_MAGIC.length) return false
  // What cannot be opened is told by whoever reads it.
  const file = await open(local).catch(() => undefined)
  try {
    const head = await file?.read(Buffer.alloc(GZIP_MAGIC.length), 0, GZIP_MAGIC.length, 0)
    return head?.buffer.equals(GZIP_MAGIC) === false
  } finally {
    await file?.close()
  }
}

/** Bytes of files that are plain, so that what is read of them is what they have; undefined if one of them is not. */
export function plainSize(paths: readonly string[]): number | undefined {
  let size = 0
  for (const path of paths) {
    const found = path === '-' || path.endsWith('.gz') ? undefined : statSync(path, { throwIfNoEntry: false })
    if (!found?.isFile()) return undefined
    size += found.size
  }
  return size
}

/** What the system says, without the call and the path that Node adds. */
export function systemMessage(error: Error): string {
  const { code, errno } = error as NodeJS.ErrnoException
  const known = errno === undefined ? undefined : getSystemErrorMap().get(errno)
  const said = known?.[1] ?? error.message.replace(/^[A-Z]+: /, '').split(',')[0]
  return code === undefined ? said : `${said} (${code})`
}
