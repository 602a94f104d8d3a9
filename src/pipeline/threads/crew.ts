import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { SteerpipeError } from '../../errors.js'
import {
  type Answer,
  memoryOf,
  type RowPlan,
  type Task,
  type TaskMessage,
  type TaskResult,
  UP,
} from './messages.js'

/**
 * Megabytes of a semi-space of a thread. With 16, which is best for the main thread, each takes 24 MB more, and is no
 * faster. (A flag of the process wins over the limits that a thread is given.)
 */
const SEMI_SPACE_MB = 4

/** Tasks that a thread has at a time: one is worked on, others are there when it is done, also while another lags. */
const TASKS_PER_THREAD = 3

/** The file that threads run; package.json says where it is, whatever file this code is bundled into. */
const program = (): URL => pathToFileURL(createRequire(import.meta.url).resolve('#worker'))

/** A thread, and what it was given and has not answered. */
interface Thread {
  readonly worker: Worker
  readonly waiting: Waiting[]
  /** Resolves when it has loaded what it needs, or is gone. */
  readonly up: Promise<void>
}

/** Whoever waits for an answer. */
interface Waiting {
  readonly resolve: (result: TaskResult) => void
  readonly reject: (failure: unknown) => void
}

/** The end of all threads. */
interface End {
  /** What those are told who wait, or come later. */
  readonly reason: unknown
  /** Resolves when no thread does anything any more. */
  readonly over: Promise<unknown>
}

/** Threads that all have the same row of stages. They are started when there is work for them. */
export class Crew {
  private readonly threads: Thread[] = []
  private end: End | undefined

  /** @param size the most threads */
  constructor(
    private readonly plan: RowPlan,
    private readonly size: number,
  ) {}

  /** How many tasks keep all threads busy. */
  get room(): number {
    return this.size * TASKS_PER_THREAD
  }

  /**
   * Has a task done.
   *
   * @param memory handed over to write lines into
   * @throws what is a defect or the system's; SteerpipeError THREAD_LOST
   */
  run(task: Task, memory: ArrayBuffer[]): Promise<TaskResult> {
    const { promise, resolve, reject } = withResolvers<TaskResult>()
    promise.catch(() => {}) // told where it is awaited, which may be later than it happens
    if (this.end) reject(this.end.reason)
    else {
      const { worker, waiting } = this.idlest()
      waiting.push({ resolve, reject })
      const message: TaskMessage = { task, memory }
      worker.postMessage(message, [...memory, ...memoryOf(task)])
    }
    return promise
  }

  /** A thread that has nothing to do, a new one, or the one with the least to do. */
  private idlest(): Thread {
    const sorted = this.threads.toSorted((a, b) => a.waiting.length - b.waiting.length)
    const [idlest] = sorted
    if (idlest !== undefined && (idlest.waiting.length === 0 || this.threads.length >= this.size))
      return idlest
    const thread = this.start()
    this.threads.push(thread)
    return thread
  }

  private start(): Thread {
    setFlagsFromString(`--max-semi-space-size=${SEMI_SPACE_MB}`) // of heaps that are made from now on
    const worker = new Worker(program(), {
      workerData: this.plan,
      // What a module of the user's prints goes where everything else goes: standard output is for data.
      stdout: true,
      stderr: true,
    })
    for (const output of [worker.stdout, worker.stderr])
      output.on('data', (said) => process.stderr.write(said))
    const { promise: up, resolve: isUp } = withResolvers<void>()
    const thread: Thread = { worker, waiting: [], up }
    worker.on('message', (answer: Answer | typeof UP) => {
      if (answer === UP) return isUp()
      const asked = thread.waiting.shift()
      if ('result' in answer) asked?.resolve(answer.result)
      else asked?.reject(answer.failure)
    })
    // What one thread was at is lost: what the others do is of no use any more.
    worker.on('error', (error: unknown) => void this.close(threw(error)))
    worker.on('exit', () => {
      isUp()
      void this.close(left())
    })
    return thread
  }

  /**
   * Ends the threads, whatever they are at, also one that would never end by itself. Resolves when none of them does
   * anything any more.
   *
   * @param reason what those who wait are told; one who has closed before has said it already
   */
  async close(reason: unknown): Promise<void> {
    this.end ??= { reason, over: Promise.all(this.threads.map(ended)) }
    for (const { waiting } of this.threads)
      for (const { reject } of waiting.splice(0)) reject(this.end.reason)
    await this.end.over
  }
}

/**
 * Ends a thread. One that is still loading modules is waited for: where it is ended while a module is required, Node (20
 * to 26) aborts the whole process.
 */
async function ended({ worker, up }: Thread): Promise<void> {
  await up
  await worker.terminate()
}

/** The error for a thread in which nobody has caught what was thrown: that may be anything. */
function threw(cause: unknown): SteerpipeError {
  const isError = cause instanceof Error
  const isMemory = isError && 'code' in cause && cause.code === 'ERR_WORKER_OUT_OF_MEMORY'
  const [said] = (isError ? cause.message || cause.name : inspect(cause)).split('\n')
  const found = isMemory ? 'a thread has run out of memory' : `a thread was ended: ${said.slice(0, 200)}`
  return new SteerpipeError('THREAD_LOST', { found, cause })
}

/** The error for a thread that has left. */
const left = (): SteerpipeError =>
  new SteerpipeError('THREAD_LOST', {
    found: 'a thread was ended; a `map` module may have called process.exit()',
  })

/** `Promise.withResolvers`, which Node 20 does not have. */
function withResolvers<T>() {
  let resolve: (value: T) => void = () => {}
  let reject: (reason: unknown) => void = () => {}
  const promise = new Promise<T>((res, rej) => {
    resolve = res
    reject = rej
  })
  return { promise, resolve, reject }
}
