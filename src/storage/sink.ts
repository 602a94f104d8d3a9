import { once } from 'node:events'
import { constants, openSync, statSync, writeSync } from 'node:fs'
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Writable } from 'node:stream'
import { type ErrorDetails, SteerpipeError } from '../errors.js'
import { syncFolder } from './durable.js'
import { systemMessage } from './input.js'
import { type FileLock, lock } from './lock.js'

/** What takes bytes as they are. */
export interface Sink {
  /** The name it was asked for by. */
  readonly path: string
  /** Whether what is written can be taken back, so that one can go on from where one was another time. */
  readonly isFile: boolean
  /**
   * Takes bytes, which must stay as they are until they are written; resolves when more may come.
   *
   * @param onWritten called when the bytes are written, and are their owner's again
   * @param here whether a file is written to by this thread: where no processor is idle, another one that copies the
   *   bytes into the system has to be woken, and finds them in no cache of its own
   * @throws SteerpipeError WRITE_FAILED
   */
  write(bytes: Buffer, onWritten?: () => void, here?: boolean): Promise<void>
  /** Resolves when all that it took is with the system. @throws SteerpipeError WRITE_FAILED */
  settled(): Promise<void>
  /** Flushes what was written so far to the disk. @throws SteerpipeError WRITE_FAILED */
  sync(): Promise<void>
  /** Ends it, flushed to the disk. @throws SteerpipeError WRITE_FAILED */
  finish(): Promise<void>
  /** Gives it its final name, once it is finished. @throws SteerpipeError WRITE_FAILED */
  publish(): Promise<void>
  /** Ends without making it whole. What was written stays beside the final name if `keep` is true. */
  abandon(keep: boolean): Promise<void>
}

/** What an output is called until it is whole. */
export const partialName = (path: string): string => `${path}.partial`

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

/**
 * Opens what takes bytes: a file, a device, a FIFO, or `-` for stdout.
 *
 * @param from bytes that an earlier run has left, to go on behind them
 * @param syncs whether a file is flushed to the disk
 * @throws SteerpipeError WRITE_FAILED, OUTPUT_LOCKED, RESUME_REFUSED
 */
export async function openSink(path: string, from = 0, syncs = true): Promise<Sink> {
  if (path === '-') return new StreamSink('-', 'stdout', process.stdout, false)
  try {
    if (!isSpecial(path)) return await openFile(path, from, syncs)
    if (statSync(path).isFIFO() && process.platform === 'linux') return await openFifo(path)
    return new FileSink(path, await open(path, 'w'), null, 0, false)
  } catch (error) {
    throw writeError(error, path)
  }
}

async function openFile(path: string, from: number, syncs: boolean): Promise<Sink> {
  await mkdir(dirname(path), { recursive: true })
  const held = await lock(path)
  try {
    return new FileSink(
      path,
      from > 0 ? await reopen(path, from) : await open(partialName(path), 'w'),
      held,
      from,
      syncs,
    )
  } catch (error) {
    held.release()
    throw error
  }
}

/** Opens what an earlier run has left, cut to the bytes that are known to be good. */
async function reopen(path: string, from: number): Promise<FileHandle> {
  const partial = partialName(path)
  const file = await open(partial, 'r+').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw lost(`${partial} is gone, which holds what was written so far`)
    throw error
  })
  try {
    const { size } = await file.stat()
    if (size < from) throw lost(`${partial} has ${size} bytes, but ${from} were written`)
    await file.truncate(from)
    return file
  } catch (error) {
    await file.close()
    throw error
  }

  function lost(found: string): SteerpipeError {
    return new SteerpipeError('RESUME_REFUSED', { found, place: { input: path } })
  }
}

/**
 * Bytes after which a file is flushed to the disk in the background. Most of it is there by then when the file is
 * whole, and the last flush, for which one has to wait, is short.
 */
const FLUSH_BYTES = 32 * 1024 * 1024

/** A file that is written beside its name and renamed when it is whole; or a device, which is written to as it goes. */
class FileSink implements Sink {
  /** One write is under way while the next batch is made. */
  private writing: Promise<void> = Promise.resolve()
  /** Bytes of the file that were written whole. */
  private written: number
  private failed = false
  /** The flush that is under way; a failure that it meets is told when the file shall be whole. */
  private flushing: Promise<void> | undefined
  private flushFailure: unknown
  /** Bytes that were written when the last flush began. */
  private flushed: number
  private open = true
  private folderSynced = false

  /**
   * @param held the lock of a file; null for a device
   * @param from bytes of the file that are there
   * @param syncs whether it is flushed to the disk
   */
  constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    private readonly held: FileLock | null,
    from: number,
    private readonly syncs: boolean,
  ) {
    this.written = from
    this.flushed = from
  }

  get isFile(): boolean {
    return this.held !== null
  }

  async write(bytes: Buffer, onWritten?: () => void, here = false): Promise<void> {
    await this.settled()
    this.writing = this.writeAll(bytes, here && this.isFile).then(() => {
      this.written += bytes.length
      onWritten?.()
      if (this.syncs && this.written - this.flushed >= FLUSH_BYTES) this.flush()
    })
    // The failure is told by whoever waits next; until then it is not an unhandled one.
    this.writing.catch(() => {
      this.failed = true
    })
  }

  private async writeAll(bytes: Buffer, here: boolean): Promise<void> {
    const { handle } = this
    for (let at = 0; at < bytes.length; ) {
      // A device may have no positions.
      const position = this.isFile ? this.written + at : null
      const left = bytes.length - at
      at += here
        ? writeSync(handle.fd, bytes, at, left, position)
        : (await handle.write(bytes, at, left, position)).bytesWritten
    }
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

  async sync(): Promise<void> {
    await this.settled()
    if (!this.syncs) return
    try {
      await this.flushing
      if (this.flushFailure) throw this.flushFailure
      if (this.open) await this.handle.datasync()
      // That it is there must outlive a power cut, too.
      if (!this.folderSynced) await syncFolder(dirname(this.path))
      this.folderSynced = true
    } catch (error) {
      throw writeError(error, this.path)
    }
  }

  async finish(): Promise<void> {
    await this.settled()
    try {
      if (this.isFile && this.open) {
        await this.flushing
        if (this.flushFailure) throw this.flushFailure
        if (this.syncs) await this.handle.sync()
        // A folder that has gone is told before any other output has its final name.
        await stat(partialName(this.path))
      }
      await this.close()
    } catch (error) {
      throw writeError(error, this.path)
    }
  }

  async publish(): Promise<void> {
    if (!this.isFile) return
    try {
      await rename(partialName(this.path), this.path)
      if (this.syncs) await syncFolder(dirname(this.path))
    } catch (error) {
      throw writeError(error, this.path)
    }
    this.held?.release()
  }

  async abandon(keep: boolean): Promise<void> {
    await this.writing.catch(() => {})
    await this.flushing
    let kept = keep && this.written > 0
    if (kept && this.failed && this.isFile) {
      // Of a write that failed (a full disk) some bytes may be there: no line is left half-written.
      kept = await this.handle.truncate(this.written).then(
        () => true,
        () => false,
      )
    }
    await this.close()
    if (this.isFile && !kept) await rm(partialName(this.path), { force: true })
    this.held?.release()
  }

  private async close(): Promise<void> {
    if (!this.open) return
    this.open = false
    await this.handle.close()
  }
}

/** A stream: stdout, or a FIFO. What was written there cannot be taken back. */
class StreamSink implements Sink {
  readonly isFile = false

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

  async write(bytes: Buffer, onWritten?: () => void): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.stream.write(bytes, (error) => (error ? reject(writeError(error, this.name)) : resolve()))
    })
    onWritten?.()
  }

  async settled(): Promise<void> {}

  async sync(): Promise<void> {}

  async finish(): Promise<void> {
    if (!this.ends || this.stream.closed) return
    // A FIFO has no end to be written: closing it is all.
    this.stream.destroy()
    await once(this.stream, 'close')
  }

  async publish(): Promise<void> {}

  async abandon(): Promise<void> {
    if (this.ends) this.stream.destroy()
  }
}

/** Milliseconds between two attempts to open a FIFO that nobody reads yet. */
const RETRY = 20

/** A FIFO, as soon as somebody reads it; without a thread that waits, which would keep the process from ending. */
async function openFifo(path: string): Promise<Sink> {
  const { Socket } = await import('node:net')
  for (;;) {
    try {
      const fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
      return new StreamSink(path, path, new Socket({ fd, readable: false, writable: true }), true)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY))
  }
}

/** What the system says of a write, as an error with a code. */
export function writeError(error: unknown, path: string): unknown {
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
