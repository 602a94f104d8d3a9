/** What a stage has counted, as JSON can spell it. */
export interface SavedCounters {
  readonly in: number
  readonly out: number
  readonly leftOut: Readonly<Record<string, number>>
  readonly dropped: Readonly<Record<string, number>>
  readonly notes: Readonly<Record<string, number>>
}

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

  save(): SavedCounters {
    return {
      in: this.in,
      out: this.out,
      leftOut: Object.fromEntries(this.leftOut),
      dropped: Object.fromEntries(this.dropped),
      notes: Object.fromEntries(this.notes),
    }
  }

  /** What was counted since the last time: begins anew. */
  take(): SavedCounters {
    const saved = this.save()
    this.in = 0
    this.out = 0
    for (const counts of [this.leftOut, this.dropped, this.notes]) counts.clear()
    return saved
  }

  /** Adds what was counted elsewhere. */
  add(saved: SavedCounters): void {
    this.in += saved.in
    this.out += saved.out
    for (const [reason, count] of Object.entries(saved.leftOut)) add(this.leftOut, reason, count)
    for (const [reason, count] of Object.entries(saved.dropped)) add(this.dropped, reason, count)
    for (const [what, count] of Object.entries(saved.notes)) add(this.notes, what, count)
  }

  /** Goes on from what was counted before. */
  restore(saved: SavedCounters): void {
    this.in = saved.in
    this.out = saved.out
    for (const [reason, count] of Object.entries(saved.leftOut)) this.leftOut.set(reason, count)
    for (const [reason, count] of Object.entries(saved.dropped)) this.dropped.set(reason, count)
    for (const [what, count] of Object.entries(saved.notes)) this.notes.set(what, count)
  }
}

function add(counts: Map<string, number>, reason: string, count: number): void {
  counts.set(reason, (counts.get(reason) ?? 0) + count)
}
