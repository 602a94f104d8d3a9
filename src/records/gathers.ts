/** How a record stands to its neighbours: it stands alone, begins a whole, or goes on with the one that has begun. */
export type Tie = 'alone' | 'first' | 'next'

/** What makes something of several neighbouring records together, such as the messages of one tree. */
export interface Gathers<In, Out> {
  /** Called once for each record, in order, before it is worked on. Refuses nothing. */
  tie(record: In): Tie
  /**
   * Called when the records of a whole have been worked on, also when one of them was bad.
   *
   * @returns what they give, in batches that are made as they are asked for; whoever asks for none has begun anew
   */
  end(): Iterable<readonly Out[]>
}
