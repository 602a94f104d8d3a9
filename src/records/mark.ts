/**
 * A point between two records. It travels through the stages behind the records before it, and each stage notes what
 * it must know to go on from there: when it has come to the end, all of the notes together are a checkpoint. A stage
 * that holds records back lets it go no further.
 */
export class Mark {
  private readonly notes = new Map<object, unknown>()

  /** @param passesAll goes on also where one could not begin anew: it only tells that what was before it has come */
  constructor(readonly passesAll = false) {}

  /** @param who the stage, or whoever else has something to remember */
  note(who: object, note: unknown): void {
    this.notes.set(who, note)
  }

  noteOf(who: object): unknown {
    return this.notes.get(who)
  }
}
