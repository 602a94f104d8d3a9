import { close, mkdtempSync, openSync, read, rmSync, write } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { SteerpipeError } from '../errors.js'
import { systemMessage } from './input.js'

const writeTo = promisify(write)
const readFrom = promisify(read)
const closeFile = promisify(close)

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
  /** What is being read or written: a descriptor must not be closed under it. */
  private busy: Promise<unknown> = Promise.resolve()
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

  /** Puts bytes at the end. They may be overwritten when it resolves. @throws SteerpipeError WRITE_FAILED */
  append(bytes: Uint8Array): Promise<Extent> {
    const at = this.end
    this.end += bytes.length
    const written = this.writeAt(bytes, at)
    this.busy = written.catch(() => {})
    return written
  }

  private async writeAt(bytes: Uint8Array, at: number): Promise<Extent> {
    try {
      for (let done = 0; done < bytes.length; ) {
        const rest = bytes.length - done
        done += (await writeTo(this.descriptor, bytes, done, rest, at + done)).bytesWritten
      }
    } catch (error) {
      throw spillError(error, this.parent)
    }
    return { at, length: bytes.length }
  }

  /** Reads what was put there to the start of `into`. */
  read(extent: Extent, into: Uint8Array): Promise<void> {
    const done = this.readAt(extent, into)
    this.busy = done.catch(() => {})
    return done
  }

  private async readAt({ at, length }: Extent, into: Uint8Array): Promise<void> {
    for (let done = 0; done < length; ) {
      const { bytesRead } = await readFrom(this.descriptor, into, done, length - done, at + done)
      if (bytesRead === 0) throw new Error('a spill file is shorter than what was written to it')
      done += bytesRead
    }
  }

  /** Gives the disk back, after what is being read or written. */
  async close(): Promise<void> {
    await this.busy
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
