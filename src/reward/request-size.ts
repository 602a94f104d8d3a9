/** Texts of a larger request that is tried. */
const TRIED = 8

/** It is kept if this much more is answered. */
const WORTH = 1.05

/** What is measured in fewer texts, or less time, is noise. */
const SHORTEST = { texts: 64, milliseconds: 100 }

/**
 * How many texts a request has. One fills a server's batches best, but each request costs the server something: once
 * the level of the endpoint has settled, larger ones are tried, and kept if more is answered then.
 */
export class RequestSize {
  size: number
  private step: 'before' | 'mixed' | 'trying' | 'done'
  /** The level under which it is measured. */
  private limit = 0
  private began = 0
  private texts = 0
  /** Answers a millisecond with the usual size. */
  private before = 0

  /**
   * @param usual texts of a request to begin with
   * @param most texts that a request may have
   * @param now a clock, in milliseconds
   */
  constructor(
    private readonly usual: number,
    private readonly most: number,
    private readonly now: () => number,
  ) {
    this.size = Math.min(usual, most)
    this.step = usual >= TRIED || most <= usual ? 'done' : 'before'
  }

  /**
   * Texts were answered.
   *
   * @param limit how many the endpoint has at a time
   * @param settled whether that is to stay so
   */
  answered(texts: number, limit: number, settled: boolean): void {
    if (this.step === 'done') return
    if (!settled || limit !== this.limit) {
      this.limit = limit
      this.size = Math.min(this.usual, this.most)
      this.begin('before')
      return
    }
    this.texts += texts
    const time = this.now() - this.began
    if (this.texts < Math.max(SHORTEST.texts, 2 * limit) || time < SHORTEST.milliseconds) return
    this.judge(this.texts / time)
  }

  private judge(rate: number): void {
    if (this.step === 'before') {
      this.before = rate
      this.size = Math.min(TRIED, this.most)
      this.begin('mixed')
    } else if (this.step === 'mixed') this.begin('trying')
    else {
      if (rate < this.before * WORTH) this.size = this.usual
      this.step = 'done'
    }
  }

  private begin(step: 'before' | 'mixed' | 'trying'): void {
    this.step = step
    this.texts = 0
    this.began = this.now()
  }
}
