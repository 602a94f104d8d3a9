import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import type { Worker } from 'node:worker_threads'
import { SteerpipeError } from '../../errors.js'
import { workerThreads } from '../../lazy-node.js'
import type { Asked, Hand, HandEvents } from './crew.js'
import { limitNewHeaps } from './engine.js'
import { type Answer, memoryOf, type RowPlan, type TaskMessage, UP } from './messages.js'

/** The file that threads run; package.json says where it is, whatever file this code is bundled into. */
const program = (): URL => pathToFileURL(createRequire(import.meta.url).resolve('#worker'))

/** A thread, which is given several tasks at a time, so that the next one is there when one is done. */
export class ThreadHand implements Hand {
  private readonly worker: Worker
  /** What it was given and has not answered. */
  private readonly waiting: Asked[] = []
  /** It has loaded what it needs. */
  private isUp = false
  /** Resolves when that is so, or it is gone. */
  private readonly up: Promise<void>

  /** @param most tasks at a time */
  constructor(
    plan: RowPlan,
    private readonly most: number,
    private readonly events: HandEvents,
  ) {
    limitNewHeaps()
    const worker = new (workerThreads().Worker)(program(), {
      workerData: plan,
      // What a module of the user's prints goes where everything else goes: standard output is for data.
      stdout: true,
      stderr: true,
    })
    this.worker = worker
    for (const output of [worker.stdout, worker.stderr])
      output.on('data', (said) => process.stderr.write(said))
    this.up = new Promise((resolve) => {
      worker.once('message', resolve)
      worker.once('exit', resolve)
    })
    worker.on('message', (answer: Answer | typeof UP) => this.take(answer))
    worker.on('error', (error: unknown) => events.onLost(threw(error)))
    worker.on('exit', () => events.onLost(left()))
  }

  /** Nothing before it is up: meanwhile others may do it. */
  get room(): number {
    return this.isUp ? this.most - this.waiting.length : 0
  }

  get isStarting(): boolean {
    return !this.isUp
  }

  give(asked: Asked): void {
    const { task, memory } = asked
    this.waiting.push(asked)
    const message: TaskMessage = { task, memory }
    this.worker.postMessage(message, [...memory, ...memoryOf(task)])
  }

  private take(answer: Answer | typeof UP): void {
    if (answer === UP) this.isUp = true
    else {
      const asked = this.waiting.shift()
      if ('result' in answer) asked?.resolve(answer.result)
      else asked?.reject(answer.failure)
    }
    this.events.onRoom()
  }

  /**
   * One that is still loading modules is waited for: where it is ended while a module is required, Node (20 to 26)
   * aborts the whole process.
   */
  async close(): Promise<void> {
    await this.up
    await this.worker.terminate()
  }
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
