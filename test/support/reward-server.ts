/**
 * A stand-in for a SteerLM reward server: Triton's HTTP in this process, as strict as the real one, at a pace that can
 * be chosen, and with whatever can go wrong on demand.
 */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Certificate } from './certificate.js'
import { answerOf } from './reward-server/answer.js'
import { Batches } from './reward-server/batches.js'
import {
  bend,
  deliver,
  type Fault,
  type FaultCase,
  failEarly,
  isEarly,
  send,
} from './reward-server/faults.js'
import { type Asked, readInfer } from './reward-server/infer.js'
import { Refusal } from './reward-server/refusal.js'
import { type ModelRoute, type Route, routeOf, SERVER_METADATA } from './reward-server/routes.js'
import { scoresOf } from './stand-ins/scores.js'

export type { Fault, FaultCase } from './reward-server/faults.js'

/** What the server is like. */
export interface RewardServerOptions {
  /** Default: `reward_model`. */
  readonly model?: string
  /** Scores of a text. Default: 9. */
  readonly heads?: number
  /** What a text scores. Default: a fixed function of its bytes, the same as the real Triton's in these tests. */
  readonly scores?: (text: Buffer, heads: number) => readonly number[]
  /** Texts that the model takes at once. Default: 16. */
  readonly batch?: number
  /** Milliseconds that a batch takes. Default: 0. */
  readonly latency?: number
  /** Milliseconds that each text of a batch adds. Default: 0. */
  readonly perItem?: number
  /** Texts that a request may have. Default: 9999999, as SteerLM's server has it. */
  readonly maxBatch?: number
  /** Whether it has the output `exceeded` too, as old servers do. Default: no. */
  readonly exceeded?: boolean
  /** Whether it is ready from the start. Default: yes. */
  readonly ready?: boolean
  /** The path below which it lies, such as `/team/reward`. Default: none. */
  readonly basePath?: string
  /** The bearer key that each request must have. Default: none. */
  readonly key?: string
  /** Speaks TLS with this. Default: plain HTTP. */
  readonly certificate?: Certificate
  /** What goes wrong with which request for scores. Default: nothing. */
  readonly fault?: FaultHook
}

/** Says what goes wrong with a request; undefined: nothing. */
export type FaultHook = (request: FaultCase) => Fault | undefined

/** What the server has seen since it was made, or since `reset`. */
export class RewardServerStats {
  /** Well-formed requests for scores, failed ones among them. */
  requests = 0
  /** Those under way. */
  inFlight = 0
  mostInFlight = 0
  /** The texts that were given to the model, in their order. */
  readonly texts: string[] = []
  /** Batches that the model has worked off. */
  batches = 0
  connections = 0

  /** How many different texts were given to the model. */
  get distinct(): number {
    return new Set(this.texts).size
  }
}

/** Starts a server on a free port of 127.0.0.1. */
export async function startRewardServer(options: RewardServerOptions = {}): Promise<RewardServer> {
  const server = new RewardServer(options)
  await server.start()
  return server
}

/** A server that runs; `startRewardServer` makes one. */
export class RewardServer {
  stats = new RewardServerStats()
  /** May be changed at any time. */
  fault: FaultHook
  private batches: Batches
  private isReady: boolean
  private port = 0
  private server: Server | undefined
  private readonly sockets = new Set<Socket>()
  private waiting: { readonly count: number; readonly resolve: () => void }[] = []
  private readonly model: string
  private readonly heads: number
  private readonly outputs: readonly string[]
  private readonly maxBatch: number

  constructor(private readonly options: RewardServerOptions) {
    this.model = options.model ?? 'reward_model'
    this.heads = options.heads ?? 9
    this.outputs = options.exceeded ? ['rewards', 'exceeded'] : ['rewards']
    this.maxBatch = options.maxBatch ?? 9999999
    this.isReady = options.ready ?? true
    this.fault = options.fault ?? (() => undefined)
    this.batches = this.newBatches()
  }

  /** Such as `http://127.0.0.1:40123`, with the base path. */
  get url(): string {
    const { certificate, basePath = '' } = this.options
    return `${certificate ? 'https' : 'http'}://127.0.0.1:${this.port}${basePath}`
  }

  /** Makes it ready, or as Triton is while it loads a model: it answers, and does not have the model. */
  setReady(ready: boolean): void {
    this.isReady = ready
  }

  /** Takes requests, but scores none until `resume`. */
  pause(): void {
    this.batches.pause()
  }

  resume(): void {
    this.batches.resume()
  }

  /** Resolves when so many well-formed requests for scores have come, since it was made or since `reset`. */
  arrived(count: number): Promise<void> {
    if (this.stats.requests >= count) return Promise.resolve()
    return new Promise((resolve) => {
      this.waiting.push({ count, resolve })
    })
  }

  /** Counts anew. */
  reset(): void {
    const { inFlight } = this.stats
    this.stats = new RewardServerStats()
    this.stats.inFlight = this.stats.mostInFlight = inFlight
  }

  /** Listens; after `stop`, on the same port as before. */
  async start(): Promise<void> {
    const { certificate } = this.options
    const listener: RequestListener = (request, response) => void this.receive(request, response)
    const server = certificate ? createTlsServer({ ...certificate }, listener) : createServer(listener)
    server.keepAliveTimeout = 0 // Triton keeps connections
    server.on('connection', (socket: Socket) => {
      this.stats.connections++
      this.sockets.add(socket)
      socket.on('close', () => this.sockets.delete(socket))
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(this.port, '127.0.0.1', resolve)
    })
    this.port = (server.address() as AddressInfo).port // it is one, since it listens on TCP
    this.server = server
  }

  /** Dies: nobody listens any more, connections are closed, and what was under way is forgotten. */
  async stop(): Promise<void> {
    const { server } = this
    if (!server) return
    this.server = undefined
    this.batches = this.newBatches()
    const closed = new Promise((resolve) => server.close(resolve))
    for (const socket of this.sockets) socket.destroy()
    await closed
  }

  /** Ends it. */
  close(): Promise<void> {
    return this.stop()
  }

  private newBatches(): Batches {
    const { batch = 16, latency = 0, perItem = 0 } = this.options
    return new Batches({ batch, latency, perItem }, (count) => {
      this.stats.batches += count
    })
  }

  private async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    try {
      for await (const chunk of request) chunks.push(chunk)
    } catch {
      return // the client is gone
    }
    try {
      this.respond(request, Buffer.concat(chunks), response)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      sendJson(response, error.status, { error: error.message })
    }
  }

  private respond(request: IncomingMessage, body: Buffer, response: ServerResponse): void {
    const { basePath = '', key } = this.options
    const { method, url = '', headers } = request
    if (key !== undefined && headers.authorization !== `Bearer ${key}`) {
      throw new Refusal(401, 'Unauthorized')
    }
    const route = url.startsWith(`${basePath}/`) ? routeOf(url.slice(basePath.length)) : undefined
    if (!route) throw new Refusal(404, 'Not Found')
    if (method !== (route.what === 'infer' ? 'POST' : 'GET')) throw new Refusal(405, 'Method Not Allowed')
    if (route.what === 'infer') {
      this.requireModel(route)
      this.infer(request, body, response)
    } else {
      const { status, value } = this.page(route)
      sendJson(response, status, value)
    }
  }

  /** The answer to a GET. @throws Refusal */
  private page(route: Route): { status: number; value?: unknown } {
    switch (route.what) {
      case 'server':
        return { status: 200, value: SERVER_METADATA }
      case 'server-ready':
        return { status: this.isReady ? 200 : 400 }
      case 'ready':
        if (!this.isReady || route.model !== this.model || route.version !== '1') {
          throw new Refusal(400, 'Model version not ready')
        }
        return { status: 200 }
      case 'metadata':
        this.requireModel(route)
        return { status: 200, value: this.metadata() }
      case 'config':
        this.requireModel(route)
        return { status: 200, value: this.config() }
      default:
        return { status: 200 }
    }
  }

  private requireModel({ model, version }: ModelRoute): void {
    if (model !== this.model) throw new Refusal(404, `Request for unknown model: '${model}' is not found`)
    if (!this.isReady) {
      throw new Refusal(404, `Request for unknown model: '${model}' has no available versions`)
    }
    if (version !== '1') {
      throw new Refusal(404, `Request for unknown model: '${model}' version ${version} is not found`)
    }
  }

  private infer({ headers }: IncomingMessage, body: Buffer, response: ServerResponse): void {
    const { model, outputs, maxBatch } = this
    const length = headers['inference-header-content-length']
    const asked = readInfer(body, typeof length === 'string' ? length : undefined, {
      model,
      outputs,
      maxBatch,
    })
    const { stats } = this
    const texts = asked.texts.map((text) => text.toString('utf8'))
    const fault = this.fault({ index: stats.requests, texts, headers })
    stats.requests++
    stats.inFlight++
    stats.mostInFlight = Math.max(stats.mostInFlight, stats.inFlight)
    response.once('close', () => this.stats.inFlight--)
    this.waiting = this.waiting.filter(({ count, resolve }) => {
      if (count <= stats.requests) resolve()
      return count > stats.requests
    })
    if (isEarly(fault)) {
      failEarly(fault, response)
      return
    }
    stats.texts.push(...texts)
    const { batches } = this
    const job = { size: texts.length, done: () => this.answer(asked, fault, response) }
    batches.add(job)
    response.once('close', () => batches.cancel(job))
  }

  private answer(asked: Asked, fault: Fault | undefined, response: ServerResponse): void {
    if (response.destroyed) return
    const heads = typeof fault === 'object' && 'heads' in fault ? fault.heads : this.heads
    const score = this.options.scores ?? scoresOf
    const rows = bend(
      fault,
      asked.texts.map((text) => score(text, heads)),
    )
    deliver(fault, response, answerOf(asked, this.model, rows))
  }

  private metadata(): unknown {
    return {
      name: this.model,
      versions: ['1'],
      platform: 'python',
      inputs: [{ name: 'sentences', datatype: 'BYTES', shape: [-1, -1] }],
      // The shape is what SteerLM's server declares, whatever the number of scores.
      outputs: this.outputs.map((name) => ({
        name,
        datatype: name === 'rewards' ? 'FP32' : 'BOOL',
        shape: [-1, 1],
      })),
    }
  }

  /** What a client may want to know; the real one says more. */
  private config(): unknown {
    return {
      name: this.model,
      backend: 'python',
      max_batch_size: this.maxBatch,
      input: [{ name: 'sentences', data_type: 'TYPE_STRING', dims: [-1], optional: true }],
      output: this.outputs.map((name) => ({
        name,
        data_type: name === 'rewards' ? 'TYPE_FP32' : 'TYPE_BOOL',
        dims: [1],
      })),
    }
  }
}

/** Sends JSON, or nothing. */
function sendJson(response: ServerResponse, status: number, value?: unknown): void {
  const body = Buffer.from(value === undefined ? '' : JSON.stringify(value))
  send(response, status, { 'content-type': 'application/json' }, body)
}
