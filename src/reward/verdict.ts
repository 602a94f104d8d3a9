import { SteerpipeError } from '../errors.js'
import { retryAfter } from '../storage/remote/retry-after.js'
import type { Scores, ServerResponse } from './protocol.js'

/** What becomes of the texts of a request that was not answered with scores. */
export interface Verdict {
  /**
   * `again`: another try may succeed. `blame`: each text is tried alone, some times, and then it is the record's
   * fault. `stop`: no other request would fare better.
   */
  readonly kind: 'again' | 'blame' | 'stop'
  /** What retries are counted under, and messages say. */
  readonly cause: string
  /** The server has too much to do. */
  readonly shed: boolean
  /** The endpoint seems to be gone. */
  readonly down: boolean
  /** A second try of the same text alone would be answered alike: it is too large, or not what the server takes. */
  readonly final?: boolean
  /** Milliseconds that the server asks to wait. */
  readonly wait?: number | undefined
}

const SHED = new Set([408, 429, 503, 504])
const AGAIN = new Set([408, 425, 429, 502, 503, 504])
const FINAL = new Set([413, 414, 422])
/** The key is missing or wrong, the proxy wants one, or what is asked for will not come back. */
const STOP = new Set([401, 402, 403, 407, 410])

/** The verdict on a status other than 200. */
export function statusVerdict(response: ServerResponse, now = Date.now()): Verdict {
  const { status, headers } = response
  const cause = `HTTP ${status}`
  const stop = STOP.has(status) || (status >= 300 && status < 400)
  if (stop) return { kind: 'stop', cause, shed: false, down: false }
  const wait = retryAfter(headers['retry-after'], now)
  if (AGAIN.has(status) || status < 400)
    return { kind: 'again', cause, shed: SHED.has(status), down: false, wait }
  return { kind: 'blame', cause, shed: false, down: false, final: FINAL.has(status), wait }
}

/** What an answer with an error says, on one line; servers put it under `error`, `detail` or `message`. */
export function saidIn({ body }: Pick<ServerResponse, 'body'>): string {
  const text = body.toString('utf8').slice(0, 2000)
  const said = found(text) ?? text
  const line = said.replace(/\s+/g, ' ').trim()
  return line.length > 200 ? `${line.slice(0, 199)}…` : line
}

function found(text: string): string | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  // Some have an object there, with a `message` in it.
  for (const key of ['error', 'detail', 'message']) {
    if (typeof value !== 'object' || value === null) break
    value = new Map(Object.entries(value)).get(key) ?? value
  }
  return typeof value === 'string' ? value : undefined
}

/** The verdict on a request that got no whole answer. */
export function failureVerdict(error: unknown, timedOut: boolean): Verdict {
  if (timedOut) return { kind: 'again', cause: 'timeout', shed: true, down: true }
  return { kind: 'again', cause: failureName(error), shed: false, down: true }
}

/** The code of what went wrong, such as `ECONNREFUSED`. */
export function failureName(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // Node gathers what went wrong with each address of a name.
  const [first] = error instanceof AggregateError ? error.errors : [error]
  const { code, message } = first as NodeJS.ErrnoException
  if (code === 'UND_ERR_SOCKET') return 'connection closed'
  return code ?? message.split('\n')[0]
}

/** The error for a server that does not let itself be used. */
export function denied(address: string, response: ServerResponse): SteerpipeError {
  const { status, headers } = response
  const said = saidIn(response)
  const moved = status >= 300 && status < 400 ? ` to ${headers.location ?? 'nowhere'}` : ''
  return new SteerpipeError('SERVER_DENIED', {
    found: `the server ${address} answered ${status}${moved}${said ? `: ${said}` : ''}`,
    fix: moved ? 'Use the address that it leads to.' : undefined,
  })
}

/** What is wrong with scores, if anything is: a cause to count it under, and a sentence. */
export function faultIn(
  { values, names }: Scores,
  heads: readonly string[],
): { readonly cause: string; readonly found: string } | undefined {
  if (names === undefined && values.length !== heads.length) {
    const found = `the server gave ${values.length} scores instead of ${heads.length}`
    return { cause: 'wrong width', found }
  }
  for (const [place, name] of heads.entries()) {
    const at = names === undefined ? place : names.indexOf(name)
    if (at < 0) return { cause: 'wrong names', found: `the server gave no score of \`${name}\`` }
    if (!Number.isFinite(values[at])) {
      return { cause: 'not finite', found: `the server gave ${values[at]} as the score of \`${name}\`` }
    }
  }
  return undefined
}
