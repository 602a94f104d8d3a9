/**
 * The pages of the hub's API for data sets, as values.
 */
import { Refusal } from './refusal.js'
import { type Entry, entriesOf, type Repo, type Snapshot, type Stored } from './repo.js'

/** A page of a list, and where the next one begins. */
export interface Page {
  readonly entries: readonly unknown[]
  readonly next?: number
}

/** What is known of a data set. @param blobs whether the files' sizes and digests are wanted */
export function infoOf({ name, gated, private: isPrivate }: Repo, at: Snapshot, blobs: boolean): unknown {
  const siblings = [...at.files].map(([rfilename, { content, oid, lfs }]) => ({
    rfilename,
    ...(blobs && { size: content.length, blobId: oid }),
    ...(blobs && lfs && { lfs: { sha256: lfs.oid, size: lfs.size, pointerSize: lfs.pointerSize } }),
  }))
  return {
    _id: '621ffdd236468d709f181d58',
    id: name,
    author: name.split('/')[0],
    sha: at.commit.id,
    createdAt: '2024-01-01T00:00:00.000Z',
    lastModified: at.commit.date,
    private: isPrivate,
    gated: gated && 'auto',
    disabled: false,
    downloads: 0,
    likes: 0,
    tags: [],
    siblings,
  }
}

/** A page of what is in a folder. @throws Refusal when there is no such folder */
export function treePage(at: Snapshot, folder: string, query: URLSearchParams, size: number): Page {
  const entries = entriesOf(at, folder, isOn(query.get('recursive')))
  if (!entries) throw new Refusal(404, `${folder} does not exist on "${at.commit.id}"`, 'EntryNotFound')
  const from = Number(query.get('cursor') ?? 0)
  const to = from + Math.min(size, Number(query.get('limit') ?? size))
  const expand = isOn(query.get('expand'))
  const page = entries.slice(from, to).map((entry) => entryOf(entry, expand))
  return { entries: page, ...(to < entries.length && { next: to }) }
}

/** What is known of paths; what does not exist is left out. */
export function pathsInfo(at: Snapshot, paths: readonly string[], expand: boolean): unknown[] {
  const all = entriesOf(at, '', true) ?? []
  return all.filter(({ path }) => paths.includes(path)).map((entry) => entryOf(entry, expand))
}

export const isOn = (value: string | null): boolean => value === 'true' || value === 'True' || value === '1'

function entryOf(entry: Entry, expand: boolean): unknown {
  if (entry.type === 'directory') {
    return { type: 'directory', path: entry.path, oid: '0'.repeat(40), size: 0 }
  }
  const { content, oid, lfs, xetHash } = entry.stored
  return {
    type: 'file',
    path: entry.path,
    oid,
    size: content.length,
    ...(lfs && { lfs }),
    ...(xetHash !== undefined && { xetHash }),
    ...(expand && expanded(entry.stored)),
  }
}

const expanded = ({ since: { id, title, date } }: Stored) => ({
  lastCommit: { id, title, date },
  securityFileStatus: { status: 'safe' },
})
