import { quote, SteerpipeError } from '../../errors.js'

/** A file of a data set on the Hugging Face hub. */
export interface HubAddress {
  readonly kind: 'hub'
  /** `owner/name` of the data set. */
  readonly repo: string
  /** A branch, a tag or a commit; undefined for the hub's default, `main`. */
  readonly revision: string | undefined
  /** From the data set's root, with `/`; `` for the data set itself. */
  readonly path: string
}

/** A file on the web. */
export interface WebAddress {
  readonly kind: 'web'
  readonly url: URL
}

/** Where an input lies that is no file of this machine. */
export type Address = HubAddress | WebAddress

/** What the hub calls the revision that nobody has named. */
export const DEFAULT_REVISION = 'main'

/** What the hub calls a commit. */
const COMMIT = /^[0-9a-f]{40}$/

const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i

/** Revisions of the hub that have slashes in them, beside those in which they are spelled `%2F`. */
const REVISION = /^@(refs\/(?:convert|pr)\/[^/]+|[^/]+)/

/** What stands behind a data set in the address of one of its files' pages, or of the file. */
const PAGE = /^\/datasets\/([^/]+\/[^/]+)\/(?:resolve|blob|raw)\/(refs\/(?:convert|pr)\/[^/]+|[^/]+)\/(.+)$/

/** Whether a path is an address on a hub or on the web. */
export const isRemote = (path: string): boolean => SCHEME.test(path)

/** Whether a revision is a commit, which never moves. */
export const isCommit = (revision: string | undefined): boolean =>
  revision !== undefined && COMMIT.test(revision)

/**
 * Reads an address: `hf://datasets/OWNER/NAME[@REVISION]/PATH`, or one that begins with `https://` or `http://`.
 *
 * @param endpoint of the hub: addresses of its pages mean the files that they show
 * @throws SteerpipeError BAD_ADDRESS
 */
export function readAddress(text: string, endpoint: string): Address {
  if (/^hf:\/\//i.test(text)) return readHubAddress(text)
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) throw badAddress(text, 'is no address')
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw badAddress(text, `is an address of a kind that steerpipe does not open (${url.protocol}//)`)
  }
  // It would stand in places, reports and checkpoints.
  if (url.username !== '' || url.password !== '') {
    url.username = ''
    url.password = ''
    throw badAddress(url.href, 'was given with a name or a password in it, which would be shown in reports')
  }
  const page = url.origin === new URL(endpoint).origin ? PAGE.exec(decodeURI(url.pathname)) : null
  if (page === null) return { kind: 'web', url }
  const [, repo, revision, path] = page
  return { kind: 'hub', repo, revision: decodeURIComponent(revision), path }
}

function readHubAddress(text: string): HubAddress {
  const [, kind, owner, rest] = /^hf:\/\/([^/]*)\/?([^/]*)\/?(.*)$/i.exec(text) ?? []
  if (kind !== 'datasets') throw badAddress(text, 'does not begin with `hf://datasets/`')
  const at = rest.search(/[@/]/)
  const name = at < 0 ? rest : rest.slice(0, at)
  if (!isName(owner) || !isName(name)) throw badAddress(text, 'does not name a data set as OWNER/NAME')
  const behind = at < 0 ? '' : rest.slice(at)
  const [whole, spelled] = REVISION.exec(behind) ?? ['', undefined]
  if (behind.startsWith('@') && spelled === undefined)
    throw badAddress(text, 'has no revision behind the `@`')
  const path = behind.slice(whole.length).replace(/^\//, '')
  const parts = path === '' ? [] : path.split('/')
  // As the hub has none; a cache would put them elsewhere.
  if (parts.some((part) => ['', '.', '..'].includes(part))) {
    throw badAddress(text, 'has a folder in its path that cannot be one')
  }
  return { kind: 'hub', repo: `${owner}/${name}`, revision: spelled && decoded(spelled, text), path }
}

const isName = (name: string): boolean => /^[\w.-]+$/.test(name) && name !== '.' && name !== '..'

function decoded(spelled: string, text: string): string {
  try {
    return decodeURIComponent(spelled)
  } catch {
    throw badAddress(text, `has a revision that cannot be read, ${quote(spelled)}`)
  }
}

function badAddress(text: string, found: string): SteerpipeError {
  return new SteerpipeError('BAD_ADDRESS', {
    found: `${text} ${found}`,
    expected: '`hf://datasets/OWNER/NAME/FILE`, `hf://datasets/OWNER/NAME@REVISION/FILE` or `https://…`',
  })
}

/** An address without the revision that it may be bound to; any other path as it is. */
export function withoutRevision(path: string): string {
  const [, before, behind] = /^(hf:\/\/datasets\/[^/]+\/[^/@]+)(@.*)$/i.exec(path) ?? []
  return behind === undefined ? path : before + behind.replace(REVISION, '')
}

/** How an address on the hub is spelled. */
export function showHubAddress({ repo, revision, path }: Omit<HubAddress, 'kind'>): string {
  const at = revision === undefined ? '' : `@${encodeURIComponent(revision)}`
  return `hf://datasets/${repo}${at}${path === '' ? '' : `/${path}`}`
}
