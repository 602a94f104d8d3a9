import { once } from 'node:events'
import { statSync } from 'node:fs'
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createGzip, type Gzip } from 'node:zlib'
import { SteerpipeError } from '../errors.js'
import { systemMessage } from './input.js'

/** What takes a stage's bytes. */
export interface Output {
  /** The name it was asked for by. */
  readonly path: string
  /** Bytes taken, before compression. */
  readonly bytes: number
  /** Takes bytes; resolves when more may come. @throws SteerpipeError WRITE_FAILED */
  write(bytes: Buffer): Promise<void>
  /** Makes the output whole: flushed to the disk, under its final name. @throws SteerpipeError WRITE_FAILED */
  commit(): Promise<void>
  /** Ends without making it whole. What was written stays beside the final name if `keep` is true. */
  abandon(keep: boolean): Promise<void>
}

/** What an output is called until it is whole. */
export const partialName = (path: string): string => `${path}.partial`

/** Opens an output: a file, gzipped if its name says so, or `-` for stdout. @throws SteerpipeError WRITE_FAILED */
export async function openOutput(path: string): Promise<Output> {
  if (path === '-') return new StdoutOutput()
  try {
    if (isSpecial(path)) return new FileOutput(path, await open(path, 'w'), true)
    await mkdir(dirname(path), { recursive: true })
    const handle = await open(partialName(path), 'w')
    return path.endsWith('.gz') ? new GzipOutput(path, handle) : new FileOutput(path, handle)
  } catch (error) {
    throw writeError(error, path)
  }
}

/** Whether a path is there and is no plain file: a device or a FIFO, which is written to as it goes. */
export function isSpecial(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === false
}

/** A file that is written beside its name and renamed when it is whole. */
class FileOutput implements Output {
  bytes = 0
  /** One write is under way while the next batch is made. */
  private writing: Promise<void> = Promise.resolve()
  private open = true

  constructor(
    readonly path: string,
    protected readonly handle: FileHandle,
    private readonly special = false,
  ) {}

  async write(bytes: Buffer): Promise<void> {
    this.bytes += bytes.length
    await this.writeFile(bytes)
  }

  protected async writeFile(bytes: Buffer): Promise<void> {
    await this.settled()
    this.writing = writeAll(this.handle, bytes)
    // The failure is told by whoever waits next; until then it is not an unhandled one.
    this.writing.catch(() => {})
  }

  protected async settled(): Promise<void> {
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
    await this.close()
    if (!this.special && (!keep || this.bytes === 0)) await rm(partialName(this.path), { force: true })
  }

  private async close(): Promise<void> {
    if (!this.open) return
    this.open = false
    await this.handle.close()
  }
}

/** As a file, through gzip. */
class GzipOutput extends FileOutput {
  private readonly gzip: Gzip = createGzip()
  private readonly pumping: Promise<void>

  constructor(path: string, handle: FileHandle) {
    super(path, handle)
    this.pumping = this.pump()
    this.pumping.catch(() => {}) // told by commit
  }

  private async pump(): Promise<void> {
    for await (const chunk of this.gzip) await this.writeFile(chunk as Buffer)
  }

  override async write(bytes: Buffer): Promise<void> {
    this.bytes += bytes.length
    if (!this.gzip.write(bytes)) await Promise.race([once(this.gzip, 'drain'), this.pumping])
  }

  override async commit(): Promise<void> {
    this.gzip.end()
    await this.pumping
    await super.commit()
  }

  override async abandon(keep: boolean): Promise<void> {
    // The member is ended, so that what is kept can be read.
    this.gzip.end()
    await this.pumping.catch(() => {})
    await super.abandon(keep)
  }
}

/** stdout: what was written there cannot be taken back. */
class StdoutOutput implements Output {
  readonly path = '-'
  bytes = 0
  private failure: Error | undefined

  constructor() {
    process.stdout.on('error', (error) => {
      this.failure = error
    })
  }

  async write(bytes: Buffer): Promise<void> {
    if (this.failure) throw writeError(this.failure, 'stdout')
    this.bytes += bytes.length
    await new Promise<void>((resolve, reject) => {
      process.stdout.write(bytes, (error) => (error ? reject(writeError(error, 'stdout')) : resolve()))
    })
  }

  async commit(): Promise<void> {}

  async abandon(): Promise<void> {}
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
    place: { input: path },
    cause: error,
  })
}
