/**
 * Data sets as a hub keeps them: commits that stay, names that move from one to the next.
 */
import { createHash } from 'node:crypto'

/** What a file of a repository is made of. */
export interface HubFile {
  readonly content: string | Uint8Array
  /** Kept apart from the repository, as big and compressed files are: the hub sends elsewhere for it. Default: no. */
  readonly lfs?: boolean
  /** Such a file whose parts can be asked for one by one besides. Default: no. */
  readonly xet?: boolean
}

/** Files by their paths; bytes alone make a regular file. */
export type HubFiles = Readonly<Record<string, HubFile | string | Uint8Array>>

/** A data set when it begins. */
export interface HubRepo {
  readonly files: HubFiles
  /** Whether terms must be accepted before a file can be had. Default: no. */
  readonly gated?: boolean
  /** Whether others are told that it does not exist. Default: no. */
  readonly private?: boolean
}

/** A file in a commit. */
export interface Stored {
  readonly content: Buffer
  /** What git calls it: the SHA-1 of its blob, or of its pointer's. */
  readonly oid: string
  /** The commit that brought these bytes. */
  readonly since: Commit
  readonly lfs?: { readonly oid: string; readonly size: number; readonly pointerSize: number }
  readonly xetHash?: string
}

/** A commit. */
export interface Commit {
  readonly id: string
  readonly title: string
  readonly date: string
}

/** A commit and what it holds. */
export interface Snapshot {
  readonly commit: Commit
  readonly files: ReadonlyMap<string, Stored>
}

/** What a folder is asked for. */
export type Entry =
  | { readonly type: 'file'; readonly path: string; readonly stored: Stored }
  | { readonly type: 'directory'; readonly path: string }

/** A data set. */
export class Repo {
  readonly gated: boolean
  readonly private: boolean
  private readonly snapshots = new Map<string, Snapshot>()
  private readonly refs = new Map<string, string>()

  constructor(
    readonly name: string,
    { files, gated = false, private: isPrivate = false }: HubRepo,
  ) {
    this.gated = gated
    this.private = isPrivate
    this.push(files)
  }

  /** The commit that `main` is at. */
  get head(): Snapshot {
    const head = this.at('main')
    if (!head) throw new Error('main is there from the start')
    return head
  }

  /** A commit, a branch or a tag. */
  at(revision: string): Snapshot | undefined {
    return this.snapshots.get(this.refs.get(revision === 'HEAD' ? 'main' : revision) ?? revision)
  }

  /** Makes a commit of `main`: files that are named are there anew, the others stay. */
  push(files: HubFiles): string {
    const before = this.refs.has('main') ? this.head.files : new Map<string, Stored>()
    const number = this.snapshots.size
    const named = Object.entries(files).map(([path, file]): [string, HubFile] => [path, asFile(file)])
    const commit: Commit = {
      id: digest(
        'sha1',
        Buffer.from(JSON.stringify([this.name, number, named.map(([path]) => path)])),
        ...named.map(([, { content }]) => Buffer.from(content)),
      ),
      title: `Commit ${number}`,
      date: new Date(Date.UTC(2024, 0, 1 + number)).toISOString(),
    }
    const after = new Map(before)
    for (const [path, file] of named) after.set(path, stored(file, commit))
    this.snapshots.set(commit.id, { commit, files: after })
    this.refs.set('main', commit.id)
    return commit.id
  }

  /** The bytes of a file that is kept apart, by their SHA-256. */
  blob(oid: string | undefined): Buffer | undefined {
    for (const { files } of this.snapshots.values()) {
      for (const { lfs, content } of files.values()) if (lfs && lfs.oid === oid) return content
    }
    return undefined
  }

  /** Names the commit that `main` is at, as a branch or a tag does. */
  pin(ref: string): void {
    this.refs.set(ref, this.head.commit.id)
  }
}

/** What is in a folder, in the order of its paths; undefined when there is no such folder. `''` is the whole. */
export function entriesOf({ files }: Snapshot, folder: string, recursive: boolean): Entry[] | undefined {
  const prefix = folder === '' ? '' : `${folder}/`
  const entries = new Map<string, Entry>()
  for (const [path, file] of files) {
    if (!path.startsWith(prefix)) continue
    const parts = path.slice(prefix.length).split('/')
    for (let depth = 1; depth < parts.length; depth++) {
      if (depth > 1 && !recursive) break
      const inner = prefix + parts.slice(0, depth).join('/')
      entries.set(inner, { type: 'directory', path: inner })
    }
    if (recursive || parts.length === 1) entries.set(path, { type: 'file', path, stored: file })
  }
  if (entries.size === 0) return undefined
  return [...entries.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** A digest in hexadecimal. */
export function digest(algorithm: 'sha1' | 'sha256' | 'md5', ...parts: readonly Buffer[]): string {
  const hash = createHash(algorithm)
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

const asFile = (file: HubFile | string | Uint8Array): HubFile =>
  typeof file === 'string' || file instanceof Uint8Array ? { content: file } : file

const gitBlob = (bytes: Buffer): string => digest('sha1', Buffer.from(`blob ${bytes.length}\0`), bytes)

function stored({ content, lfs = false, xet = false }: HubFile, since: Commit): Stored {
  const bytes = Buffer.from(content)
  if (!lfs && !xet) return { content: bytes, oid: gitBlob(bytes), since }
  const oid = digest('sha256', bytes)
  const pointer = Buffer.from(
    `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${bytes.length}\n`,
  )
  return {
    content: bytes,
    oid: gitBlob(pointer),
    since,
    lfs: { oid, size: bytes.length, pointerSize: pointer.length },
    // The real one is a tree of BLAKE3: any other digest that is as long does as well.
    ...(xet && { xetHash: digest('sha256', Buffer.from('xet'), bytes) }),
  }
}
