/** Numbers that look random and are the same each time, by Mulberry32. */
export class Random {
  private state: number

  /** @param seeds whole numbers; other ones give other numbers */
  constructor(...seeds: readonly number[]) {
    this.state = seeds.reduce(
      (state, seed) => Math.imul(state ^ seed, 0x9e3779b1) ^ (state >>> 15),
      0x2545f491,
    )
  }

  /** A whole number from 0 up to, but not including, `end`. */
  below(end: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0
    let bits = Math.imul(this.state ^ (this.state >>> 15), this.state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return Math.floor((((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32) * end)
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]
  }

  /** True one time in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0
  }
}
