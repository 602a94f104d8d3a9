import { close, mkdtempSync, openSync, read, readSync, rmSync, write } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { SteerpipeError } from '../errors.js'
import { systemMessage } from './input.js'

const writeTo = promisify(write)
const readFrom = promisify(read)
const closeFile = promisify(close)

/** Writes that are under way at a time: one that the disk works on, and some that wait for it. */
const MOST_WRITES = 4

/** Where something stands in a spill file. */
export interface Extent {
  readonly at: number
  readonly length: number
}

/**
 * A file for what does not fit into memory. It loses its name in the moment in which it is made, so that the system
 * takes it away however the process ends: at the end of the run, on ctrl-C, and also when it is killed.
 */
export class SpillFile {
  private readonly descriptor: number
  private end = 0
  /** What is being written, oldest first. */
  private readonly writing: Promise<void>[] = []
  /** What is being read: a descriptor must not be closed under it. */
  private readonly reading = new Set<Promise<void>>()
  /** What is left to remove, on systems where an open file keeps its name. */
  private left: string | undefined

  /**
   * @param parent the folder that it is made in; default the system's for temporary files
   * @throws SteerpipeError WRITE_FAILED
   */
  constructor(private readonly parent: string = tmpdir()) {
    let folder: string | undefined
    try {
      folder = mkdtempSync(join(parent, 'steerpipe-'))
      this.descriptor = openSync(join(folder, 'spill'), 'wx+', 0o600)
    } catch (error) {
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
      throw spillError(error, parent)
    }
    try {
      rmSync(folder, { recursive: true })
    } catch {
      this.left = folder
    }
  }

  /**
   * Puts bytes at the end. Resolves when more may come, which is before they are written.
   *
   * @param written called when the memory of the bytes may be used again
   * @throws SteerpipeError WRITE_FAILED, also of what was put there before
   */
  async append(bytes: Uint8Array, written: () => void): Promise<Extent> {
    const extent = { at: this.end, length: bytes.length }
    this.end += bytes.length
    const write = this.writeAt(bytes, extent.at).then(written)
    write.catch(() => {}) // told where it is awaited
    this.writing.push(write)
    while (this.writing.length > MOST_WRITES) await this.writing.shift()
    return extent
  }

  private async writeAt(bytes: Uint8Array, at: number): Promise<void> {
    try {
      for (let done = 0; done < bytes.length; ) {
        const rest = bytes.length - done
        done += (await writeTo(this.descriptor, bytes, done, rest, at + done)).bytesWritten
      }
    } catch (error) {
      throw spillError(error, this.parent)
    }
  }

  /** Reads what was put there to the start of `into`. @throws SteerpipeError WRITE_FAILED if it could not be written */
  async read(extent: Extent, into: Uint8Array): Promise<void> {
    await this.settled()
    const read = this.readAt(extent, into)
    this.reading.add(read)
    await read.finally(() => this.reading.delete(read))
  }

  private async readAt({ at, length }: Extent, into: Uint8Array): Promise<void> {
    for (let done = 0; done < length; ) {
      const { bytesRead } = await readFrom(this.descriptor, into, done, length - done, at + done)
      if (bytesRead === 0) throw new Error('a spill file is shorter than what was written to it')
      done += bytesRead
    }
  }

  /** Resolves when all that was put there is written. @throws SteerpipeError WRITE_FAILED */
  async settled(): Promise<void> {
    while (this.writing.length > 0) await this.writing.shift()
  }

  /**
   * Reads without waiting, for many small pieces from all over the file: what goes through a thread takes longer than
   * the reading. All must have been {@link settled}.
   */
  readNow({ at, length }: Extent, into: Uint8Array): void {
    for (let done = 0; done < length; ) {
      const bytes = readSync(this.descriptor, into, done, length - done, at + done)
      if (bytes === 0) throw new Error('a spill file is shorter than what was written to it')
      done += bytes
    }
  }

  /** Reads one extent after the other, the next one while the last one is worked on, in two buffers. */
  async *readAll(extents: readonly Extent[]): AsyncGenerator<Buffer> {
    const longest = Math.max(0, ...extents.map(({ length }) => length))
    const buffers = [Buffer.allocUnsafeSlow(longest), Buffer.allocUnsafeSlow(longest)]
    const start = async (index: number) => {
      const buffer = buffers[index % 2].subarray(0, extents[index].length)
      await this.read(extents[index], buffer)
      return buffer
    }
    let next = extents.length > 0 ? start(0) : undefined
    for (let index = 1; next !== undefined; index++) {
      const filled = await next
      next = index < extents.length ? start(index) : undefined
      next?.catch(() => {}) // told where it is awaited
      yield filled
    }
  }

  /** Gives the disk back, after what is being written or read. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.writing, ...this.reading])
    await closeFile(this.descriptor)
    if (this.left !== undefined) rmSync(this.left, { recursive: true, force: true })
  }
}

function spillError(error: unknown, folder: string): SteerpipeError {
  return new SteerpipeError('WRITE_FAILED', {
    found: `what does not fit into memory could not be written: ${error instanceof Error ? systemMessage(error) : String(error)}`,
    fix: 'Free space there, or name another folder with the option `folder`.',
    place: { input: folder },
    cause: error,
  })
}
