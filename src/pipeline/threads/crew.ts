import type { SteerpipeError } from '../../errors.js'
import { compileLess, limitHeapGrowth } from './engine.js'
import type { RowPlan, Task, TaskResult } from './messages.js'
import { OwnHand } from './own-hand.js'
import { ThreadHand } from './thread-hand.js'

/** Tasks that are under way for each hand: one is worked on, others are there when it is done, also while another lags. */
const TASKS_PER_HAND = 4

/** A task, and whoever waits for what it comes to. */
export interface Asked {
  readonly task: Task
  /** Handed over to write lines into. */
  readonly memory: ArrayBuffer[]
  readonly resolve: (result: TaskResult) => void
  readonly reject: (failure: unknown) => void
}

/** Who does tasks, one after the other. */
export interface Hand {
  /** How many more tasks it takes now. */
  readonly room: number
  /** It has no room because it is still being started. */
  readonly isStarting: boolean
  give(asked: Asked): void
  /** Ends it, whatever it is at. Resolves when it does nothing any more. */
  close(): Promise<void>
}

/** What a hand tells. */
export interface HandEvents {
  /** It has room again. */
  readonly onRoom: () => void
  /** It has ended by itself; what it was at is lost. */
  readonly onLost: (error: SteerpipeError) => void
}

/** The end of all hands. */
interface End {
  /** What those are told who wait, or come later. */
  readonly reason: unknown
  /** Resolves when nobody does anything any more. */
  readonly over: Promise<unknown>
}

/**
 * Threads that all have the same row of stages. They are started when there is work for them, and while they start this
 * thread does the work. Beside them it does what they have no room for: with two processors the second one would else
 * be a second thread's, which has to compile the same code once more.
 */
export class Crew {
  private readonly hands: Hand[] = []
  /** Tasks that nobody has room for yet. */
  private readonly asked: Asked[] = []
  private readonly open = new Set<Asked>()
  private end: End | undefined

  /**
   * @param size the most threads, this one among them if it may do the work
   * @param isFed whether this thread has to bring what tasks are made of, such as what is unpacked: as long as it works
   *   on one no other one comes, so that others are started though there is never a task too many
   */
  constructor(
    private readonly plan: RowPlan,
    private readonly size: number,
    private readonly isFed = false,
  ) {
    compileLess()
    limitHeapGrowth()
  }

  /** Whether this thread is one of them. What a module of the user's does may take for ever, or end its thread. */
  get worksHere(): boolean {
    return !this.plan.hasUserCode
  }

  /** How many tasks keep all hands busy. */
  get room(): number {
    return this.size * TASKS_PER_HAND
  }

  /**
   * Has a task done.
   *
   * @param memory handed over to write lines into
   * @throws what is a defect or the system's; SteerpipeError THREAD_LOST
   */
  run(task: Task, memory: ArrayBuffer[]): Promise<TaskResult> {
    const result = new Promise<TaskResult>((resolve, reject) => {
      const asked: Asked = {
        task,
        memory,
        resolve: (found) => this.open.delete(asked) && resolve(found),
        reject: (failure) => this.open.delete(asked) && reject(failure),
      }
      this.open.add(asked)
      if (this.end) asked.reject(this.end.reason)
      else this.asked.push(asked)
    })
    result.catch(() => {}) // told where it is awaited, which may be later than it happens
    this.handOut()
    return result
  }

  private handOut(): void {
    while (this.asked.length > 0 && !this.end) {
      const hand = this.roomiest()
      if (hand !== undefined) {
        for (const asked of this.asked.splice(0, 1)) hand.give(asked)
        if (this.isFed && this.hands.length < this.size) this.hands.push(this.newHand())
      } else if (this.hands.length < this.size && this.asked.length > this.starting)
        this.hands.push(this.newHand())
      else return
    }
  }

  /** How many hands will soon take what nobody has room for. */
  private get starting(): number {
    return this.hands.filter(({ isStarting }) => isStarting).length
  }

  private roomiest(): Hand | undefined {
    let found: Hand | undefined
    for (const hand of this.hands) if (hand.room > (found?.room ?? 0)) found = hand
    return found
  }

  private newHand(): Hand {
    const events: HandEvents = {
      onRoom: () => this.handOut(),
      onLost: (error) => void this.close(error),
    }
    if (this.hands.length === 0 && this.worksHere) return new OwnHand(this.plan, events)
    return new ThreadHand(this.plan, TASKS_PER_HAND, events)
  }

  /**
   * Ends the threads, whatever they are at, also one that would never end by itself. Resolves when none of them does
   * anything any more.
   *
   * @param reason what those who wait are told; one who has closed before has said it already
   */
  async close(reason: unknown): Promise<void> {
    this.end ??= { reason, over: Promise.all(this.hands.map((hand) => hand.close())) }
    for (const { reject } of this.open) reject(this.end.reason)
    await this.end.over
  }
}
