/**
 * Who may have what.
 */
import { Refusal } from './refusal.js'
import type { Repo } from './repo.js'

/** Who asks, by the header `Authorization`. */
export type Asker = 'nobody' | 'member' | 'stranger'

/** The tokens that the hub knows. */
export interface Tokens {
  /** Opens all that is private or gated. */
  readonly token?: string | undefined
  /** Right too, but of somebody who has no access. */
  readonly stranger?: string | undefined
}

/** @throws Refusal when there is a token that the hub does not know */
export function askerOf(authorization: string | undefined, { token, stranger }: Tokens): Asker {
  if (authorization === undefined) return 'nobody'
  if (token !== undefined && authorization === `Bearer ${token}`) return 'member'
  if (stranger !== undefined && authorization === `Bearer ${stranger}`) return 'stranger'
  throw new Refusal(401, 'Invalid credentials in Authorization header')
}

/** The data set, if the asker may know of it. @throws Refusal */
export function seen(repo: Repo | undefined, asker: Asker): Repo {
  if (repo && (!repo.private || asker === 'member')) return repo
  // What does not exist looks like what is private.
  if (asker === 'nobody') throw new Refusal(401, 'Invalid username or password.', 'RepoNotFound')
  throw new Refusal(404, 'Repository not found', 'RepoNotFound')
}

/** Refuses the files of a gated set to those who have not accepted its terms. @throws Refusal */
export function mayRead({ name, gated }: Repo, asker: Asker, endpoint: string): void {
  if (!gated || asker === 'member') return
  const restricted = `Access to dataset ${name} is restricted`
  if (asker === 'nobody') {
    const message = `${restricted}. You must have access to it and be authenticated to access it. Please log in.`
    throw new Refusal(401, message, 'GatedRepo')
  }
  const page = `${endpoint}/datasets/${name}`
  const message = `${restricted} and you are not in the authorized list. Visit ${page} to ask for access.`
  throw new Refusal(403, message, 'GatedRepo')
}
