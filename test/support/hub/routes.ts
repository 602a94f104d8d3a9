/**
 * What a path of the hub asks for.
 */
import { Refusal } from './refusal.js'

/** What may be asked of a data set. */
export type What = 'info' | 'tree' | 'paths-info' | 'resolve' | 'cached'

/** A data set, a revision and something in it. */
export interface Route {
  readonly what: What
  /** `owner/name` */
  readonly repo: string
  readonly revision: string
  /** `''` for the whole. */
  readonly path: string
}

const NAME = '([^/]+/[^/]+)'
// Slashes in a revision are escaped: it is one segment.
const REVISION = '([^/]+)'

const ROUTES: readonly (readonly [What, RegExp])[] = [
  ['info', new RegExp(`^/api/datasets/${NAME}(?:/revision/${REVISION})?$`)],
  ['tree', new RegExp(`^/api/datasets/${NAME}/tree/${REVISION}(?:/(.+))?$`)],
  ['paths-info', new RegExp(`^/api/datasets/${NAME}/paths-info/${REVISION}$`)],
  ['resolve', new RegExp(`^/datasets/${NAME}/resolve/${REVISION}/(.+)$`)],
  ['cached', new RegExp(`^/api/resolve-cache/datasets/${NAME}/${REVISION}/(.+)$`)],
]

/** @throws Refusal when nothing is there */
export function routeOf(pathname: string): Route {
  for (const [what, pattern] of ROUTES) {
    const match = pattern.exec(pathname)
    if (!match) continue
    const [, repo, revision = 'main', path = ''] = match.map((part) => part && decodeURIComponent(part))
    return { what, repo, revision, path }
  }
  throw new Refusal(404, 'Sorry, we can’t find the page you are looking for.')
}
