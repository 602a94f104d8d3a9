import { statSync } from 'node:fs'
import { SteerpipeError } from '../../errors.js'
import { DEFAULT_REVISION, type HubAddress, readAddress, showHubAddress } from './address.js'
import { Hub, type HubFile } from './hub.js'
import { hubEndpoint, hubSettings } from './hub-settings.js'
import { askWeb, readWeb } from './web.js'

/** The commits that the revisions of data sets are taken to be: by `hf://datasets/OWNER/NAME@REVISION`. */
export type Revisions = Map<string, string>

/** The hub of this process's environment, which knows what it was asked already. */
let shared: { readonly said: string; readonly hub: Hub } | undefined

function hub(): Hub {
  const settings = hubSettings()
  const said = JSON.stringify(settings)
  if (shared?.said !== said) shared = { said, hub: new Hub(settings) }
  return shared.hub
}

/**
 * An address, bound to what it means now: on the hub, to the commit. Makes sure that there is something to be read.
 *
 * @param revisions known already; those that were asked for are added
 * @param note told what a person should know
 * @throws SteerpipeError BAD_ADDRESS, NO_SUCH_INPUT, HUB_DENIED, HUB_OFFLINE, UNREACHABLE, DOWNLOAD_REFUSED
 */
export async function locate(
  text: string,
  revisions: Revisions,
  note: (line: string) => void,
): Promise<string> {
  const address = readAddress(text, hubEndpoint())
  if (address.kind === 'web') {
    await askWeb(address.url)
    return address.url.href
  }
  const { repo, revision = DEFAULT_REVISION, path } = address
  const name = showHubAddress({ repo, revision, path: '' })
  const commit = revisions.get(name) ?? (await hub().commitOf(address, note))
  revisions.set(name, commit)
  await hub().check({ repo, commit, path })
  return showHubAddress({ repo, revision: commit, path })
}

/**
 * The bytes of a file on the hub or on the web, as they lie there.
 *
 * @param text an address
 * @throws SteerpipeError as {@link locate}; DOWNLOAD_DAMAGED
 */
export async function* readRemote(text: string): AsyncGenerator<Buffer> {
  try {
    const address = readAddress(text, hubEndpoint())
    if (address.kind === 'web') yield* readWeb(address.url)
    else yield* hub().download(await bound(address))
  } catch (error) {
    throw error instanceof SteerpipeError ? error.at({ input: text }, 'parse') : error
  }
}

/** Where a file on the hub is on this machine, if it is. @throws SteerpipeError as {@link locate} */
export async function cachedFile(text: string): Promise<string | undefined> {
  const address = readAddress(text, hubEndpoint())
  return address.kind === 'hub' ? hub().cached(await bound(address)) : undefined
}

/** What is known of a file before it is read. */
export interface RemoteFile {
  /** As they lie there; undefined where the server does not say. */
  readonly bytes: number | undefined
  /**
   * How a download that has broken off is gone on with. `cache`: what came is kept, for other runs too; `range`: from
   * where it was; `again`: from the beginning, once it is seen that what had come is the same still.
   */
  readonly resumes: 'cache' | 'range' | 'again'
  /** It is on this machine already. */
  readonly isCached: boolean
}

/** What is known of a file. @throws SteerpipeError as {@link locate} */
export async function describeRemote(text: string): Promise<RemoteFile> {
  const address = readAddress(text, hubEndpoint())
  if (address.kind === 'web') {
    const { bytes, tag, hasRanges } = await askWeb(address.url)
    return { bytes, resumes: hasRanges && tag !== undefined ? 'range' : 'again', isCached: false }
  }
  const file = await bound(address)
  const path = hub().cached(file)
  const bytes = path === undefined ? await hub().sizeOf(file) : statSync(path).size
  return { bytes, resumes: 'cache', isCached: path !== undefined }
}

/** A file at a commit: of an address that is not bound to one, at the one that is meant now. */
async function bound(address: HubAddress): Promise<HubFile> {
  const { repo, path } = address
  return { repo, commit: await hub().commitOf(address, () => {}), path }
}
