/**
 * Ways in which an answer goes wrong, for requests that are chosen by their path.
 */
import type { ServerResponse } from 'node:http'

/** Where a request comes in. */
export type Host = 'hub' | 'cdn'

/** Instead of an answer. Such a fault strikes any request. */
export type EarlyFault =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** It never comes. */
  | 'no-answer'
  /** The connection is reset at once. */
  | 'reset'

/**
 * In the answer to a GET that gives the bytes of a file:
 *
 * - `{ cut }`: the connection ends after so many bytes of a longer body
 * - `{ short }`: the body and its `Content-Length` are so many bytes, if they should be more
 * - `{ hold }`: after so many bytes of a longer body nothing comes until `release` or `break`
 * - `{ flip }`: the file's byte of that number is another, if it is in the body
 * - `{ instead }`: the file is these bytes, under the same names
 * - `{ etag }`: the answer says another ETag, or none (null)
 * - `no-ranges`: the answer is all of it, whatever range was asked for
 */
export type BodyFault =
  | { readonly cut: number }
  | { readonly short: number }
  | { readonly hold: number }
  | { readonly flip: number }
  | { readonly instead: string | Uint8Array }
  | { readonly etag: string | null }
  | 'no-ranges'

/** What goes wrong, with which requests. */
export interface FaultRule {
  /** Default: either. */
  readonly on?: Host
  /** What the path, with what is asked for behind `?`, must match. */
  readonly path: RegExp
  /** Default: any. */
  readonly method?: string
  readonly kind: EarlyFault | BodyFault
  /** How many requests it strikes. Default: 1. */
  readonly times?: number
}

/** Where a fault is looked up. */
export interface Asked {
  readonly host: Host
  readonly method: string
  readonly path: string
}

/** A fault that has been ordered. */
export class Fault {
  /** How many requests it has struck. */
  hits = 0
  private readonly waiting: (() => void)[] = []
  private readonly held: ((whole: boolean) => void)[] = []
  private hasLanded = false
  private outcome: boolean | undefined

  constructor(readonly rule: FaultRule) {}

  /** Resolves when it has struck for the first time, and what it lets through is on its way. */
  struck(): Promise<void> {
    if (this.hasLanded) return Promise.resolve()
    return new Promise((resolve) => this.waiting.push(resolve))
  }

  /** Lets go on what it holds, and what it will hold. */
  release(): void {
    this.decide(true)
  }

  /** Ends the connections of what it holds, and of what it will hold. */
  break(): void {
    this.decide(false)
  }

  /** Does something when it is decided what becomes of what it holds: whether the rest follows. */
  whenDecided(go: (whole: boolean) => void): void {
    if (this.outcome === undefined) this.held.push(go)
    else go(this.outcome)
  }

  private decide(whole: boolean): void {
    this.outcome = whole
    for (const go of this.held.splice(0)) go(whole)
  }

  /** Whether it may strike a request. */
  isFor({ host, method, path }: Asked): boolean {
    const { on = host, method: wanted = method, times = 1 } = this.rule
    return this.hits < times && on === host && wanted === method && this.rule.path.test(path)
  }

  /** It strikes a request. @returns what to call when as much as it lets through has been sent */
  strike(): () => void {
    this.hits++
    return () => {
      this.hasLanded = true
      for (const resolve of this.waiting.splice(0)) resolve()
    }
  }
}

export const isEarly = (kind: EarlyFault | BodyFault): kind is EarlyFault =>
  kind === 'no-answer' || kind === 'reset' || (typeof kind === 'object' && 'status' in kind)

/** Deals with a request instead of answering it. */
export function failEarly(kind: EarlyFault, response: ServerResponse): void {
  if (kind === 'no-answer') return
  if (kind === 'reset') {
    response.socket?.resetAndDestroy()
    return
  }
  const { status, headers } = kind
  response.writeHead(status, { 'content-type': 'text/plain', ...headers }).end(`fault ${status}`)
}
