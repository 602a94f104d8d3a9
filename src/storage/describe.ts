import { stat } from 'node:fs/promises'
import { isRemote } from './remote/address.js'
import type { RemoteFile } from './remote/index.js'

/** What can be said of an input without reading it. */
export interface InputDescription {
  /** What it is to be read as: of an address on the hub, bound to a commit. */
  readonly path: string
  /** Bytes of the input as it lies there, compressed or not; undefined where that is not known. */
  readonly bytes: number | undefined
  /** Undefined for what is on this machine. */
  readonly remote: RemoteFile | undefined
}

/**
 * Describes an input. What is no plain file (stdin, a FIFO) is not opened for that: it can be read once only.
 *
 * @param path a file, `-` for stdin, or an address
 * @throws SteerpipeError for an address that cannot be opened
 */
export async function describe(path: string): Promise<InputDescription> {
  if (isRemote(path)) {
    const { describeRemote, locate } = await import('./remote/index.js')
    const bound = await locate(path, new Map(), () => {})
    const remote = await describeRemote(bound)
    return { path: bound, bytes: remote.bytes, remote }
  }
  // What cannot be opened is told by whoever reads it.
  const found = path === '-' ? undefined : await stat(path).catch(() => undefined)
  return { path, bytes: found?.isFile() ? found.size : undefined, remote: undefined }
}
