/**
 * What the stand-ins for reward servers share: a server in this process that answers by a function, counts, and can
 * be made to fail.
 */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import { HEADS, scoresOf } from './scores.js'

/** A request that has arrived whole. */
export interface Received {
  readonly method: string
  /** Without a query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** How many came before it. */
  readonly number: number
}

/** What a stand-in answers. */
export interface Reply {
  readonly status: number
  /** Text as it is, bytes as they are, all else as JSON. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** How a stand-in is set up. */
export interface StandInOptions {
  /** Default: `reward_model`. */
  readonly model?: string
  /** The names of the scores. Default: the five of HelpSteer. */
  readonly heads?: readonly string[]
  /** The key that it wants. Default: none. */
  readonly key?: string
  /** Whether it is ready. Default: always. */
  readonly ready?: () => boolean
  /** Called first for every request; true if it has dealt with it, by answering, hanging up or letting it hang. */
  readonly fault?: (request: Received, response: ServerResponse) => boolean
}

/** What a stand-in has seen. */
export interface Seen {
  /** Requests of any kind. */
  requests: number
  /** The texts that were scored, in their order. */
  readonly texts: string[]
  /** The bodies of the requests in which they came. */
  readonly bodies: string[]
}

/** A stand-in that runs. */
export interface Running {
  readonly url: string
  readonly seen: Seen
  /** Ends it and whatever hangs on it. */
  stop(): Promise<void>
}

/** What an answering function has to work with. */
export interface Setting {
  readonly model: string
  readonly heads: readonly string[]
  readonly ready: boolean
  /** Whether the request has the key, if one is wanted. */
  readonly allowed: boolean
  /** Scores texts, and counts them. */
  score(texts: readonly string[]): number[][]
}

/** A kind of stand-in. */
export interface StandIn {
  start(options?: StandInOptions): Promise<Running>
}

/** Makes a kind of stand-in from the function that answers. */
export function standIn(answer: (request: Received, setting: Setting) => Reply): StandIn {
  return {
    start: async ({ model = 'reward_model', heads = HEADS, key, ready = () => true, fault } = {}) => {
      const seen: Seen = { requests: 0, texts: [], bodies: [] }
      const server = createServer(async (message, response) => {
        const { method = '', url = '', headers } = message
        const body = Buffer.concat(await message.toArray())
        const request = { method, path: url.split('?')[0], headers, body, number: seen.requests++ }
        if (fault?.(request, response)) return
        const reply = answer(request, {
          model,
          heads,
          ready: ready(),
          allowed: key === undefined || headers.authorization === `Bearer ${key}`,
          score: (texts) => {
            seen.texts.push(...texts)
            seen.bodies.push(body.toString('utf8'))
            return texts.map((text) => scoresOf(text, heads.length))
          },
        })
        send(response, reply)
      })
      await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
      const address = server.address()
      if (address === null || typeof address === 'string') throw new Error('the server has no port')
      return {
        url: `http://127.0.0.1:${address.port}`,
        seen,
        stop: async () => {
          const closed = new Promise((done) => server.close(done))
          server.closeAllConnections()
          await closed
        },
      }
    },
  }
}

function send(response: ServerResponse, { status, body = '', headers }: Reply): void {
  const plain = typeof body === 'string' || Buffer.isBuffer(body)
  const bytes = Buffer.from(plain ? body : JSON.stringify(body))
  const type = plain ? 'text/plain' : 'application/json'
  response.writeHead(status, { 'content-type': type, 'content-length': bytes.length, ...headers }).end(bytes)
}

/** Whether a request says that its body is JSON. */
export function saysJson({ headers }: Received): boolean {
  return headers['content-type']?.split(';')[0].trim().toLowerCase() === 'application/json'
}

/** The JSON of a body; undefined, which no JSON means, if it is not legal. */
export function jsonIn({ body }: Received): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    return undefined
  }
}

/** Whether a value is an object with fields. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether a value is a list of texts. */
export function areTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string')
}

/** How servers on FastAPI answer for a path or method that they do not have. */
export const NO_PATH: Reply = { status: 404, body: { detail: 'Not Found' } }
export const NO_METHOD: Reply = { status: 405, body: { detail: 'Method Not Allowed' } }
