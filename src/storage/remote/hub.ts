import { createReadStream, existsSync } from 'node:fs'
import {
  datasetInfo,
  downloadFile,
  downloadFileToCacheDir,
  type FileDownloadInfoOutput,
  fileDownloadInfo,
  listFiles,
  pathsInfo,
} from '@huggingface/hub'
import { SteerpipeError } from '../../errors.js'
import { nearest } from '../../suggest.js'
import { DEFAULT_REVISION, type HubAddress, isCommit } from './address.js'
import { Connection } from './connection.js'
import type { Content } from './content-hash.js'
import { downloading } from './download.js'
import { HubCache } from './hub-cache.js'
import { hubError } from './hub-errors.js'
import type { HubSettings } from './hub-settings.js'

/** A file of a data set, at a commit. */
export interface HubFile {
  readonly repo: string
  readonly commit: string
  readonly path: string
}

/** How many of a data set's files are named where one is missing. */
const NAMED_FILES = 10

/** How many of them are looked at. */
const LISTED_FILES = 10_000

/** The Hugging Face hub: what it has, and what of it is in the cache. */
export class Hub {
  readonly cache: HubCache
  /** What is known of files: at a commit it never changes. */
  private readonly contents = new Map<string, Content>()
  /** Revisions that were asked for, by data set and commit: they are noted in the cache with the first file. */
  private readonly revisions = new Map<string, string>()

  constructor(private readonly settings: HubSettings) {
    this.cache = new HubCache(settings.cache)
  }

  /**
   * The commit that a revision is now.
   *
   * @param note told when the hub cannot be reached, and what the cache knows is used
   * @throws SteerpipeError NO_SUCH_INPUT, HUB_DENIED, HUB_OFFLINE, UNREACHABLE
   */
  async commitOf(address: HubAddress, note: (line: string) => void): Promise<string> {
    const { repo, revision = DEFAULT_REVISION } = address
    if (isCommit(revision)) return revision
    const known = this.cache.commitOf(repo, revision)
    if (this.settings.isOffline) {
      if (known !== undefined) return known
      throw this.notCached(`anything of ${repo} at \`${revision}\``)
    }
    let commit: string
    try {
      commit = await this.asking(repo, async (connection) => {
        const asked = { name: repo, revision, additionalFields: ['sha' as const] }
        return (await datasetInfo({ ...asked, ...this.access(connection) })).sha
      })
    } catch (error) {
      const isAway = error instanceof SteerpipeError && error.code === 'UNREACHABLE'
      if (!isAway || known === undefined) throw error
      note(`${error.found}; of ${repo} what the cache has is used, of the commit ${known}`)
      return known
    }
    this.revisions.set(`${repo} ${commit}`, revision)
    await this.cache.keepRevision(repo, revision, commit)
    return commit
  }

  /**
   * Makes sure that a file can be had, before anything is read.
   *
   * @throws SteerpipeError NO_SUCH_INPUT, HUB_DENIED, HUB_OFFLINE, UNREACHABLE
   */
  async check(file: HubFile): Promise<void> {
    if (this.cached(file) !== undefined) return
    const { digest } = await this.contentOf(file)
    // Another commit may have had the same bytes.
    if (existsSync(this.cache.blob(file.repo, digest))) await this.place(file)
  }

  /** Where a file is on this machine; undefined if it is not. */
  cached({ repo, commit, path }: HubFile): string | undefined {
    return this.cache.find(repo, commit, path)
  }

  /** Bytes of a file that is not in the cache. */
  async sizeOf(file: HubFile): Promise<number> {
    return (await this.contentOf(file)).bytes
  }

  /** A file's bytes, while they are downloaded into the cache. @throws SteerpipeError */
  async *download(file: HubFile): AsyncGenerator<Buffer> {
    await this.check(file)
    const cached = this.cached(file)
    if (cached !== undefined) {
      yield* createReadStream(cached)
      return
    }
    const { repo, commit, path } = file
    const content = await this.contentOf(file)
    const connection = new Connection()
    // Of the path the library makes a part of an address as it is.
    const inAddress = path.split('/').map(encodeURIComponent).join('/')
    const asked = { repo: { type: 'dataset', name: repo } as const, path: inAddress, revision: commit }
    const access = this.access(connection)
    let info: FileDownloadInfoOutput | null = null
    const from = async function* (start: number): AsyncGenerator<Uint8Array> {
      try {
        info ??= await fileDownloadInfo({ ...asked, ...access })
        const blob = info && (await downloadFile({ ...asked, ...access, xet: false, downloadInfo: info }))
        if (blob === null) throw new Error(`${path} is gone`)
        yield* blob.slice(start).stream()
      } catch (error) {
        // The library passes on no more than the text of what has failed.
        throw typeof error === 'string' ? connection.failure : error
      }
    }
    const onWhole = () => this.place(file)
    const task = { content, from, path: this.cache.blob(repo, content.digest), onWhole }
    try {
      yield* downloading(task, connection)
    } catch (error) {
      throw hubError(error, repo, this.settings)
    } finally {
      await connection.close()
    }
  }

  /** Puts a link to a file's bytes, which are in the cache, into the snapshot of its commit. */
  private async place({ repo, commit, path }: HubFile): Promise<void> {
    await this.asking(repo, async (connection) => {
      const asked = { repo: { type: 'dataset', name: repo } as const, path, revision: commit }
      const cacheDir = this.cache.folder
      await downloadFileToCacheDir({ ...asked, ...this.access(connection), cacheDir })
    })
    const revision = this.revisions.get(`${repo} ${commit}`)
    if (revision !== undefined) await this.cache.keepRevision(repo, revision, commit)
  }

  /** What the hub says of a file. */
  private async contentOf(file: HubFile): Promise<Content> {
    const { repo, commit, path } = file
    const name = `${repo} ${commit} ${path}`
    const known = this.contents.get(name)
    if (known) return known
    if (this.settings.isOffline) throw this.notCached(`${path} of ${repo} at the commit ${commit}`)
    const content = await this.asking(repo, async (connection) => {
      const asked = { repo: { type: 'dataset', name: repo } as const, revision: commit }
      const access = this.access(connection)
      const [found] = path === '' ? [] : await pathsInfo({ ...asked, ...access, paths: [path] })
      if (found?.type === 'file') return contentIn(found)
      const paths: string[] = []
      for await (const each of listFiles({ ...asked, ...access, recursive: true })) {
        if (each.type === 'file') paths.push(each.path)
        if (paths.length === LISTED_FILES) break
      }
      throw missing(file, paths)
    })
    this.contents.set(name, content)
    return content
  }

  /** What every request to the hub needs. */
  private access({ fetch }: Connection) {
    const { endpoint, token } = this.settings
    return { hubUrl: endpoint, fetch, ...(token !== undefined && { accessToken: token }) }
  }

  private async asking<T>(repo: string, ask: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = new Connection()
    try {
      return await ask(connection)
    } catch (error) {
      throw hubError(error, repo, this.settings)
    } finally {
      await connection.close()
    }
  }

  private notCached(what: string): SteerpipeError {
    return new SteerpipeError('HUB_OFFLINE', {
      found: `HF_HUB_OFFLINE is set, and the cache ${this.cache.folder} does not have ${what}`,
    })
  }
}

/** What the hub's library calls a file's content. */
interface FoundFile {
  readonly size: number
  readonly oid?: string
  readonly lfs?: { readonly oid: string; readonly size: number }
}

function contentIn({ size, oid, lfs }: FoundFile): Content {
  if (lfs) return { bytes: lfs.size, algorithm: 'sha256', digest: lfs.oid }
  if (oid !== undefined) return { bytes: size, algorithm: 'git', digest: oid }
  throw new Error('the hub gives no hash for a file')
}

/** The error for a file that a data set does not have. @param paths those that it has */
function missing({ repo, commit, path }: HubFile, paths: readonly string[]): SteerpipeError {
  const inFolder = paths.filter((each) => path === '' || each.startsWith(`${path}/`))
  const isFolder = path === '' || inFolder.length > 0
  const near = isFolder ? undefined : nearest(path, paths)
  const listed = (isFolder ? inFolder : paths).slice(0, NAMED_FILES).join(', ')
  const more = Math.max(0, (isFolder ? inFolder : paths).length - NAMED_FILES)
  const what = isFolder
    ? `${path === '' ? repo : `${path} of ${repo}`} is a ${path === '' ? 'data set' : 'folder'}, not a file`
    : `${repo} has no file ${path} at the commit ${commit}`
  return new SteerpipeError('NO_SUCH_INPUT', {
    found: what,
    expected:
      paths.length === 0
        ? 'a file, but it has none'
        : `one of ${listed}${more > 0 ? ` and ${more} more` : ''}`,
    fix: near === undefined ? 'Name one of its files.' : `Did you mean \`${near}\`?`,
  })
}
