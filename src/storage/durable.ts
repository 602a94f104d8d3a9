import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Makes renames and new names in a folder durable. Not every system lets a folder be synced; then it is as durable as it gets. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path).catch(() => undefined)
  await folder?.sync().catch(() => {})
  await folder?.close()
}

/** Writes a file so that, whatever happens, either the old content is there or the new one. @throws what the system says */
export async function writeDurably(path: string, text: string): Promise<void> {
  const draft = `${path}.new`
  const file = await open(draft, 'w')
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
  await syncFolder(dirname(path))
}
