import { setTimeout as pause } from 'node:timers/promises'
import { DelegateBackoff, ExponentialBackoff, handleType, noJitterGenerator, retry } from 'cockatiel'
import { EnvHttpProxyAgent, type Response as Fetched, fetch, Response as MadeResponse } from 'undici'
import { SteerpipeError } from '../../errors.js'
import { retryAfter } from './retry-after.js'

/** How often something is asked again that failed for a reason that may pass, and that found nobody there. */
const TRIES = { passing: 5, nobody: 2 }

/** Milliseconds: half a minute in all, if everything fails. */
const BACKOFF = new ExponentialBackoff({
  generator: noJitterGenerator,
  initialDelay: 250,
  maxDelay: 8000,
})

/** The longest time that a server may ask to wait, in milliseconds. */
const LONGEST_WAIT = 300_000

/** Milliseconds without a sign of life after which a server is given up. */
const SILENCE = 60_000

/** What says that there is nobody: it may be the network, and is seldom better in a moment. */
const NOBODY = ['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ENETUNREACH', 'EHOSTUNREACH']

/** What servers answer that will be right in a while. */
const PASSING = [408, 425, 429, 500, 502, 503, 504]

/** A failure that may pass. */
class Passing extends Error {
  constructor(
    readonly said: string,
    /** Milliseconds that the server asks to wait. */
    readonly wait: number | undefined,
    readonly isNobody: boolean,
    override readonly cause?: unknown,
  ) {
    super(said)
  }
}

/** A server's answer that it will not give what was asked for. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    /** What the hub calls it: `GatedRepo`, `RepoNotFound`, `RevisionNotFound`, `EntryNotFound`. */
    readonly reason: string | undefined,
    /** What it says to people. */
    readonly said: string | undefined,
  ) {
    super(`answered ${status}`)
  }
}

/** How often a try was made, as what decides about another one knows it. */
interface Tried {
  readonly attempt: number
  readonly result: unknown
}

/** Connections to servers, and the patience with them. */
export class Connection {
  private readonly agent: EnvHttpProxyAgent
  private readonly over = new AbortController()
  /** What was thrown last: the hub's library keeps nothing of it but its text. */
  failure: unknown

  constructor() {
    this.agent = new EnvHttpProxyAgent({ headersTimeout: SILENCE, bodyTimeout: SILENCE })
  }

  /**
   * `fetch` as the hub's library wants it, with patience. A token does not go on to another host that an answer leads
   * to: the specification of `fetch` has it so, and undici does it.
   *
   * @throws Refused; SteerpipeError UNREACHABLE
   */
  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const from = startOf(new Headers(init?.headers).get('range'))
    try {
      const answer = await this.ask(String(input instanceof Request ? input.url : input), init)
      // Who does not know of ranges gives all that there is.
      const whole = from > 0 && answer.status === 200
      const wanted = whole
        ? new MadeResponse(dropping(bodyOf(answer), from), { headers: answer.headers })
        : answer
      // It is undici's own class, which has all that the library looks at.
      return wanted as unknown as Response
    } catch (error) {
      this.failure = error
      throw error
    }
  }

  /**
   * Asks for something until it is there, or nothing speaks for another try.
   *
   * @throws Refused; SteerpipeError UNREACHABLE; what `signal` says
   */
  async ask(url: string, init: RequestInit | undefined): Promise<Fetched> {
    const policy = retry(handleType(Passing, isWorthwhile()), {
      maxAttempts: TRIES.passing,
      backoff: new DelegateBackoff(({ attempt, result }: Tried) => waitAfter(attempt, result)),
    })
    try {
      return await policy.execute(() => this.askOnce(url, init), this.over.signal)
    } catch (error) {
      throw error instanceof Passing ? unreachable(url, error) : error
    }
  }

  private async askOnce(url: string, init: RequestInit | undefined): Promise<Fetched> {
    const headers = new Headers(init?.headers)
    // Bytes are to come as they lie there: their places and their length are counted. (For a range undici says so itself.)
    if (!headers.has('range')) headers.set('accept-encoding', 'identity')
    let answer: Fetched
    try {
      answer = await fetch(url, {
        method: init?.method ?? 'GET',
        body: typeof init?.body === 'string' ? init.body : null,
        headers: Object.fromEntries(headers),
        dispatcher: this.agent,
        signal: this.over.signal,
      })
    } catch (error) {
      if (this.over.signal.aborted) throw error
      throw new Passing(saidOf(error), undefined, NOBODY.includes(codeOf(error) ?? ''), error)
    }
    if (answer.ok) return answer
    await answer.body?.cancel()
    const { status, headers: told } = answer
    if (PASSING.includes(status))
      throw new Passing(`it answers ${status}`, retryAfter(told.get('retry-after'), Date.now()), false)
    throw new Refused(status, told.get('x-error-code') ?? undefined, told.get('x-error-message') ?? undefined)
  }

  /** Waits before something is asked for again that broke off. @param failures in a row, from 1 */
  async rest(failures: number): Promise<void> {
    await pause(waitAfter(failures, undefined), undefined, { signal: this.over.signal })
  }

  /** Ends all that is under way. */
  async close(): Promise<void> {
    this.over.abort()
    await this.agent.destroy()
  }
}

/** How often something is begun again that breaks off without having come any further. */
export const MOST_CUTS = TRIES.passing

/** Whether a failure is worth another try; counts those that found nobody. */
function isWorthwhile(): (failure: Passing) => boolean {
  let nobody = 0
  return ({ isNobody, wait = 0 }) => wait <= LONGEST_WAIT && (!isNobody || ++nobody <= TRIES.nobody)
}

/** Milliseconds to wait after a try. @param attempt from 1 */
function waitAfter(attempt: number, result: unknown): number {
  const error = typeof result === 'object' && result !== null && 'error' in result ? result.error : undefined
  if (error instanceof Passing && error.wait !== undefined) return error.wait
  let backoff = BACKOFF.next()
  for (let tries = 1; tries < attempt; tries++) backoff = backoff.next(undefined)
  return backoff.duration
}

function unreachable(url: string, { said, wait = 0, cause }: Passing): SteerpipeError {
  const { origin } = new URL(url)
  const long = wait > LONGEST_WAIT ? `, and asks to wait for ${Math.ceil(wait / 1000)} seconds` : ''
  return new SteerpipeError('UNREACHABLE', { found: `${origin} cannot be reached: ${said}${long}`, cause })
}

/** What went wrong on the way, in a few words. */
export function saidOf(error: unknown): string {
  const [deepest] = causesOf(error).reverse()
  const code = codeOf(error)
  const text = deepest instanceof Error ? deepest.message : String(deepest)
  return code !== undefined && !text.includes(code) ? `${text} (${code})` : text
}

const codeOf = (error: unknown): string | undefined =>
  causesOf(error).flatMap((each) =>
    each instanceof Error && 'code' in each && typeof each.code === 'string' ? each.code : [],
  )[0]

/** An error, and what caused it. Of several addresses of one name the first is as good as another. */
function causesOf(error: unknown): unknown[] {
  if (!(error instanceof Error)) return [error]
  const cause = error instanceof AggregateError ? error.errors[0] : error.cause
  return cause === undefined ? [error] : [error, ...causesOf(cause)]
}

/** The first byte that a `Range` asks for. */
const startOf = (range: string | null): number => Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0)

/** What an answer holds. */
export async function* bodyOf({ body }: Pick<Fetched, 'body'>): AsyncGenerator<Uint8Array> {
  if (body !== null) yield* body
}

/** All but the first bytes. */
export async function* dropping(bytes: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array> {
  let left = count
  for await (const chunk of bytes) {
    if (left < chunk.length) yield chunk.subarray(left)
    left -= Math.min(left, chunk.length)
  }
}
