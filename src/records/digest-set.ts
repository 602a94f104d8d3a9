/// <reference lib="es2024.arraybuffer" />

/** How many segments a set has: one for each first byte of a digest. */
const SEGMENTS = 256

/** 32-bit words of a digest, and of a slot. */
const WORDS = 4
const SLOT_BYTES = WORDS * 4

/** Slots that a segment begins with. */
const FIRST_SLOTS = 16

/** How full a segment may be before it grows, or is full for good. */
const FULLEST = 0.9

/**
 * A set of 16-byte digests within a given memory: open addressing, 16 bytes a slot. It grows in place and segment by
 * segment, so that there is never a second copy of it.
 */
export class DigestSet {
  /** How many digests it holds. */
  size = 0
  private readonly segments: readonly Segment[]

  /** @param memory bytes that it may take */
  constructor(memory: number) {
    // One part is for the slots of the segment that is growing.
    const most = Math.floor(memory / SLOT_BYTES / (SEGMENTS + 1))
    const scratch = new Slots(most)
    this.segments = Array.from({ length: SEGMENTS }, () => new Segment(most, scratch))
  }

  /**
   * Adds a digest.
   *
   * @param digest at least 16 bytes, of which the first 16 count
   * @returns whether it is new; undefined if it is, and there is no room for it
   */
  add(digest: Buffer): boolean | undefined {
    const added = this.segments[digest[0]].add(
      digest.readUInt32LE(0),
      digest.readUInt32LE(4),
      digest.readUInt32LE(8),
      // All zeros stand for a free slot; the one digest in 2^128 that is so counts as its neighbour.
      digest.readUInt32LE(12) || 1,
    )
    if (added) this.size++
    return added
  }
}

/** Slots in memory that grows without moving. */
class Slots {
  private readonly buffer: ArrayBuffer
  readonly words: Uint32Array

  constructor(readonly most: number) {
    this.buffer = new ArrayBuffer(0, { maxByteLength: most * SLOT_BYTES })
    this.words = new Uint32Array(this.buffer)
  }

  /** What is new is zero. */
  resize(slots: number): void {
    this.buffer.resize(slots * SLOT_BYTES)
  }
}

class Segment {
  private readonly slots: Slots
  private capacity = 0
  private held = 0

  constructor(
    private readonly most: number,
    private readonly scratch: Slots,
  ) {
    this.slots = new Slots(most)
  }

  add(a: number, b: number, c: number, d: number): boolean | undefined {
    const { words } = this.slots
    if (this.capacity > 0) {
      const at = this.find(a, b, c, d)
      if (words[at + 3] !== 0) return false
      if (this.held < this.capacity * FULLEST) {
        this.put(at, a, b, c, d)
        return true
      }
    }
    if (!this.grow()) return undefined
    this.put(this.find(a, b, c, d), a, b, c, d)
    return true
  }

  /** Where a digest stands, or the free slot where it would. */
  private find(a: number, b: number, c: number, d: number): number {
    const { words } = this.slots
    const end = this.capacity * WORDS
    // The first byte says which segment it is; the second word spreads evenly within.
    let at = Math.floor((b / 0x1_0000_0000) * this.capacity) * WORDS
    while (words[at + 3] !== 0) {
      if (words[at + 1] === b && words[at] === a && words[at + 2] === c && words[at + 3] === d) return at
      at += WORDS
      if (at === end) at = 0
    }
    return at
  }

  private put(at: number, a: number, b: number, c: number, d: number): void {
    const { words } = this.slots
    words[at] = a
    words[at + 1] = b
    words[at + 2] = c
    words[at + 3] = d
    this.held++
  }

  /** Makes room by half. Returns false if there is none. */
  private grow(): boolean {
    const capacity = Math.min(this.most, Math.max(FIRST_SLOTS, Math.ceil(this.capacity * 1.5)))
    if (this.held >= Math.floor(capacity * FULLEST)) return false
    const old = this.capacity * WORDS
    const { words: kept } = this.scratch
    if (kept.length < old) this.scratch.resize(this.capacity)
    const { words } = this.slots
    kept.set(words.subarray(0, old))
    words.fill(0)
    this.slots.resize(capacity)
    this.capacity = capacity
    this.held = 0
    for (let at = 0; at < old; at += WORDS) {
      const [a, b, c, d] = [kept[at], kept[at + 1], kept[at + 2], kept[at + 3]]
      if (d !== 0) this.put(this.find(a, b, c, d), a, b, c, d)
    }
    return true
  }
}
