import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Makes renames and new names in a folder durable. Not every system lets a folder be synced; then it is as durable as it gets. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path).catch(() => undefined)
  await folder?.sync().catch(() => {})
  await folder?.close()
}

/** What a file is called while it is written. */
const draftName = (path: string): string => `${path}.new`

/** Writes a file so that, whatever happens, either the old content is there or the new one. @throws what the system says */
export async function writeDurably(path: string, text: string): Promise<void> {
  const draft = draftName(path)
  try {
    const file = await open(draft, 'w')
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true }).catch(() => {}) // the disk has failed already
    throw error
  }
  await syncFolder(dirname(path))
}

/** Removes a file that was written so, and what a process has left that was killed while it wrote it. */
export async function removeDurably(path: string): Promise<void> {
  await rm(path, { force: true })
  await rm(draftName(path), { force: true })
}
