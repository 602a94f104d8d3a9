/** Texts that an endpoint is given at first: enough for a usual batch and the next. */
const START = 32

/** A round in which this much more was answered is worth twice the level. */
const GROWTH = 1.08

/** Rounds without growth after which the level stays. One may be chance. */
const MISSES = 2

/** Rounds between two tries whether a little more is better now. */
const PATIENCE = 12

/** A round is not shorter than this, in milliseconds: what is measured in less is noise. */
const SHORTEST_ROUND = 10

/** What a round had: as many answers as there is room for. */
interface Round {
  readonly began: number
  answered: number
  shed: number
}

/** A level that is tried, and what to go back to. */
interface Trial {
  readonly before: number
  readonly rate: number
  /** The first round under a new level still has the old one in it. */
  rounds: number
}

/**
 * How many texts an endpoint has at a time, found by trying: the level doubles as long as more is answered for it,
 * then stays, and is tried a little higher now and then. When the server sheds load it goes down, unless less is
 * answered then: a server that fails at random would be driven down to nothing.
 *
 * Latency is not looked at: where a server gathers batches it grows while throughput does.
 */
export class Level {
  limit: number
  private round: Round
  private best = 0
  private misses = 0
  private settled = false
  private calm = 0
  private trial: (Trial & { readonly up: boolean }) | undefined
  /** Rounds for which shed load is borne, since going down did not help. */
  private bearing = 0
  private wanted = false

  /**
   * @param most the highest level
   * @param now a clock, in milliseconds
   */
  constructor(
    private readonly most: number,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.limit = Math.min(START, most)
    this.round = this.newRound()
  }

  /** There was more to do than the level allows: only then does a round say anything. */
  want(): void {
    this.wanted = true
  }

  /** Texts were answered. */
  answered(texts: number): void {
    this.round.answered += texts
    this.endRound()
  }

  /** Texts were turned away, or not answered in time. */
  shed(texts: number): void {
    this.round.shed += texts
    this.endRound()
  }

  private newRound(): Round {
    this.wanted = false
    return { began: this.now(), answered: 0, shed: 0 }
  }

  private endRound(): void {
    const { began, answered, shed } = this.round
    const elapsed = this.now() - began
    if (answered + shed < this.limit || elapsed < SHORTEST_ROUND) return
    const judged = this.wanted || shed > 0
    this.round = this.newRound()
    if (judged) this.judge(answered / elapsed, shed / (answered + shed))
  }

  /** @param rate answers a millisecond; @param share how much of the round was turned away */
  private judge(rate: number, share: number): void {
    if (this.trial) this.judgeTrial(this.trial, rate)
    else if (share > 0 && this.bearing === 0) this.try(this.limit * (1 - Math.max(0.25, share)), rate, false)
    else {
      if (this.bearing > 0) this.bearing--
      if (this.settled) this.stay(rate)
      else this.climb(rate)
    }
  }

  private climb(rate: number): void {
    if (rate > this.best * GROWTH) {
      this.best = rate
      this.misses = 0
      this.set(this.limit * 2)
    } else if (++this.misses >= MISSES) this.settled = true
  }

  private stay(rate: number): void {
    if (++this.calm >= PATIENCE) this.try(this.limit * 1.25, rate, true)
  }

  private try(limit: number, rate: number, up: boolean): void {
    this.trial = { before: this.limit, rate, rounds: 0, up }
    this.set(limit)
  }

  private judgeTrial(trial: Trial & { readonly up: boolean }, rate: number): void {
    if (++trial.rounds < 2) return
    this.trial = undefined
    this.calm = 0
    this.settled = true
    if (trial.up) {
      if (rate < trial.rate * 1.04) this.set(trial.before)
    } else if (rate < trial.rate * 0.85) {
      this.set(trial.before)
      this.bearing = PATIENCE
    }
  }

  private set(limit: number): void {
    this.limit = Math.max(1, Math.min(this.most, Math.round(limit)))
  }
}
