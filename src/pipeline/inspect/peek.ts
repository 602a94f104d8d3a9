import { SteerpipeError } from '../../errors.js'
import { readBytes } from '../../storage/input.js'

/** As much of an input as is looked at: some hundred records, and read in a moment. */
const MOST_BYTES = 4 * 1024 * 1024

/** The beginning of an input. */
export interface Peek {
  /** Decompressed. */
  readonly bytes: Buffer
  /** Whether it was gzip. */
  readonly isCompressed: boolean
  /** Whether this is all that there is. */
  readonly isWhole: boolean
  /** What kept the rest from being read; undefined if nothing did. */
  readonly error: SteerpipeError | undefined
}

/**
 * Reads the beginning of an input, and no more of it.
 *
 * @param path a file, `-` for stdin, or an address
 * @param most how many bytes at the most; default 4 MiB
 * @throws SteerpipeError where nothing can be read: NO_SUCH_INPUT, READ_FAILED, GZIP_DAMAGED and what addresses have
 */
export async function peek(path: string, most = MOST_BYTES): Promise<Peek> {
  const bytes = Buffer.allocUnsafeSlow(most)
  let length = 0
  let isCompressed = false
  const taken = (isWhole: boolean, error?: SteerpipeError): Peek => ({
    bytes: bytes.subarray(0, length),
    isCompressed,
    isWhole,
    error,
  })
  try {
    const told = (is: boolean) => {
      isCompressed = is
    }
    for await (const chunk of readBytes(path, told)) {
      const copied = chunk.copy(bytes, length)
      length += copied
      if (copied < chunk.length) return taken(false)
    }
  } catch (error) {
    if (!(error instanceof SteerpipeError) || length === 0) throw error
    return taken(false, error)
  }
  return taken(true)
}
