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
  leftOut = new Map<string, number>()
  /** Records that a stage was told to drop, by the stage's name for it: a filter's expression, `limit`. */
  dropped = new Map<string, number>()
  /** What went through and should be told all the same, by what it is. */
  notes = new Map<string, number>()

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
    // Not cleared: that makes a new table, to which the old one points, and once one of them has outlived the young
    // generation so do all of them.
    if (this.leftOut.size > 0) this.leftOut = new Map()
    if (this.dropped.size > 0) this.dropped = new Map()
    this.takeNotes()
    return saved
  }

  /** What was noted since the last time: begins anew. */
  takeNotes(): ReadonlyMap<string, number> {
    const { notes } = this
    if (notes.size > 0) this.notes = new Map()
    return notes
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
