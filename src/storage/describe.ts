import { type FileHandle, open, stat } from 'node:fs/promises'

/** What can be said of an input without reading it. */
export interface InputDescription {
  /** Bytes of the input as it lies there, compressed or not; undefined where that is not known. */
  readonly bytes: number | undefined
  /** Whether it is gzip; undefined where that is not known. */
  readonly isCompressed: boolean | undefined
}

const UNKNOWN: InputDescription = { bytes: undefined, isCompressed: undefined }

/** What gzip data begins with. */
const GZIP_MAGIC = Buffer.of(0x1f, 0x8b)

/**
 * Describes an input. What is no plain file (stdin, a FIFO, an address) is not opened for that: it can be read once
 * only, or far away.
 *
 * @param path a file, `-` for stdin, or an address
 */
export async function describe(path: string): Promise<InputDescription> {
  let file: FileHandle | undefined
  try {
    const found = path === '-' ? undefined : await stat(path)
    if (!found?.isFile()) return UNKNOWN
    file = await open(path)
    const { buffer } = await file.read(Buffer.alloc(GZIP_MAGIC.length), 0, GZIP_MAGIC.length, 0)
    return { bytes: found.size, isCompressed: buffer.equals(GZIP_MAGIC) }
  } catch {
    // What cannot be opened is told by whoever reads it.
    return UNKNOWN
  } finally {
    await file?.close()
  }
}
