import { createHash, type Hash } from 'node:crypto'

/** What the hub says of a file's bytes, by which they can be told from others. */
export interface Content {
  readonly bytes: number
  /**
   * `sha256`: of the bytes, for large files. `git`: of a small file, as git makes it, with SHA-1 and the length before
   * the bytes.
   */
  readonly algorithm: 'sha256' | 'git'
  /** In hexadecimal digits. The cache calls the file so. */
  readonly digest: string
}

/** A hash that is to come to a content's digest. */
export function contentHash({ bytes, algorithm }: Content): Hash {
  return algorithm === 'sha256' ? createHash('sha256') : createHash('sha1').update(`blob ${bytes}\0`)
}
