/**
 * A stand-in for a SteerLM reward server: Triton's HTTP in this process, as strict as the real one, at a pace that can
 * be chosen, and with whatever can go wrong on demand.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { answerOf } from './reward-server/answer.js'
import { Batches } from './reward-server/batches.js'
import { bend, deliver, type Fault, type FaultCase, failEarly, isEarly, send } from './reward-server/faults.js'
import { readInfer } from './reward-server/infer.js'
import { Refusal } from './reward-server/refusal.js'
import { scoresOf } from './stand-ins/scores.js'
import type { Certificate } from './certificate.js'

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
export interface RewardServerStats {
  /** Well-formed requests for scores. */
  requests: number
  /** Those under way, and the most at a time. */
  inFlight: number
  mostInFlight: number
  /** Texts that went to the model, in their order. */
  readonly texts: string[]
  /** How many different ones. */
  readonly distinct: number
  /** Batches that the model worked off. */
  readonly batches: number
  connections: number
}

/** Starts a server on a free port of 127.0.0.1. */
export async function startRewardServer(options: RewardServerOptions = {}): Promise<RewardServer> {
  const server = new RewardServer(options)
  await server.start()
  return server
}

export class RewardServer {
  stats = new Stats()
  /** May be changed at any time. */
  fault: FaultHook
  private batches: Batches
  private isReady: boolean
  private port = 0
  private server: Server | undefined
  private readonly sockets = new Set<Socket>()
  private waiters: { readonly count: number; readonly resolve: () => void }[] = []
  private readonly model: string
  private readonly heads: number
  private readonly basePath: string
  private readonly maxBatch: number

  constructor(private readonly options: RewardServerOptions) {
    const { model = 'reward_model', heads = 9, basePath = '', maxBatch = 9999999 } = options
    this.model = model
    this.heads = heads
    this.basePath = basePath
    this.maxBatch = maxBatch
    this.isReady = options.ready ?? true
    this.fault = options.fault ?? (() => undefined)
    this.batches = this.newBatches()
  }

  /** Such as `http://127.0.0.1:40123`, with the base path. */
  get url(): string {
    return `${this.options.certificate ? 'https' : 'http'}://127.0.0.1:${this.port}${this.basePath}`
  }

  /** Makes it ready, or as Triton is while it loads a model: listening, and without the model. */
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
    return new Promise((resolve) => this.waiters.push({ count, resolve }))
  }

  /** Starts counting anew. */
  reset(): void {
    const { inFlight } = this.stats
    this.batches.count = 0
    this.stats = new Stats(this.batches)
    this.stats.inFlight = this.stats.mostInFlight = inFlight
  }

  /** Listens, after `stop` on the same port as before. */
  async start(): Promise<void> {
    const listener: RequestListener = (request, response) => void this.receive(request, response)
    const { certificate } = this.options
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
    this.port = (server.address() as AddressInfo).port // it listens on TCP
    this.server = server
  }

  /** Dies: nobody listens any more, connections are closed, and what was under way is forgotten. */
  async stop(): Promise<void> {
    const { server } = this
    if (!server) return
    this.server = undefined
    const closed = new Promise((resolve) => server.close(resolve))
    for (const socket of this.sockets) socket.destroy()
    await closed
  }

  /** Ends it for good. */
  close(): Promise<void> {
    return this.stop()
  }
}
