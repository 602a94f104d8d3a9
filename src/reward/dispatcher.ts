import { createHash } from 'node:crypto'
import { ExponentialBackoff, fullJitterGenerator } from 'cockatiel'
import { SteerpipeError } from '../errors.js'
import { bringUp } from './bring-up.js'
import { Endpoint, type EndpointSettings, NoAnswer } from './endpoint.js'
import {
  BadAnswer,
  type Protocol,
  type ProtocolSettings,
  type Question,
  type Scores,
  type ServerRequest,
  type ServerResponse,
} from './protocol.js'
import { Task, TaskQueue } from './task.js'
import { failureVerdict, saidIn, statusVerdict, type Verdict } from './verdict.js'

/** How questions are asked. */
export interface DispatcherSettings extends EndpointSettings, ProtocolSettings {
  readonly protocol: Protocol
  readonly addresses: readonly string[]
  /** Most texts in one request; undefined for what the protocol and the server allow. */
  readonly mostTexts?: number | undefined
  /** Milliseconds without a single ready endpoint after which the run ends. */
  readonly waitReady: number
  /** Bytes for answers that may be asked for again. */
  readonly cache: number
}

/**
 * Tries of one text that fail for reasons that may pass. When a quarter of all requests fail, one text in 10^15 is
 * not answered by then.
 */
const MOST_TRIES = 25

/** Tries of one text alone that the server calls bad, before it is the record's fault. */
const MOST_BLAMES = 8

/** Retries that a run may have for each text that was answered, and before there are many of these. */
const BUDGET = { perText: 2, before: 1000 }

/** Bytes that an answer takes in the cache, about. */
const CACHED_BYTES = 400

/** Milliseconds between two looks at requests that are out for long. */
const LOOK_EVERY = 200

/** A request that is out for this many times what most take, and a second, is asked a second time elsewhere. */
const HEDGE = { times: 4, atLeast: 1000, from: 100 }

/** A request that is out. */
interface Attempt {
  readonly endpoint: Endpoint
  readonly tasks: readonly Task[]
  readonly began: number
  readonly controller: AbortController
}

/**
 * Asks a reward server, or several: spreads the questions over the endpoints by what each can do, asks again what
 * failed, and asks nothing twice that it knows.
 */
export class Dispatcher {
  readonly endpoints: readonly Endpoint[]
  /** Questions, those that were sent to a server, and how often one was sent again, by cause. */
  readonly counts = { questions: 0, asked: 0, answered: 0, retries: new Map<string, number>() }
  private readonly queue = new TaskQueue()
  private readonly known = new Map<string, Promise<Scores>>()
  private readonly attempts = new Set<Attempt>()
  private readonly open = new Set<Task>()
  private readonly timers = new Set<NodeJS.Timeout>()
  private readonly looking: NodeJS.Timeout
  private readonly closing = new AbortController()
  private readonly backoff = new ExponentialBackoff({
    generator: fullJitterGenerator,
    initialDelay: 100,
    maxDelay: 5000,
  })
  private retried = 0
  /** When the first endpoint was ready, in milliseconds. */
  private began: number | undefined
  /** When the last answer came. */
  private latest = 0
  private fatal: SteerpipeError | undefined
  /** Runs while no endpoint is ready. */
  private down: NodeJS.Timeout | undefined
  private lastTrouble = 'it did not answer'

  constructor(private readonly settings: DispatcherSettings) {
    this.endpoints = settings.addresses.map((address) => new Endpoint(address, settings))
    this.looking = setInterval(() => this.hedge(), LOOK_EVERY)
    this.looking.unref()
    this.startWaiting()
    for (const endpoint of this.endpoints) {
      endpoint.breaker.onBreak(() => this.lose(endpoint))
      void this.raise(endpoint)
    }
  }

  /** From the first endpoint's being ready to the last answer. */
  get seconds(): number {
    return this.began === undefined ? 0 : Math.max(0, this.latest - this.began) / 1000
  }

  /** Texts that are on their way. */
  get inFlight(): number {
    return this.endpoints.reduce((sum, endpoint) => sum + endpoint.inFlight, 0)
  }

  /** Most texts that are worth having ready, for the endpoints to choose from. */
  get appetite(): number {
    return this.endpoints.reduce((sum, { level }) => sum + level.limit, 0)
  }

  /**
   * The scores of a question; those of one that was asked before are not asked for again.
   *
   * @throws SteerpipeError SERVER_REFUSED, SCORES_UNUSABLE for what is wrong with the question's own record;
   *   SERVER_UNREACHABLE, SERVER_DENIED, SERVER_WRONG, SERVER_FAILING for what ends the run
   */
  score(question: Question): Promise<Scores> {
    this.counts.questions++
    const key = createHash('sha256').update(question.text).digest('base64')
    const known = this.known.get(key)
    if (known !== undefined) {
      // The one that was asked for last is forgotten last.
      this.known.delete(key)
      this.known.set(key, known)
      return known
    }
    const answer = this.ask(question)
    this.known.set(key, answer)
    // A failure is not remembered: the next one may fare better.
    answer.catch(() => this.known.delete(key))
    if (this.known.size * CACHED_BYTES > this.settings.cache) {
      const [oldest] = this.known.keys()
      this.known.delete(oldest)
    }
    return answer
  }

  private ask(question: Question): Promise<Scores> {
    if (this.fatal) return Promise.reject(this.fatal)
    this.counts.asked++
    return new Promise((resolve, reject) => {
      const task: Task = new Task(
        question,
        (scores) => {
          this.counts.answered++
          this.latest = performance.now()
          this.open.delete(task)
          resolve(scores)
        },
        (error) => {
          this.open.delete(task)
          reject(error)
        },
      )
      this.open.add(task)
      this.queue.add(task)
      this.pump()
    })
  }

  // ---------------------------------------------------------------------------------------------- endpoints

  /** Waits until an endpoint is ready, and gives it work. */
  private async raise(endpoint: Endpoint): Promise<void> {
    try {
      const contract = await bringUp(endpoint, this.settings, this.closing.signal, (trouble) => {
        this.lastTrouble = trouble
      })
      if (contract === undefined) return
      endpoint.mostTexts = Math.min(contract.mostTexts, this.settings.mostTexts ?? Number.POSITIVE_INFINITY)
      endpoint.mostBytes = contract.mostBytes
      endpoint.up = true
      this.began ??= performance.now()
      clearTimeout(this.down)
      this.down = undefined
      this.pump()
    } catch (error) {
      // Only what no waiting mends comes here.
      this.end(error)
    }
  }

  /** An endpoint is gone: the others take its work, until it is back. */
  private lose(endpoint: Endpoint): void {
    if (!endpoint.up) return
    endpoint.restart()
    if (this.endpoints.every(({ up }) => !up)) this.startWaiting()
    void this.raise(endpoint)
  }

  private startWaiting(): void {
    this.down ??= setTimeout(() => this.end(this.unreachable()), this.settings.waitReady)
  }

  private unreachable(): SteerpipeError {
    const { addresses, waitReady } = this.settings
    const server =
      addresses.length === 1 ? `the server ${addresses[0]} is` : `none of ${addresses.join(', ')} is`
    return new SteerpipeError('SERVER_UNREACHABLE', {
      found: `${server} not ready since ${waitReady / 1000} seconds: ${this.lastTrouble}`,
    })
  }

  // --------------------------------------------------------------------------------------------------- work

  /** Sends what there is to the endpoints that have room. */
  private pump(): void {
    while (this.queue.length > 0) {
      const endpoint = this.freest()
      if (endpoint === undefined) {
        for (const { level, up } of this.endpoints) if (up) level.want()
        return
      }
      const others = this.endpoints.some((other) => other !== endpoint && other.up)
      const size = Math.min(
        this.settings.protocol.mostTexts,
        endpoint.requestSize(this.settings.protocol.usualTexts),
      )
      const tasks = this.queue.take(size, (task) => others && task.avoid === endpoint)
      if (tasks.length === 0) return
      void this.send(endpoint, tasks)
    }
  }

  /** The endpoint that has the least to do for what it can do, if any has room. */
  private freest(): Endpoint | undefined {
    let freest: Endpoint | undefined
    for (const endpoint of this.endpoints) {
      if (!endpoint.up || endpoint.inFlight >= endpoint.level.limit) continue
      if (freest === undefined || load(endpoint) < load(freest)) freest = endpoint
    }
    return freest
  }

  private async send(endpoint: Endpoint, taken: readonly Task[]): Promise<void> {
    const { request, tasks } = this.requestFor(endpoint, taken)
    const attempt: Attempt = { endpoint, tasks, began: performance.now(), controller: new AbortController() }
    this.attempts.add(attempt)
    endpoint.inFlight += tasks.length
    endpoint.requests++
    endpoint.texts += tasks.length
    for (const task of tasks) task.out++
    const { signal } = attempt.controller
    await endpoint.breaker
      .execute(() => endpoint.ask(request, signal))
      .then(
        (response) => this.take(attempt, response),
        (error: unknown) => this.miss(attempt, error),
      )
    this.attempts.delete(attempt)
    endpoint.inFlight -= tasks.length
    for (const task of tasks) task.out--
    this.pump()
  }

  /** A request for the questions, or for as many of them as the server takes in one. */
  private requestFor(
    endpoint: Endpoint,
    tasks: readonly Task[],
  ): { request: ServerRequest; tasks: readonly Task[] } {
    const request = this.settings.protocol.request(
      tasks.map(({ question }) => question),
      this.settings,
    )
    const size = request.body?.length ?? 0
    const fits = size <= Math.min(this.settings.protocol.mostBytes, endpoint.mostBytes)
    if (fits || tasks.length === 1) return { request, tasks }
    const half = tasks.length >> 1
    for (const task of tasks.slice(half)) this.queue.addAgain(task)
    return this.requestFor(endpoint, tasks.slice(0, half))
  }

  /** An answer has arrived. */
  private take(attempt: Attempt, response: ServerResponse): void {
    const { endpoint, tasks } = attempt
    if (response.status !== 200) {
      this.refused(attempt, response)
      return
    }
    let answers: Scores[]
    try {
      answers = this.settings.protocol.read(response, tasks.length, this.settings)
    } catch (error) {
      if (!(error instanceof BadAnswer)) throw error
      this.again(attempt, { kind: 'again', cause: 'bad answer', shed: false, down: false }, error.message)
      return
    }
    endpoint.latencies.add(performance.now() - attempt.began)
    endpoint.level.answered(tasks.length)
    for (const [index, task] of tasks.entries()) {
      if (task.settled) continue
      const trouble = this.unusable(answers[index])
      if (trouble === undefined) task.answer(answers[index])
      else
        this.blame(
          task,
          endpoint,
          trouble.cause,
          () => new SteerpipeError('SCORES_UNUSABLE', { found: trouble.found }),
        )
      this.abortSettled(task)
    }
  }

  /** What is wrong with scores, if anything is. */
  private unusable({ values, names }: Scores): { cause: string; found: string } | undefined {
    const { heads } = this.settings
    if (names === undefined && values.length !== heads.length) {
      return {
        cause: 'wrong width',
        found: `the server gave ${values.length} scores instead of ${heads.length}`,
      }
    }
    const wrong = values.findIndex((value) => !Number.isFinite(value))
    if (wrong < 0) return undefined
    const name = names?.[wrong] ?? heads[wrong]
    return { cause: 'not finite', found: `the server gave ${values[wrong]} as the score of \`${name}\`` }
  }

  /** The server has answered with an error. */
  private refused(attempt: Attempt, response: ServerResponse): void {
    const { endpoint, tasks } = attempt
    const most = this.settings.protocol.learnMostTexts?.(response)
    if (most !== undefined && most < tasks.length && most > 0) {
      endpoint.mostTexts = Math.min(endpoint.mostTexts, most)
      for (const task of tasks) this.queue.addAgain(task)
      return
    }
    const verdict = statusVerdict(response)
    const said = saidIn(response)
    if (verdict.kind === 'stop') {
      this.end(denied(endpoint.address, response, said))
      return
    }
    if (verdict.kind === 'again') {
      this.again(attempt, verdict, said)
      return
    }
    for (const task of tasks) {
      if (tasks.length === 1) {
        this.blame(task, endpoint, verdict.cause, () => refusal(response.status, said), verdict.wait)
      } else {
        task.alone = true
        this.queue.addAgain(task)
      }
    }
  }

  /** There was no whole answer. */
  private miss(attempt: Attempt, error: unknown): void {
    if (this.fatal) return
    // All of its texts were answered elsewhere.
    if (attempt.controller.signal.aborted) return
    const verdict =
      error instanceof NoAnswer
        ? failureVerdict(error.cause, error.timedOut)
        : // The breaker has opened while the request was on its way to it.
          failureVerdict(error, false)
    this.again(attempt, verdict, verdict.cause)
  }

  /** The texts of a request are asked again, after a while. */
  private again({ endpoint, tasks }: Attempt, verdict: Verdict, said: string): void {
    if (verdict.shed) endpoint.level.shed(tasks.length)
    const elsewhere = verdict.down && this.endpoints.some((other) => other !== endpoint && other.up)
    for (const task of tasks) {
      if (task.settled || task.out > 1) continue
      task.avoid = endpoint
      if (++task.tries >= MOST_TRIES) {
        this.end(
          failing(`a text was not answered in ${task.tries} tries; the last time: ${verdict.cause} ${said}`),
        )
        return
      }
      this.retry(task, verdict.cause, elsewhere ? 0 : undefined, verdict.wait)
    }
  }

  /** A text that was asked alone, or whose scores are of no use. */
  private blame(
    task: Task,
    endpoint: Endpoint,
    cause: string,
    error: () => SteerpipeError,
    wait?: number,
  ): void {
    if (task.settled || task.out > 1) return
    task.avoid = endpoint
    if (++task.blames >= MOST_BLAMES) task.fail(error())
    else this.retry(task, cause, undefined, wait)
  }

  /** @param after milliseconds; by default what the backoff says, and not less than the server asks for */
  private retry(task: Task, cause: string, after: number | undefined, wait = 0): void {
    this.counts.retries.set(cause, (this.counts.retries.get(cause) ?? 0) + 1)
    if (++this.retried > BUDGET.before + this.counts.answered * BUDGET.perText) {
      this.end(failing(`${this.retried} retries for ${this.counts.answered} answers; the last for ${cause}`))
      return
    }
    task.backoff = (task.backoff ?? this.backoff).next({})
    const delay = Math.max(after ?? task.backoff.duration, Math.min(wait, this.settings.waitReady))
    if (delay === 0) {
      this.queue.addAgain(task)
      return
    }
    const timer = setTimeout(() => {
      this.timers.delete(timer)
      this.queue.addAgain(task)
      this.pump()
    }, delay)
    this.timers.add(timer)
  }

  /** Requests that are out for far longer than most have their texts asked a second time. */
  private hedge(): void {
    const now = performance.now()
    for (const { endpoint, tasks, began } of this.attempts) {
      const { latencies } = endpoint
      if (latencies.count < HEDGE.from) continue
      const patience = Math.max(HEDGE.atLeast, latencies.percentile(0.95) * HEDGE.times)
      if (now - began < patience) continue
      for (const task of tasks) {
        if (task.settled || task.hedged) continue
        task.hedged = true
        task.avoid = endpoint
        this.counts.retries.set('slow', (this.counts.retries.get('slow') ?? 0) + 1)
        this.queue.addAgain(task)
      }
    }
    this.pump()
  }

  /** Requests that have nothing left to wait for are given up. */
  private abortSettled(task: Task): void {
    if (task.out <= 1) return
    for (const { tasks, controller } of this.attempts) {
      if (tasks.includes(task) && tasks.every(({ settled }) => settled)) controller.abort()
    }
  }

  // ------------------------------------------------------------------------------------------------ the end

  /** Nothing more can be asked: all that is open fails. */
  private end(error: unknown): void {
    if (this.fatal || this.closing.signal.aborted) return
    this.fatal = error instanceof SteerpipeError ? error : failing(String(error), error)
    for (const task of this.open) if (!task.settled) task.fail(this.fatal)
    void this.close()
  }

  /** The error that ended the asking, if one did. */
  get failure(): SteerpipeError | undefined {
    return this.fatal
  }

  /** Ends everything that is under way. */
  async close(): Promise<void> {
    this.closing.abort()
    clearInterval(this.looking)
    clearTimeout(this.down)
    for (const timer of this.timers) clearTimeout(timer)
    this.timers.clear()
    await Promise.all(this.endpoints.map((endpoint) => endpoint.close()))
  }
}

const load = ({ inFlight, level }: Endpoint): number => inFlight / level.limit

function denied(address: string, { status, headers }: ServerResponse, said: string): SteerpipeError {
  const moved = status >= 300 && status < 400 ? ` to ${headers.location ?? 'nowhere'}` : ''
  return new SteerpipeError('SERVER_DENIED', {
    found: `the server ${address} answered ${status}${moved}${said ? `: ${said}` : ''}`,
    fix: moved ? 'Use the address that it leads to.' : undefined,
  })
}

const refusal = (status: number, said: string): SteerpipeError =>
  new SteerpipeError('SERVER_REFUSED', {
    found: `the server answers ${status} to this text, again and again${said ? `: ${said}` : ''}`,
  })

const failing = (found: string, cause?: unknown): SteerpipeError =>
  new SteerpipeError('SERVER_FAILING', { found, cause })
