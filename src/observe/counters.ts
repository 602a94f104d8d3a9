/** What a stage has seen: records in and out, what became of the others, and what else should be told. */
export class Counters {
  /** Records that came in. */
  in = 0
  /** Records that went out. */
  out = 0
  /** Records left out, by reason (an error's code, or `partner`). */
  readonly leftOut = new Map<string, number>()
  /** Records that a stage was told to drop, by the stage's name for it: a filter's expression, `limit`. */
  readonly dropped = new Map<string, number>()
  /** What went through and should be told all the same, by what it is. */
  readonly notes = new Map<string, number>()

  leaveOut(reason: string, count = 1): void {
    add(this.leftOut, reason, count)
  }

  drop(reason: string, count = 1): void {
    add(this.dropped, reason, count)
  }

  note(what: string, count = 1): void {
    add(this.notes, what, count)
  }
}

function add(counts: Map<string, number>, reason: string, count: number): void {
  counts.set(reason, (counts.get(reason) ?? 0) + count)
}
