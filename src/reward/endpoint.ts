import {
  type CircuitBreakerPolicy,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleWhen,
} from 'cockatiel'
import { EnvHttpProxyAgent, request } from 'undici'
import { Latencies } from './latencies.js'
import { Level } from './level.js'
import type { ServerRequest, ServerResponse } from './protocol.js'

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

/** How requests are sent. */
export interface EndpointSettings {
  /** Milliseconds after which a request is given up. */
  readonly timeout: number
  /** Most texts at a time. */
  readonly mostInFlight: number
  /** A key, sent with each request. */
  readonly apiKey: string | undefined
}

/** One server, by its address: how to reach it, how it fares, and how much it is given. */
export class Endpoint {
  level: Level
  readonly latencies = new Latencies()
  /** Texts that are on their way. */
  inFlight = 0
  requests = 0
  texts = 0
  /** Whether it is ready, its contract was checked, and its breaker is closed. */
  up = false
  /** As the server has said. */
  mostTexts = Number.POSITIVE_INFINITY
  mostBytes = Number.POSITIVE_INFINITY
  /** Opens when the endpoint is gone, not when it sheds load. */
  readonly breaker: CircuitBreakerPolicy
  private readonly base: string
  private readonly agent: EnvHttpProxyAgent

  /** @param address an `http` or `https` address, with a path if the server lies below one */
  constructor(
    readonly address: string,
    private readonly settings: EndpointSettings,
  ) {
    this.base = address.replace(/\/+$/, '')
    this.level = new Level(settings.mostInFlight)
    const { timeout } = settings
    this.agent = new EnvHttpProxyAgent({
      connections: MOST_REQUESTS,
      headersTimeout: timeout,
      bodyTimeout: timeout,
      connect: { timeout },
    })
    this.breaker = circuitBreaker(
      handleWhen((error) => error instanceof NoAnswer),
      {
        halfOpenAfter: new ExponentialBackoff({ initialDelay: 200, maxDelay: 5000 }),
        breaker: new ConsecutiveBreaker(BREAKS_AFTER),
      },
    )
  }

  /** How many texts the next request should have, of those that there is room for. */
  requestSize(usual: number): number {
    // Powers of two fill a server's batches without a rest.
    const needed = 2 ** Math.ceil(Math.log2(Math.max(1, this.level.limit / MOST_REQUESTS)))
    return Math.min(Math.max(usual, needed), this.mostTexts)
  }

  /** Begins anew: what it could do before it was gone says nothing. */
  restart(): void {
    this.up = false
    this.level = new Level(this.settings.mostInFlight)
  }

  /** Sends a request, and waits for the whole answer. @throws NoAnswer, or whatever the signal was aborted with */
  async ask({ method, path, headers, body }: ServerRequest, signal?: AbortSignal): Promise<ServerResponse> {
    const { timeout, apiKey } = this.settings
    const timer = AbortSignal.timeout(timeout)
    try {
      const response = await request(this.base + path, {
        method,
        headers: { ...headers, ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }) },
        ...(body && { body }),
        dispatcher: this.agent,
        signal: signal ? AbortSignal.any([signal, timer]) : timer,
      })
      return {
        status: response.statusCode,
        headers: single(response.headers),
        body: Buffer.from(await response.body.arrayBuffer()),
      }
    } catch (error) {
      // Who gives a request up does not blame the server.
      if (signal?.aborted) throw error
      throw new NoAnswer(error, timer.aborted || isTimeout(error))
    }
  }

  /** Gives the connections back, without waiting for what is under way. */
  async close(): Promise<void> {
    await this.agent.destroy()
  }
}

const isTimeout = (error: unknown): boolean =>
  error instanceof Error &&
  /^UND_ERR_(HEADERS|BODY|CONNECT)_TIMEOUT$/.test((error as NodeJS.ErrnoException).code ?? '')

function single(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) found[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value
  }
  return found
}
