import type { IBackoff } from 'cockatiel'
import type { Endpoint } from './endpoint.js'
import type { Question, Scores } from './protocol.js'

/** A question on its way to being answered. */
export class Task {
  /** Tries that failed for reasons that may pass. */
  tries = 0
  /** Tries that an endpoint turned away, since it had too much to do. */
  shed = 0
  /** Tries that failed when the question was asked alone, so that it may be the question's fault. */
  blames = 0
  /** It is asked alone from now on: a neighbour's fault would be taken for its own, or its own for theirs. */
  alone = false
  settled = false
  /** It is in the queue, or will be after a while. */
  waiting = false
  /** Requests that have it in them. */
  out = 0
  /** The endpoint at which it failed last: another one comes first. */
  avoid: Endpoint | null = null
  backoff: IBackoff<object> | null = null

  constructor(
    readonly question: Question,
    private readonly onAnswer: (scores: Scores) => void,
    private readonly onFailure: (error: Error) => void,
  ) {}

  /** Whether nothing more need be done when a request that has it in it fails. */
  get isCovered(): boolean {
    return this.settled || this.waiting || this.out > 1
  }

  answer(scores: Scores): void {
    this.settled = true
    this.onAnswer(scores)
  }

  fail(error: Error): void {
    this.settled = true
    this.onFailure(error)
  }
}

/** Questions that wait for an endpoint: those that have waited before come first. */
export class TaskQueue {
  private readonly again: Task[] = []
  private fresh: Task[] = []
  private next = 0

  get length(): number {
    return this.again.length + this.fresh.length - this.next
  }

  add(task: Task): void {
    task.waiting = true
    this.fresh.push(task)
  }

  addAgain(task: Task): void {
    task.waiting = true
    this.again.push(task)
  }

  /**
   * Takes questions for one request.
   *
   * @param count how many at the most
   * @param refuses says of a question that it should rather go elsewhere
   */
  take(count: number, refuses: (task: Task) => boolean): Task[] {
    const taken: Task[] = []
    const fits = (task: Task) =>
      taken.length === 0 || (taken.length < count && !task.alone && !taken[0].alone)
    let full = false
    for (let i = 0; i < this.again.length && !full; ) {
      const task = this.again[i]
      if (task.settled) this.again.splice(i, 1)
      else if (refuses(task)) i++
      else if (fits(task)) taken.push(...this.again.splice(i, 1))
      else full = true
    }
    while (!full && this.next < this.fresh.length && fits(this.fresh[this.next])) {
      taken.push(this.fresh[this.next++])
    }
    if (this.next > 1024 && this.next * 2 > this.fresh.length) {
      this.fresh = this.fresh.slice(this.next)
      this.next = 0
    }
    for (const task of taken) task.waiting = false
    return taken
  }
}
