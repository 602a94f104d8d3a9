import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { SteerpipeError } from '../../errors.js'
import {
  type Answer,
  memoryOf,
  type RowPlan,
  type Task,
  type TaskMessage,
  type TaskResult,
} from './messages.js'

/**
 * Megabytes of a thread's young generation: three times a semi-space. As large as one batch needs, so that hardly
 * anything of it is promoted.
 */
const YOUNG_MB = 24

/** Tasks that a thread has at a time: one is worked on, one is there when that is done. */
const TASKS_PER_THREAD = 2

/** The file that threads run; package.json says where it is, whatever file this code is bundled into. */
const program = (): URL => pathToFileURL(createRequire(import.meta.url).resolve('#worker'))

/** A thread, and what it was given and has not answered. */
interface Thread {
  readonly worker: Worker
  readonly waiting: Waiting[]
}

/** Whoever waits for an answer. */
interface Waiting {
  readonly resolve: (result: TaskResult) => void
  readonly reject: (failure: unknown) => void
  readonly done: Promise<TaskResult>
}

/** Threads that all have the same row of stages. They are started when there is work for them. */
export class Crew {
  private readonly threads: Thread[] = []
  private failure: unknown
  private closing: Promise<unknown> | undefined

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
    if (this.failure !== undefined) reject(this.failure)
    else {
      const { worker, waiting } = this.idlest()
      waiting.push({ resolve, reject, done: promise })
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
    const worker = new Worker(program(), {
      workerData: this.plan,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
      // What a module of the user's prints goes where everything else goes: standard output is for data.
      stdout: true,
      stderr: true,
    })
    for (const output of [worker.stdout, worker.stderr])
      output.on('data', (said) => process.stderr.write(said))
    const thread: Thread = { worker, waiting: [] }
    worker.on('message', (answer: Answer) => {
      const asked = thread.waiting.shift()
      if ('result' in answer) asked?.resolve(answer.result)
      else asked?.reject(answer.failure)
    })
    worker.on('error', (error) => this.fail(lost(error)))
    worker.on('exit', () => this.fail(lost(undefined)))
    return thread
  }

  private fail(failure: unknown): void {
    this.failure ??= failure
    for (const { waiting } of this.threads) for (const { reject } of waiting.splice(0)) reject(this.failure)
  }

  /** Resolves when no thread has anything to do, or none is there any more. */
  async idle(): Promise<void> {
    await this.closing
    await Promise.allSettled(this.threads.flatMap(({ waiting }) => waiting.map(({ done }) => done)))
  }

  /** Ends the threads, whatever they are at. @param reason what those who wait are told */
  async close(reason: unknown): Promise<void> {
    this.fail(reason)
    this.closing ??= Promise.all(this.threads.map(({ worker }) => worker.terminate()))
    await this.closing
  }
}

/** The error for a thread that has ended by itself. */
function lost(cause: Error | undefined): SteerpipeError {
  const isMemory = cause !== undefined && 'code' in cause && cause.code === 'ERR_WORKER_OUT_OF_MEMORY'
  const found = isMemory
    ? 'a thread has run out of memory'
    : cause === undefined
      ? 'a thread was ended; a `map` module may have called process.exit()'
      : `a thread was ended: ${cause.message}`
  return new SteerpipeError('THREAD_LOST', { found, cause })
}

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
