import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { SteerpipeError } from '../../errors.js'
import { type FileLock, lock } from '../lock.js'
import { writeError } from '../sink.js'
import { type Connection, MOST_CUTS, Refused, saidOf } from './connection.js'
import { type Content, contentHash } from './content-hash.js'
import { GrowingFile } from './growing-file.js'

/** What is downloaded, and where to. */
export interface DownloadTask {
  readonly content: Content
  /** The bytes from one on. */
  readonly from: (start: number) => AsyncIterable<Uint8Array>
  /** Where they stand in the end. */
  readonly path: string
  /** Called when they stand there, before the last of them count as read. */
  readonly onWhole: () => Promise<void>
}

/**
 * A file's bytes, while they are downloaded into a file that gets its name when they are whole and right. What an
 * earlier process has left of it is gone on with. (The download does not wait for the reader: a server would not wait
 * for long for one that asks another server about every record.)
 *
 * @throws SteerpipeError DOWNLOAD_DAMAGED, UNREACHABLE, WRITE_FAILED
 */
export async function* downloading(task: DownloadTask, connection: Connection): AsyncGenerator<Buffer> {
  const partial = await PartialFile.open(task.path).catch((error: unknown) => {
    throw writeError(error, task.path)
  })
  let isWhole = false
  try {
    const growing = new GrowingFile(partial.file, partial.bytes)
    const filled = fill(growing, partial, task, connection).then(
      () => {
        isWhole = true
        growing.finish({})
      },
      (error: unknown) => growing.finish({ failure: isOfDisk(error) ? writeError(error, task.path) : error }),
    )
    try {
      yield* growing.read()
    } finally {
      // Who reads no further needs no more of it.
      if (!isWhole) await connection.close()
      await filled
    }
  } finally {
    await partial.close()
  }
}

/** What there is of a file that is not whole. */
class PartialFile {
  private constructor(
    readonly path: string,
    readonly file: FileHandle,
    /** That stand there already. */
    readonly bytes: number,
    /** Undefined where another process goes on with what there was, so that this one has a file of its own. */
    private readonly held: FileLock | undefined,
  ) {}

  /** Whether it is to be kept: one that another process fills beside this one, that one keeps. */
  get isShared(): boolean {
    return this.held !== undefined
  }

  static async open(path: string): Promise<PartialFile> {
    await mkdir(dirname(path), { recursive: true })
    const common = `${path}.steerpipe.incomplete`
    const held = await lock(common).catch((error: unknown) => {
      if (error instanceof SteerpipeError && error.code === 'OUTPUT_LOCKED') return undefined
      throw error
    })
    const own = held ? common : `${path}.${randomBytes(6).toString('hex')}.incomplete`
    const file = await open(own, constants.O_RDWR | constants.O_CREAT)
    // Nobody is to find it, however this process ends.
    if (held === undefined) await rm(own)
    return new PartialFile(own, file, (await file.stat()).size, held)
  }

  /** Begins anew: what there was is wrong. */
  async remove(): Promise<void> {
    await rm(this.path, { force: true })
  }

  async close(): Promise<void> {
    await this.file.close()
    this.held?.release()
  }
}

/** Downloads what is missing, and gives the file its name if it is right. */
async function fill(
  growing: GrowingFile,
  partial: PartialFile,
  { content, from, path, onWhole }: DownloadTask,
  connection: Connection,
): Promise<void> {
  const hash = contentHash(content)
  for await (const chunk of started(partial)) hash.update(chunk)
  for (let cuts = 0; growing.size < content.bytes; ) {
    const before = growing.size
    let cause: unknown
    try {
      for await (const chunk of from(before)) {
        hash.update(chunk)
        await growing.append(chunk)
      }
    } catch (error) {
      // There is nothing where the rest of it should be.
      if (error instanceof Refused && error.status === 416) break
      if (error instanceof SteerpipeError || error instanceof Refused || isOfDisk(error)) throw error
      cause = error
    }
    if (growing.size >= content.bytes) break
    cuts = growing.size > before ? 1 : cuts + 1
    if (cuts > MOST_CUTS) {
      // The server takes what it has for all.
      if (cause === undefined) break
      throw brokenOff(growing.size, content.bytes, cause)
    }
    await connection.rest(cuts)
  }
  const found = hash.digest('hex')
  if (growing.size !== content.bytes || found !== content.digest) {
    await partial.remove()
    throw damaged(growing.size, found, content)
  }
  if (!partial.isShared) return
  await partial.file.datasync()
  await rename(partial.path, path)
  await onWhole()
}

/** What stood there before. */
async function* started({ file, bytes }: PartialFile): AsyncGenerator<Buffer> {
  const stream = bytes === 0 ? [] : file.createReadStream({ start: 0, end: bytes - 1, autoClose: false })
  yield* stream
}

const isOfDisk = (error: unknown): boolean =>
  error instanceof Error && 'syscall' in error && error.syscall === 'write'

function brokenOff(bytes: number, expected: number, cause: unknown): SteerpipeError {
  return new SteerpipeError('UNREACHABLE', {
    found: `the download breaks off again and again after ${bytes} of ${expected} bytes: ${saidOf(cause)}`,
    fix: 'Run again later: it goes on from there.',
    cause,
  })
}

function damaged(bytes: number, found: string, { bytes: expected, digest }: Content): SteerpipeError {
  return new SteerpipeError('DOWNLOAD_DAMAGED', {
    found: `what was downloaded has ${bytes} bytes and the hash ${found}`,
    expected: `${expected} bytes with the hash ${digest}, as the hub says`,
  })
}
