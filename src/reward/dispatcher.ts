import { SteerpipeError } from '../errors.js'
import { Attempt, Attempts } from './attempts.js'
import { type Endpoint, NoAnswer } from './endpoint.js'
import { Fleet, type FleetSettings } from './fleet.js'
import type { Journal } from './journal.js'
import { KnownAnswers } from './known-answers.js'
import { BadAnswer, type Question, type Scores, type ServerRequest, type ServerResponse } from './protocol.js'
import { Retries } from './retries.js'
import { Task, TaskQueue } from './task.js'
import { denied, failureVerdict, faultIn, saidIn, statusVerdict, type Verdict } from './verdict.js'

/** How questions are asked. */
export interface DispatcherSettings extends FleetSettings {
  /** Bytes for answers that may be asked for again. */
  readonly cache: number
  /** Keeps the answers beyond the end of the process. */
  readonly journal?: Journal | undefined
}

/**
 * Tries of one text that fail for reasons that may pass. When a quarter of all requests fail, one text in 10^15 is
 * not answered by then.
 */
const MOST_TRIES = 25

/** Tries of one text that are turned away. A server that limits the rate may do so for minutes. */
const MOST_SHED = 250

/** Tries of one text alone that the server calls bad, before it is the record's fault. */
const MOST_BLAMES = 8

/** The longest time that a server may ask to wait, in milliseconds. */
const LONGEST_WAIT = 600_000

/** Milliseconds between two looks at requests that are out for long. */
const LOOK_EVERY = 200

/**
 * Asks a reward server, or several: spreads the questions over the endpoints by what each can do, asks again what
 * failed, and asks nothing twice that it knows.
 */
export class Dispatcher {
  /** Questions, those that were sent to a server, and those that were answered. */
  readonly counts = { questions: 0, asked: 0, answered: 0 }
  readonly retries = new Retries()
  private readonly fleet: Fleet
  private readonly known: KnownAnswers
  private readonly queue = new TaskQueue()
  private readonly attempts = new Attempts()
  private readonly open = new Set<Task>()
  private readonly looking: NodeJS.Timeout
  /** When the first endpoint was ready, in milliseconds. */
  private began: number | undefined
  /** When the last answer came. */
  private latest = 0
  private fatal: Error | undefined
  private closed = false

  constructor(private readonly settings: DispatcherSettings) {
    const { cache, protocol, model, heads, journal } = settings
    const asked = { protocol: protocol.name, model, heads, asMessages: protocol.asMessages === true }
    this.known = new KnownAnswers(cache, asked, journal)
    this.fleet = new Fleet(
      settings,
      () => {
        this.began ??= performance.now()
        this.pump()
      },
      (error) => this.end(error),
    )
    this.looking = setInterval(() => this.hedge(), LOOK_EVERY)
    this.looking.unref()
    this.fleet.start()
  }

  get endpoints(): readonly Endpoint[] {
    return this.fleet.endpoints
  }

  /** From the first endpoint's being ready to the last answer. */
  get seconds(): number {
    return this.began === undefined ? 0 : Math.max(0, this.latest - this.began) / 1000
  }

  /** Answers of an earlier run that were of use. */
  get kept(): number {
    return this.known.kept
  }

  /** Texts that are on their way. */
  get inFlight(): number {
    return this.endpoints.reduce((sum, { places }) => sum + places.inFlight, 0)
  }

  /** Most texts that are worth having ready, for the endpoints to choose from. */
  get appetite(): number {
    return this.endpoints.reduce((sum, { places }) => sum + places.level.limit, 0)
  }

  /**
   * The scores of a question; those of one that was asked before are not asked for again.
   *
   * @throws SteerpipeError SERVER_REFUSED, SCORES_UNUSABLE for what is wrong with the question's own record;
   *   SERVER_UNREACHABLE, SERVER_DENIED, SERVER_WRONG, SERVER_FAILING for what ends the run
   */
  score(question: Question): Promise<Scores> {
    this.counts.questions++
    return this.known.get(question, (fresh) => this.ask(fresh))
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
          this.settle(task)
          resolve(scores)
        },
        (error) => {
          this.settle(task)
          reject(error)
        },
      )
      this.open.add(task)
      this.fleet.await()
      this.queue.add(task)
      this.pump()
    })
  }

  private settle(task: Task): void {
    this.open.delete(task)
    if (this.open.size === 0) this.fleet.release()
  }

  // --------------------------------------------------------------------------------------------------- work

  /** Sends what there is to the endpoints that have room, to the freest first. */
  private pump(): void {
    if (this.closed) return
    while (this.queue.length > 0) {
      const free = this.endpoints.filter(({ room }) => room > 0).sort((a, b) => a.places.load - b.places.load)
      if (!free.some((endpoint) => this.give(endpoint))) break
    }
    if (this.queue.length > 0) for (const { up, places } of this.endpoints) if (up) places.level.want()
  }

  /** Gives an endpoint a request's worth of what there is. Returns whether there was something for it. */
  private give(endpoint: Endpoint): boolean {
    const size = endpoint.requestSize
    // Fragments would make batches that are not full.
    if (endpoint.room < Math.min(size, this.queue.length)) return false
    const others = this.fleet.hasOther(endpoint)
    const tasks = this.queue.take(size, (task) => others && task.avoid === endpoint)
    if (tasks.length === 0) return false
    const { request, fitting } = this.requestFor(endpoint, tasks)
    const attempt = new Attempt(endpoint, fitting)
    this.attempts.add(attempt)
    this.send(attempt, request).catch((error: unknown) => this.end(error))
    return true
  }

  /** A request for the questions, or for as many of them as the server takes in one. */
  private requestFor(
    endpoint: Endpoint,
    tasks: readonly Task[],
  ): { request: ServerRequest; fitting: readonly Task[] } {
    const { protocol } = this.settings
    const request = protocol.request(
      tasks.map(({ question }) => question),
      this.settings,
    )
    const size = request.body?.length ?? 0
    if (size <= Math.min(protocol.mostBytes, endpoint.mostBytes) || tasks.length === 1) {
      return { request, fitting: tasks }
    }
    const half = tasks.length >> 1
    for (const task of tasks.slice(half)) this.queue.addAgain(task)
    return this.requestFor(endpoint, tasks.slice(0, half))
  }

  private async send(attempt: Attempt, request: ServerRequest): Promise<void> {
    const { endpoint, controller } = attempt
    let response: ServerResponse | undefined
    let failure: unknown
    try {
      response = await endpoint.breaker.execute(() => endpoint.ask(request, controller.signal))
    } catch (error) {
      failure = error
    }
    if (!this.closed) {
      if (response) this.take(attempt, response)
      // One that was given up has nothing left to answer.
      else if (!controller.signal.aborted) this.miss(attempt, failure)
    }
    this.attempts.remove(attempt)
    this.pump()
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
      const said = endpoint.redacted(error.message)
      this.again(attempt, { kind: 'again', cause: 'bad answer', shed: false, down: false }, said)
      return
    }
    endpoint.answered(tasks.length, attempt.age)
    for (const [index, task] of tasks.entries()) {
      if (task.settled) continue
      const fault = faultIn(answers[index], this.settings.heads)
      if (fault === undefined) {
        task.answer(answers[index])
        if (task.out > 1) this.attempts.abandon(task)
      } else {
        this.blame(
          task,
          endpoint,
          fault.cause,
          () =>
            new SteerpipeError('SCORES_UNUSABLE', { found: fault.found, tries: task.blames + task.tries }),
        )
      }
    }
  }

  /** The server has answered with an error. */
  private refused(attempt: Attempt, response: ServerResponse): void {
    const { endpoint, tasks } = attempt
    const most = this.settings.protocol.learnMostTexts?.(response)
    if (most !== undefined && most > 0 && most < tasks.length) {
      endpoint.mostTexts = Math.min(endpoint.mostTexts, most)
      for (const task of tasks) if (!task.isCovered) this.queue.addAgain(task)
      return
    }
    const verdict = statusVerdict(response)
    const said = saidIn(response)
    if (verdict.kind === 'stop') this.end(denied(endpoint.address, response))
    else if (verdict.kind === 'again') this.again(attempt, verdict, said)
    else if (tasks.length === 1) {
      const [task] = tasks
      if (verdict.final) task.blames = MOST_BLAMES
      this.blame(
        task,
        endpoint,
        verdict.cause,
        () => refusal(response.status, verdict.final === true, said, task.blames + task.tries),
        verdict.wait,
      )
    } else {
      for (const task of tasks) {
        task.alone = true
        if (!task.isCovered) this.retry(task, verdict.cause, 0)
      }
    }
  }

  /** There was no whole answer. */
  private miss(attempt: Attempt, error: unknown): void {
    const verdict =
      error instanceof NoAnswer
        ? failureVerdict(error.cause, error.timedOut)
        : // The breaker has opened while the request was on its way to it.
          failureVerdict(error, false)
    this.again(attempt, verdict, '')
  }

  /** The texts of a request are asked again, after a while. */
  private again({ endpoint, tasks }: Attempt, verdict: Verdict, said: string): void {
    const { cause, shed, down } = verdict
    const wait = Math.min(verdict.wait ?? 0, LONGEST_WAIT)
    if (shed && down) endpoint.places.timedOut(tasks.length)
    else if (shed) this.rest(endpoint, tasks.length, wait, cause)
    // Elsewhere nothing is known of what went wrong here.
    const elsewhere = (shed || down) && this.fleet.hasOther(endpoint)
    for (const task of tasks) {
      if (task.isCovered) continue
      task.avoid = endpoint
      const tries = shed ? ++task.shed : ++task.tries
      if (tries >= (shed ? MOST_SHED : MOST_TRIES)) {
        this.end(
          failing(
            `a text was not answered in ${tries} tries; the last time: ${[cause, said].join(' ').trim()}`,
          ),
        )
        return
      }
      this.retry(task, cause, elsewhere ? 0 : Math.max(this.retries.pauseOf(task), wait))
    }
  }

  /** An endpoint has turned texts away. */
  private rest(endpoint: Endpoint, texts: number, wait: number, cause: string): void {
    const pause = endpoint.places.shed(texts, wait)
    this.retries.after(pause, () => {
      endpoint.places.rested(texts)
      this.pump()
    })
    // One that limits the rate is there; one that does nothing else than to refuse may have nothing behind it.
    if (cause !== 'HTTP 429' && endpoint.places.isRefusing(texts)) this.fleet.lose(endpoint, cause)
  }

  /** A text that was asked alone, or whose scores are of no use. */
  private blame(task: Task, endpoint: Endpoint, cause: string, error: () => SteerpipeError, wait = 0): void {
    if (task.isCovered) return
    task.avoid = endpoint
    if (++task.blames < MOST_BLAMES) {
      this.retry(task, cause, Math.max(this.retries.pauseOf(task), Math.min(wait, LONGEST_WAIT)))
      return
    }
    // It is the record's fault only if the server can answer something else.
    task.waiting = true
    this.fleet.vouch(endpoint).then(
      (isWell) => {
        if (this.closed || task.settled) return
        if (isWell) task.fail(error())
        else {
          task.blames = 0
          this.retry(task, cause, 0)
        }
      },
      (reason: unknown) => this.end(reason),
    )
  }

  /** @param pause milliseconds */
  private retry(task: Task, cause: string, pause: number): void {
    if (!this.retries.spend(cause, this.counts.answered)) {
      this.end(
        failing(`${this.retries.count} retries for ${this.counts.answered} answers; the last for ${cause}`),
      )
      return
    }
    if (pause === 0) {
      this.queue.addAgain(task)
      return
    }
    task.waiting = true
    this.retries.after(pause, () => {
      this.queue.addAgain(task)
      this.pump()
    })
  }

  /** Texts that are out for far longer than most are asked a second time. */
  private hedge(): void {
    for (const task of this.attempts.overdue((endpoint) => this.fleet.hasOther(endpoint))) {
      this.retries.note('slow')
      this.queue.addAgain(task)
    }
    this.pump()
  }

  // ------------------------------------------------------------------------------------------------ the end

  /** Nothing more can be asked: all that is open fails. */
  private end(error: unknown): void {
    if (this.closed) return
    this.fatal = error instanceof Error ? error : new Error(String(error))
    void this.close()
    for (const task of [...this.open]) task.fail(this.fatal)
  }

  /** Ends everything that is under way. */
  async close(): Promise<void> {
    this.closed = true
    clearInterval(this.looking)
    this.retries.clear()
    await this.fleet.close()
  }
}

const refusal = (status: number, final: boolean, said: string, tries: number): SteerpipeError =>
  new SteerpipeError('SERVER_REFUSED', {
    tries: final ? 1 : tries,
    found: `the server answers ${status} to this text${final ? '' : ', again and again'}${said ? `: ${said}` : ''}`,
  })

const failing = (found: string): SteerpipeError => new SteerpipeError('SERVER_FAILING', { found })
