const BLOCK = 1 << 16

/** A growing list of positions, 8 bytes each: it grows by blocks, so that it is never copied. */
export class Starts {
  private readonly blocks: Float64Array[] = []
  private length = 0

  get count(): number {
    return this.length
  }

  add(start: number): void {
    const index = this.length++ & (BLOCK - 1)
    if (index === 0) this.blocks.push(new Float64Array(BLOCK))
    this.blocks[this.blocks.length - 1][index] = start
  }

  at(index: number): number {
    return this.blocks[Math.floor(index / BLOCK)][index & (BLOCK - 1)]
  }
}
