import {
  type CircuitBreakerPolicy,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleWhen,
} from 'cockatiel'
import { EnvHttpProxyAgent, request } from 'undici'
import { Latencies } from './latencies.js'
import { Places } from './places.js'
import type { ServerRequest, ServerResponse } from './protocol.js'
import { RequestSize } from './request-size.js'

/** Requests that one endpoint has at a time, each on a connection of its own. Beyond that, requests get larger. */
const MOST_REQUESTS = 256

/** Failures in a row, of the kind that a server has when it is gone, after which an endpoint is left alone. */
const BREAKS_AFTER = 10

/** A request that got no whole answer. */
export class NoAnswer extends Error {
  constructor(
    /** What the transport said. */
    override readonly cause: unknown,
    /** It took longer than the time for requests. */
    readonly timedOut: boolean,
  ) {
    super('no answer')
  }
}

/** Proxies as the environment names them; empty for none. */
export interface Proxies {
  readonly httpProxy: string
  readonly httpsProxy: string
  readonly noProxy: string
}

/** How requests are sent. */
export interface EndpointSettings {
  /** Milliseconds after which a request is given up. */
  readonly timeout: number
  /** Most texts at a time. */
  readonly mostInFlight: number
  /** A key, sent with each request. */
  readonly apiKey: string | undefined
  readonly proxies: Proxies
}

/** One server, by its address: how to reach it, how it fares, and how much it is given. */
export class Endpoint {
  readonly places: Places
  readonly latencies = new Latencies()
  requests = 0
  texts = 0
  /** Whether it is ready, its contract was checked, and its breaker is closed. */
  up = false
  /** As the server has said. */
  mostTexts = Number.POSITIVE_INFINITY
  mostBytes = Number.POSITIVE_INFINITY
  /** Opens when the endpoint is gone, not when it sheds load. */
  readonly breaker: CircuitBreakerPolicy
  private size = new RequestSize(1, 1, () => performance.now())
  private readonly base: string
  private readonly agent: EnvHttpProxyAgent

  /** @param address an `http` or `https` address, with a path if the server lies below one */
  constructor(
    readonly address: string,
    private readonly settings: EndpointSettings,
  ) {
    this.base = address.replace(/\/+$/, '')
    this.places = new Places(settings.mostInFlight)
    this.agent = new EnvHttpProxyAgent({
      ...settings.proxies,
      connections: MOST_REQUESTS,
      // A request has one time for all of it, below.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: settings.timeout },
    })
    this.breaker = circuitBreaker(
      handleWhen((error) => error instanceof NoAnswer),
      {
        // Not for longer, so that one that is back is soon taken back.
        halfOpenAfter: new ExponentialBackoff({ initialDelay: 100, maxDelay: 1000 }),
        breaker: new ConsecutiveBreaker(BREAKS_AFTER),
      },
    )
  }

  /** Texts that it can be given now. */
  get room(): number {
    return this.up ? this.places.room : 0
  }

  /** It is ready. @param usual texts of a request; @param start texts at a time */
  begin(usual: number, start: number): void {
    this.size = new RequestSize(usual, this.mostTexts, () => performance.now())
    this.places.restart(start)
    this.up = true
  }

  /** Texts were answered. @param latency milliseconds that it took */
  answered(texts: number, latency: number): void {
    this.latencies.add(latency)
    this.places.answered(texts, latency)
    const { level } = this.places
    this.size.answered(texts, level.limit, level.isSettled)
  }

  /** How many texts a request should have. */
  get requestSize(): number {
    const { limit } = this.places.level
    // Powers of two fill a server's batches without a rest.
    const needed = 2 ** Math.ceil(Math.log2(Math.max(1, limit / MOST_REQUESTS)))
    return Math.min(Math.max(this.size.size, needed), this.mostTexts, limit)
  }

  /** Sends a request, and waits for the whole answer. @throws NoAnswer, or whatever the signal was aborted with */
  async ask({ method, path, headers, body }: ServerRequest, signal: AbortSignal): Promise<ServerResponse> {
    const { timeout, apiKey } = this.settings
    const controller = new AbortController()
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      controller.abort()
    }, timeout)
    const abort = () => controller.abort(signal.reason)
    signal.addEventListener('abort', abort)
    try {
      signal.throwIfAborted()
      const response = await request(this.base + path, {
        method,
        headers: { ...headers, ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }) },
        ...(body && { body }),
        dispatcher: this.agent,
        signal: controller.signal,
      })
      return this.checked({
        status: response.statusCode,
        headers: single(response.headers),
        body: Buffer.from(await response.body.arrayBuffer()),
      })
    } catch (error) {
      // Who gives a request up does not blame the server.
      if (signal.aborted) throw error
      throw new NoAnswer(error, timedOut || isConnectTimeout(error))
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
    }
  }

  /** A text without the key, which a server may have repeated in what it says. */
  redacted(text: string): string {
    const { apiKey } = this.settings
    return apiKey === undefined ? text : text.replaceAll(apiKey, '***')
  }

  /** An answer that may be shown: what is not scores has no key in it. */
  private checked(response: ServerResponse): ServerResponse {
    const { status, headers, body } = response
    if (status === 200 || this.settings.apiKey === undefined) return response
    const shown = Object.entries(headers).map(([name, value]) => [name, this.redacted(value)])
    return {
      status,
      headers: Object.fromEntries(shown),
      body: Buffer.from(this.redacted(body.toString('latin1')), 'latin1'),
    }
  }

  /** Gives the connections back, without waiting for what is under way. */
  async close(): Promise<void> {
    await this.agent.destroy()
  }
}

const isConnectTimeout = (error: unknown): boolean =>
  error instanceof Error && (error as NodeJS.ErrnoException).code === 'UND_ERR_CONNECT_TIMEOUT'

function single(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) found[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value
  }
  return found
}
