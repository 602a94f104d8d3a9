import type { Endpoint } from './endpoint.js'
import type { Task } from './task.js'

/** A request that is out for this many times what most take, and a second, is not likely to be answered any more. */
const OVERDUE = { times: 4, atLeast: 1000 }

/** Answers of an endpoint after which it is known what most take. */
const KNOWN_AFTER = 10

/** How much of what an endpoint has may be asked again at the same endpoint, while it is out. More would be a stall. */
const MOST_STALLED = { share: 1 / 8, atLeast: 4 }

/** A request that is out. */
export class Attempt {
  readonly began = performance.now()
  readonly controller = new AbortController()
  /** Its texts were asked a second time. */
  stalled = false

  constructor(
    readonly endpoint: Endpoint,
    readonly tasks: readonly Task[],
  ) {}

  /** Milliseconds since it was sent. */
  get age(): number {
    return performance.now() - this.began
  }
}

/** The requests that are out. */
export class Attempts {
  private readonly out = new Set<Attempt>()

  add(attempt: Attempt): void {
    const { endpoint, tasks } = attempt
    this.out.add(attempt)
    endpoint.places.inFlight += tasks.length
    endpoint.requests++
    endpoint.texts += tasks.length
    for (const task of tasks) task.out++
  }

  remove(attempt: Attempt): void {
    const { endpoint, tasks, stalled } = attempt
    this.out.delete(attempt)
    endpoint.places.inFlight -= tasks.length
    if (stalled) endpoint.places.stalled -= tasks.length
    for (const task of tasks) task.out--
  }

  /**
   * Texts that are out for far longer than most, to be asked a second time: elsewhere, or, a few of them, at the same
   * endpoint. Their places are free again.
   *
   * @param hasOther whether there is another endpoint
   */
  *overdue(hasOther: (than: Endpoint) => boolean): Generator<Task> {
    for (const attempt of this.out) {
      const { endpoint, tasks, age } = attempt
      const { latencies, places } = endpoint
      if (latencies.count < KNOWN_AFTER) continue
      if (age < Math.max(OVERDUE.atLeast, latencies.percentile(0.95) * OVERDUE.times)) continue
      if (!attempt.stalled) {
        const most = Math.max(MOST_STALLED.atLeast, places.level.limit * MOST_STALLED.share)
        if (!hasOther(endpoint) && places.stalled + tasks.length > most) continue
        attempt.stalled = true
        places.stalled += tasks.length
      }
      for (const task of tasks) {
        if (task.isCovered) continue
        task.avoid = endpoint
        yield task
      }
    }
  }

  /** Gives requests up that have nothing left to wait for, since a text was answered elsewhere. */
  abandon(answered: Task): void {
    for (const { tasks, controller } of this.out) {
      if (tasks.includes(answered) && tasks.every(({ settled }) => settled)) controller.abort()
    }
  }
}
