import { once } from 'node:events'
import { constants, openSync, statSync } from 'node:fs'
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Writable } from 'node:stream'
import { createGzip, type Gzip } from 'node:zlib'
import { type ErrorDetails, SteerpipeError } from '../errors.js'
import { type Line, toBytes, writeLines } from '../records/batch.js'
import { ByteWriter } from '../records/byte-writer.js'
import { systemMessage } from './input.js'

/** What takes a stage's bytes. */
export interface Output {
  /** The name it was asked for by. */
  readonly path: string
  /** Bytes taken, before compression. */
  readonly bytes: number
  /** Takes records, as JSON Lines; resolves when more may come. @throws SteerpipeError WRITE_FAILED */
  write(records: readonly Line[]): Promise<void>
  /** Makes the output whole: flushed to the disk, under its final name. @throws SteerpipeError WRITE_FAILED */
  commit(): Promise<void>
  /** Ends without making it whole. What was written stays beside the final name if `keep` is true. */
  abandon(keep: boolean): Promise<void>
}

/** What an output is called until it is whole. */
export const partialName = (path: string): string => `${path}.partial`

/** Opens an output: a file, gzipped if its name says so, or `-` for stdout. @throws SteerpipeError WRITE_FAILED */
export async function openOutput(path: string): Promise<Output> {
  if (path === '-') return stdout()
  try {
    const sink = isSpecial(path) ? await openSpecial(path) : await openFile(path)
    return path.endsWith('.gz') ? new GzipOutput(sink) : sink
  } catch (error) {
    throw writeError(error, path)
  }
}

/** Names of files that are open already: /dev/stdout and its like. */
const OPEN_FILE = /^\/(?:dev\/(?:std(?:in|out|err)$|fd\/)|proc\/[^/]+\/fd\/)/

/**
 * Whether a path is there and is no plain file, but a device, a FIFO or what is open already: such a one is written
 * to as it goes, since nothing can be put in its place.
 */
export function isSpecial(path: string): boolean {
  if (OPEN_FILE.test(path)) return true
  try {
    return !statSync(path).isFile()
  } catch {
    return false // it is not there, or not within reach: opening it will say
  }
}

/** What takes bytes as they are. */
interface Sink extends Output {
  /** Takes bytes; resolves when more may come. @throws SteerpipeError WRITE_FAILED */
  writeBytes(bytes: Buffer): Promise<void>
  /** Resolves when all that it took is written. @throws SteerpipeError WRITE_FAILED */
  settled(): Promise<void>
}

async function openFile(path: string): Promise<Sink> {
  await mkdir(dirname(path), { recursive: true })
  return new FileOutput(path, await open(partialName(path), 'w'), false)
}

async function openSpecial(path: string): Promise<Sink> {
  if (statSync(path).isFIFO() && process.platform === 'linux') return openFifo(path)
  return new FileOutput(path, await open(path, 'w'), true)
}

/**
 * Bytes after which a file is flushed to the disk in the background. Most of it is there by then when the file is
 * whole, and the last flush, for which one has to wait, is short.
 */
const FLUSH_BYTES = 32 * 1024 * 1024

/** A file that is written beside its name and renamed when it is whole. */
class FileOutput implements Sink {
  bytes = 0
  /** One write is under way while the next batch is made. */
  private writing: Promise<void> = Promise.resolve()
  /** Two, because one is still being written while the other is filled. */
  private writers: [ByteWriter, ByteWriter] = [new ByteWriter(), new ByteWriter()]
  /** Bytes of the file that were written whole. */
  private written = 0
  private failed = false
  /** The flush that is under way; a failure that it meets is told when the file shall be whole. */
  private flushing: Promise<void> | undefined
  private flushFailure: unknown
  /** Bytes that were written when the last flush began. */
  private flushed = 0
  private open = true

  constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    private readonly special: boolean,
  ) {}

  async write(records: readonly Line[]): Promise<void> {
    // Fresh memory for each batch would cost more than filling it.
    const [next, last] = this.writers
    this.writers = [last, next]
    await this.writeBytes(writeLines(records, next.reset()))
  }

  async writeBytes(bytes: Buffer): Promise<void> {
    this.bytes += bytes.length
    await this.settled()
    this.writing = writeAll(this.handle, bytes).then(() => {
      this.written += bytes.length
      if (!this.special && this.written - this.flushed >= FLUSH_BYTES) this.flush()
    })
    // The failure is told by whoever waits next; until then it is not an unhandled one.
    this.writing.catch(() => {
      this.failed = true
    })
  }

  private flush(): void {
    if (this.flushing) return
    this.flushed = this.written
    this.flushing = this.handle
      .datasync()
      .catch((error: unknown) => {
        this.flushFailure ??= error
      })
      .finally(() => {
        this.flushing = undefined
      })
  }

  async settled(): Promise<void> {
    try {
      await this.writing
    } catch (error) {
      throw writeError(error, this.path)
    }
  }

  async commit(): Promise<void> {
    await this.settled()
    try {
      if (this.special) return await this.close()
      await this.flushing
      if (this.flushFailure) throw this.flushFailure
      await this.handle.sync()
      await this.close()
      await rename(partialName(this.path), this.path)
      await syncFolder(dirname(this.path))
    } catch (error) {
      throw writeError(error, this.path)
    }
  }

  async abandon(keep: boolean): Promise<void> {
    await this.writing.catch(() => {})
    await this.flushing
    let kept = keep && this.written > 0
    if (kept && this.failed && !this.special) {
      // Of a write that failed (a full disk) some bytes may be there: no line is left half-written.
      kept = await this.handle.truncate(this.written).then(
        () => true,
        () => false,
      )
    }
    await this.close()
    if (!this.special && !kept) await rm(partialName(this.path), { force: true })
  }

  private async close(): Promise<void> {
    if (!this.open) return
    this.open = false
    await this.handle.close()
  }
}

/** Another output, through gzip. */
class GzipOutput implements Output {
  bytes = 0
  private readonly gzip: Gzip = createGzip()
  private readonly pumping: Promise<void>

  constructor(private readonly sink: Sink) {
    this.pumping = this.pump()
    this.pumping.catch(() => {}) // told by whoever waits for it
  }

  get path(): string {
    return this.sink.path
  }

  private async pump(): Promise<void> {
    for await (const chunk of this.gzip) await this.sink.writeBytes(chunk as Buffer)
    await this.sink.settled()
  }

  async write(records: readonly Line[]): Promise<void> {
    const bytes = toBytes(records)
    this.bytes += bytes.length
    if (!this.gzip.write(bytes)) await Promise.race([once(this.gzip, 'drain'), this.pumping])
  }

  async commit(): Promise<void> {
    this.gzip.end()
    await this.pumping
    await this.sink.commit()
  }

  async abandon(keep: boolean): Promise<void> {
    // The member is ended, so that what is kept can be read. If a write failed it has no end, and nothing is kept.
    this.gzip.end()
    const whole = await this.pumping.then(
      () => true,
      () => false,
    )
    await this.sink.abandon(keep && whole && this.bytes > 0)
  }
}

/** A stream: stdout, or a FIFO. What was written there cannot be taken back. */
class StreamOutput implements Sink {
  bytes = 0

  /**
   * @param name what errors call it
   * @param ends whether the stream is ours to end
   */
  constructor(
    readonly path: string,
    private readonly name: string,
    private readonly stream: Writable,
    private readonly ends: boolean,
  ) {
    // Each write is told of its failure; the event comes beside that.
    if (stream.listenerCount('error') === 0) stream.on('error', () => {})
  }

  write(records: readonly Line[]): Promise<void> {
    return this.writeBytes(toBytes(records))
  }

  async writeBytes(bytes: Buffer): Promise<void> {
    this.bytes += bytes.length
    await new Promise<void>((resolve, reject) => {
      this.stream.write(bytes, (error) => (error ? reject(writeError(error, this.name)) : resolve()))
    })
  }

  async settled(): Promise<void> {}

  async commit(): Promise<void> {
    if (!this.ends) return
    // A FIFO has no end to be written: closing it is all.
    this.stream.destroy()
    await once(this.stream, 'close')
  }

  async abandon(): Promise<void> {
    if (this.ends) this.stream.destroy()
  }
}

const stdout = (): Output => new StreamOutput('-', 'stdout', process.stdout, false)

/** Milliseconds between two attempts to open a FIFO that nobody reads yet. */
const RETRY = 20

/** A FIFO, as soon as somebody reads it; without a thread that waits, which would keep the process from ending. */
async function openFifo(path: string): Promise<Sink> {
  const { Socket } = await import('node:net')
  for (;;) {
    try {
      const fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
      return new StreamOutput(path, path, new Socket({ fd, readable: false, writable: true }), true)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY))
  }
}

async function writeAll(handle: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at)).bytesWritten
}

/** Makes a rename durable. Not every system lets a folder be synced; then it is as durable as it gets. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path).catch(() => undefined)
  await folder?.sync().catch(() => {})
  await folder?.close()
}

function writeError(error: unknown, path: string): unknown {
  if (error instanceof SteerpipeError || !(error instanceof Error)) return error
  const { code } = error as NodeJS.ErrnoException
  if (code === undefined) return error
  return new SteerpipeError('WRITE_FAILED', {
    found: `writing failed: ${systemMessage(error)}`,
    ...pathTrouble(code, path),
    place: { input: path },
    stage: 'write',
    cause: error,
  })
}

/** What is wrong with a path, where the system's own words would not help. */
function pathTrouble(
  code: string,
  path: string,
): Pick<ErrorDetails, 'found' | 'expected' | 'fix'> | undefined {
  if (code === 'EISDIR' || (code === 'ENOENT' && path.endsWith('/')))
    return { found: 'this is a folder', expected: 'the name of a file', fix: 'Name a file in it.' }
  // From making the folders of the path.
  if (code === 'EEXIST' || code === 'ENOTDIR')
    return { found: 'a part of this path is a file', expected: 'folders', fix: 'Choose another place.' }
  return undefined
}
