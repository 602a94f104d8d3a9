import type { Asked, Hand, HandEvents } from './crew.js'
import { Lane } from './lane.js'
import type { RowPlan } from './messages.js'

/** This thread: it does a task at a time, and in between takes in what the others have done. */
export class OwnHand implements Hand {
  readonly isStarting = false
  private readonly lane: Lane
  private busy = false
  private closed = false
  private working: Promise<void> = Promise.resolve()

  constructor(
    plan: RowPlan,
    private readonly events: HandEvents,
  ) {
    this.lane = new Lane(plan)
  }

  get room(): number {
    return this.busy || this.closed ? 0 : 1
  }

  give(asked: Asked): void {
    this.busy = true
    // What the others have sent by now comes first.
    setImmediate(() => {
      if (!this.closed) this.working = this.work(asked)
    })
  }

  private async work({ task, memory, resolve, reject }: Asked): Promise<void> {
    try {
      resolve(await this.lane.run(task, memory))
    } catch (failure) {
      reject(failure)
    }
    this.busy = false
    if (!this.closed) this.events.onRoom()
  }

  async close(): Promise<void> {
    this.closed = true
    this.lane.close()
    await this.working
  }
}
