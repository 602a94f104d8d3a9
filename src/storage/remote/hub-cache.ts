import { existsSync, readFileSync, statSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { getRepoFolderName } from '@huggingface/hub'

/**
 * The cache that is shared with the Python tools, in their layout: `blobs` by digest, `snapshots` of commits with links
 * to these, `refs` that say which commit a revision was. (The library puts files there; it has nothing for `refs`.)
 */
export class HubCache {
  constructor(readonly folder: string) {}

  /** Where a data set has its files. */
  private home(repo: string): string {
    return join(this.folder, getRepoFolderName({ type: 'dataset', name: repo }))
  }

  /** Where a file's bytes are. */
  blob(repo: string, digest: string): string {
    return join(this.home(repo), 'blobs', digest)
  }

  /** A file that is there; undefined if it is not. */
  find(repo: string, commit: string, path: string): string | undefined {
    const file = join(this.home(repo), 'snapshots', commit, ...path.split('/'))
    return existsSync(file) && statSync(file).isFile() ? file : undefined
  }

  /** The commit that a revision was when it was last asked for; undefined if it never was. */
  commitOf(repo: string, revision: string): string | undefined {
    const file = join(this.home(repo), 'refs', ...revision.split('/'))
    return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined
  }

  /** Notes which commit a revision is. Of one that has no file here the Python tools would say that something is lost. */
  async keepRevision(repo: string, revision: string, commit: string): Promise<void> {
    const isKnown = this.commitOf(repo, revision) === commit
    if (isKnown || !existsSync(join(this.home(repo), 'snapshots', commit))) return
    const file = join(this.home(repo), 'refs', ...revision.split('/'))
    await mkdir(dirname(file), { recursive: true })
    const written = `${file}.${process.pid}`
    await writeFile(written, commit)
    await rename(written, file)
  }
}
