/** Buckets for each doubling of the latency: a percentile is right to within 5%. */
const PER_DOUBLING = 14

/** How long things took, in a memory that does not grow: counts in buckets that widen with the latency. */
export class Latencies {
  private readonly counts: number[] = []
  count = 0

  /** @param milliseconds how long it took */
  add(milliseconds: number): void {
    const bucket = Math.max(0, Math.round(Math.log2(Math.max(milliseconds, 0.01) * 100) * PER_DOUBLING))
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1
    this.count++
  }

  /** The latency in milliseconds that a fraction of them did not exceed; NaN if there are none. */
  percentile(fraction: number): number {
    let left = Math.ceil(this.count * fraction)
    for (const [bucket, count] of this.counts.entries()) {
      left -= count ?? 0
      if (left <= 0 && this.count > 0) return 2 ** (bucket / PER_DOUBLING) / 100
    }
    return Number.NaN
  }
}
