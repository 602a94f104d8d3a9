/** What a stage has seen: records in and out, records left out by reason, and what else should be told. */
export class Counters {
  /** Records that came in. */
  in = 0
  /** Records that went out. */
  out = 0
  /** Records left out, by reason (an error's code, or `partner`). */
  readonly leftOut = new Map<string, number>()
  /** What went through and should be told all the same, by what it is. */
  readonly notes = new Map<string, number>()

  leaveOut(reason: string, count = 1): void {
    this.leftOut.set(reason, (this.leftOut.get(reason) ?? 0) + count)
  }

  note(what: string, count = 1): void {
    this.notes.set(what, (this.notes.get(what) ?? 0) + count)
  }
}
