import { Level } from './level.js'

/** Milliseconds that a place rests whose text was turned away, of which a part is drawn: at first and at the most. */
const REST = { first: 100, most: 5000 }

/** Texts that are turned away one after the other before it may be that nothing else will come. */
const REFUSALS = 40

/** The places that an endpoint has for texts, and how many of them are taken. */
export class Places {
  level: Level
  /** Texts that are on their way. */
  inFlight = 0
  /** Those of them that were asked a second time, since no answer is likely to come any more. */
  stalled = 0
  /** Places that rest, since the server turned away what came there. */
  private resting = 0
  /** Texts that were turned away since the last answer. */
  private shedInRow = 0

  /**
   * @param most how many there may be
   * @param now a clock, in milliseconds
   */
  constructor(
    private readonly most: number,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.level = new Level(most, most, now)
  }

  /** Texts that there is room for now. */
  get room(): number {
    return this.level.limit - this.inFlight - this.resting + this.stalled
  }

  /** How much of all that there is room for is taken: 1 is all of it. */
  get load(): number {
    return 1 - this.room / this.level.limit
  }

  /** Begins anew: what a server could do before it was gone says nothing. @param start how many there are at first */
  restart(start: number): void {
    this.shedInRow = 0
    this.level = new Level(start, this.most, this.now)
  }

  /** Texts were answered. @param latency milliseconds that it took */
  answered(texts: number, latency: number): void {
    this.shedInRow = 0
    this.level.answered(texts, latency)
  }

  /** Texts that are still on their way were not answered in time. */
  timedOut(texts: number): void {
    this.level.shed(texts, this.inFlight - texts)
  }

  /**
   * Texts that are still on their way were turned away. Their places rest for a while, so that the next ones are not
   * turned away at once: the longer, the more were turned away since the last answer.
   *
   * @param wait milliseconds that the server asks for
   * @returns milliseconds for which the places rest; `rested` must be called then
   */
  shed(texts: number, wait: number): number {
    const doublings = Math.floor(this.shedInRow / this.level.limit)
    this.shedInRow += texts
    this.resting += texts
    this.level.shed(texts, this.inFlight - texts)
    return Math.max(wait, Math.random() * Math.min(REST.first * 2 ** doublings, REST.most))
  }

  /** Places have rested. */
  rested(texts: number): void {
    this.resting -= texts
  }

  /** Whether all that came of late was turned away, and nothing but these texts is on its way. */
  isRefusing(texts: number): boolean {
    return this.inFlight === texts && this.shedInRow >= Math.max(2 * this.level.limit, REFUSALS)
  }
}
