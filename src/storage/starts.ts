const BLOCK = 1 << 16
const MOST_BEHIND = 2 ** 32 - 1

/**
 * A growing list of positions, each of them behind the one before: it grows by blocks, so that it is never copied. A
 * position takes 4 bytes, or 8 where the 65,536 of a block are further apart than that holds: 64 KiB each.
 */
export class Starts {
  /** Where each block begins, and how far behind that its positions are. */
  private readonly bases: number[] = []
  private readonly blocks: (Uint32Array | Float64Array)[] = []
  private length = 0

  get count(): number {
    return this.length
  }

  add(start: number): void {
    const index = this.length++ & (BLOCK - 1)
    if (index === 0) {
      this.bases.push(start)
      this.blocks.push(new Uint32Array(BLOCK))
    }
    const last = this.blocks.length - 1
    const behind = start - this.bases[last]
    if (behind > MOST_BEHIND && this.blocks[last] instanceof Uint32Array)
      this.blocks[last] = Float64Array.from(this.blocks[last])
    this.blocks[last][index] = behind
  }

  at(index: number): number {
    const block = Math.floor(index / BLOCK)
    return this.bases[block] + this.blocks[block][index & (BLOCK - 1)]
  }
}
