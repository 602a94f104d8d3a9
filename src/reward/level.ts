/** A round has at least so many texts: of fewer nothing can be said. */
const SMALLEST_ROUND = 8

/** A round is not shorter than this, in milliseconds: what is measured in less is noise. */
const SHORTEST_ROUND = 10

/** While the level doubles, this much more must be answered for the next doubling. */
const GROWTH = 1.08

/** Rounds between two tries whether another level is better: at first, and at the most, when they were in vain. */
const PATIENCE = { first: 12, most: 200 }

/** Rounds for which another level is tried: batches make single ones noisy. */
const TRIAL = 4

/** A little more is worth it if this much more is answered; a little less if not more than this is lost. */
const WORTH = 1.04

/** A larger share that is turned away is too much. */
const MOST_SHED = 0.02

/** What happened in a while. */
interface Tally {
  answered: number
  shed: number
  /** Milliseconds. */
  time: number
  rounds: number
}

/** A level that is tried, and what it was like before. */
interface Trial {
  readonly up: boolean
  readonly limit: number
  readonly rate: number
  readonly share: number
}

/**
 * How many texts an endpoint has at a time, found by trying: the level doubles as long as more is answered for it,
 * then stays, and now and then a little more is tried. When the server turns texts away a lower level is tried, and
 * kept if less is turned away and as much is answered: a server that fails at random would otherwise be driven down
 * to nothing.
 *
 * All is counted in rounds, in which as many texts come back as there is room for. Latency says nothing of what a
 * level is worth: where a server gathers batches it grows while throughput does.
 */
export class Level {
  limit: number
  private round = { began: 0, answered: 0, shed: 0, held: Number.POSITIVE_INFINITY, wanted: false }
  /** Since the level was set. */
  private tally: Tally = newTally()
  /** The first round under a new level still has the old one in it, and the very first one a beginning. */
  private mixed = true
  /** How long a text takes of late, in milliseconds. */
  private latency = 0
  /** Answers a millisecond before the last doubling. */
  private before = 0
  private settled = false
  private trial: Trial | undefined
  private patience = PATIENCE.first
  /** Rounds for which it is borne that texts are turned away, since going down did not help, and how many next time. */
  private bearing = 0
  private tolerance = PATIENCE.first

  /**
   * @param start the first level
   * @param most the highest level
   * @param now a clock, in milliseconds
   */
  constructor(
    private readonly start: number,
    private readonly most: number,
    private readonly now: () => number,
  ) {
    this.limit = Math.min(start, most)
    this.begin()
  }

  /** Whether it stays as it is for some rounds. */
  get isSettled(): boolean {
    return this.settled && this.trial === undefined
  }

  /** There is more to do than the level allows: only then does a round say what the level is worth. */
  want(): void {
    this.round.wanted = true
  }

  /** Texts were answered. @param latency milliseconds that it took */
  answered(texts: number, latency: number): void {
    this.round.answered += texts
    this.latency += (latency - this.latency) / 8
    this.endRound()
  }

  /**
   * Texts were turned away, or not answered in time.
   *
   * @param held how many others the server has at that moment: it does take these
   */
  shed(texts: number, held: number): void {
    this.round.shed += texts
    this.round.held = Math.min(this.round.held, held)
    this.endRound()
  }

  private begin(): void {
    this.round = { began: this.now(), answered: 0, shed: 0, held: Number.POSITIVE_INFINITY, wanted: false }
  }

  private endRound(): void {
    const { began, answered, shed, held, wanted } = this.round
    const time = this.now() - began
    const texts = answered + shed
    // What is turned away comes back sooner than what is answered: the round waits for both.
    if (texts < Math.max(this.limit, SMALLEST_ROUND) || time < Math.max(this.latency, SHORTEST_ROUND)) return
    this.begin()
    if (!wanted && shed === 0) return
    const share = shed / texts
    if (this.mixed && (answered > 0 || this.trial)) {
      this.mixed = false
      // Of a higher level that is too much no more than this is needed.
      if (this.trial?.up && share > this.trial.share + 5 * MOST_SHED) this.goBack(this.trial)
      return
    }
    const { tally } = this
    tally.answered += answered
    tally.shed += shed
    tally.time += time
    tally.rounds++
    this.judge(share, held)
  }

  private judge(share: number, held: number): void {
    const { rounds } = this.tally
    if (this.bearing > 0) this.bearing--
    if (this.trial) {
      if (rounds >= TRIAL) this.endTrial(this.trial)
      return
    }
    const lower = Math.max(1, Math.floor(Math.min(this.limit * 0.9, held)))
    if (share > MOST_SHED && this.bearing === 0 && lower < this.limit) this.try(lower)
    else if (!this.settled) this.climb()
    else if (rounds >= this.patience && this.limit < this.most) this.try(Math.ceil(this.limit * 1.25))
  }

  private climb(): void {
    const rate = rateOf(this.tally)
    if (rate > this.before * GROWTH && this.limit < this.most) {
      this.before = rate
      this.set(this.limit * 2)
    } else {
      this.settled = true
      // The last doubling brought nothing.
      if (this.limit > this.start) this.set(Math.ceil(this.limit / 2))
    }
  }

  private try(limit: number): void {
    const { tally } = this
    this.trial = { up: limit > this.limit, limit: this.limit, rate: rateOf(tally), share: shareOf(tally) }
    this.set(limit)
  }

  private endTrial(trial: Trial): void {
    const rate = rateOf(this.tally)
    const share = shareOf(this.tally)
    if (trial.up) {
      if (rate < trial.rate * WORTH || share > trial.share + MOST_SHED) this.goBack(trial)
      else {
        this.trial = undefined
        // Where a little more was better, still more may be.
        this.patience = TRIAL
        this.tally = newTally()
      }
    } else if (share < trial.share * 0.75 && rate * WORTH >= trial.rate) {
      this.trial = undefined
      this.settled = true
      this.tolerance = PATIENCE.first
      this.tally = newTally()
    } else this.goBack(trial)
  }

  /** The trial was in vain: the next one is later. */
  private goBack({ up, limit }: Trial): void {
    this.trial = undefined
    if (up) this.patience = Math.min(Math.max(this.patience, PATIENCE.first) * 2, PATIENCE.most)
    else {
      this.bearing = this.tolerance
      this.tolerance = Math.min(this.tolerance * 2, PATIENCE.most)
    }
    this.set(limit)
  }

  private set(limit: number): void {
    this.limit = Math.min(this.most, limit)
    this.tally = newTally()
    this.mixed = true
  }
}

const newTally = (): Tally => ({ answered: 0, shed: 0, time: 0, rounds: 0 })

const rateOf = ({ answered, time }: Tally): number => answered / time

const shareOf = ({ answered, shed }: Tally): number => shed / (answered + shed)
