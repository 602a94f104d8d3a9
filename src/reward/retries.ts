import { ExponentialBackoff, fullJitterGenerator } from 'cockatiel'
import type { Task } from './task.js'

/** Retries that a run may have for each text that was answered, and before there are many of these. */
const BUDGET = { perText: 2, before: 10_000 }

/** Milliseconds, the first of them at the most; of each a part is drawn. */
const BACKOFF = new ExponentialBackoff({
  generator: fullJitterGenerator,
  initialDelay: 100,
  maxDelay: 5000,
})

/** When texts are asked again, how often, and why. */
export class Retries {
  /** How many there were, by cause. */
  readonly causes = new Map<string, number>()
  private readonly timers = new Set<NodeJS.Timeout>()
  private spent = 0

  get count(): number {
    return [...this.causes.values()].reduce((sum, count) => sum + count, 0)
  }

  /** Counts one that is not paid for by the budget. */
  note(cause: string): void {
    this.causes.set(cause, (this.causes.get(cause) ?? 0) + 1)
  }

  /** Counts one. Returns whether the budget has it. @param answered texts that were answered so far */
  spend(cause: string, answered: number): boolean {
    this.note(cause)
    return ++this.spent <= BUDGET.before + answered * BUDGET.perText
  }

  /** Milliseconds until the next try of a text. */
  pauseOf(task: Task): number {
    task.backoff = (task.backoff ?? BACKOFF).next({})
    return task.backoff.duration
  }

  /** Does something after a while, unless it is cleared before. */
  after(milliseconds: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer)
      act()
    }, milliseconds)
    this.timers.add(timer)
  }

  /** Nothing is done after a while any more. */
  clear(): void {
    for (const timer of this.timers) clearTimeout(timer)
    this.timers.clear()
  }
}
