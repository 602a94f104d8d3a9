/** A request that waits for its turn. */
export interface Job {
  /** How many texts it has. */
  readonly size: number
  /** Called when they are scored. */
  readonly done: () => void
}

/** How long a model takes. */
export interface Pace {
  /** Texts at once. */
  readonly batch: number
  /** Milliseconds of a batch. */
  readonly latency: number
  /** Milliseconds that each of its texts adds. */
  readonly perItem: number
}

/**
 * Works as a model on a GPU does: one batch at a time, of what has gathered in the meantime. The texts of a request
 * stay together; one that is larger than a batch is worked off in several.
 */
export class Batches {
  private readonly waiting: Job[] = []
  private busy = false
  private paused = false

  /** @param worked is called after each turn with the number of batches that it took */
  constructor(
    private readonly pace: Pace,
    private readonly worked: (batches: number) => void,
  ) {}

  add(job: Job): void {
    this.waiting.push(job)
    this.next()
  }

  /** Forgets a job that has not had its turn. */
  cancel(job: Job): void {
    const at = this.waiting.indexOf(job)
    if (at >= 0) this.waiting.splice(at, 1)
  }

  /** Takes no new batch until `resume`. */
  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
    this.next()
  }

  private next(): void {
    if (this.busy || this.paused || this.waiting.length === 0) return
    this.busy = true
    // What comes in the same moment is in the batch too.
    setImmediate(() => this.work())
  }

  private work(): void {
    if (this.paused) {
      this.busy = false
      return
    }
    const { batch, latency, perItem } = this.pace
    const jobs: Job[] = []
    let size = 0
    while (this.waiting.length > 0 && (size === 0 || size + this.waiting[0].size <= batch)) {
      size += this.waiting[0].size
      jobs.push(...this.waiting.splice(0, 1))
    }
    const rounds = Math.ceil(size / batch)
    const finish = () => {
      this.worked(rounds)
      this.busy = false
      for (const { done } of jobs) done()
      this.next()
    }
    const duration = rounds * latency + size * perItem
    if (duration > 0) setTimeout(finish, duration)
    else finish()
  }
}
