/**
 * Python's `random.Random`, as far as it is needed here: MT19937 seeded with an integer, `random` and `shuffle`.
 * After CPython's `_randommodule.c` (`init_by_array`, `genrand_uint32`, `random_random`) and `random.py`
 * (`_randbelow_with_getrandbits`, `shuffle`).
 */

const SIZE = 624
const PERIOD = 397

/** The state of a generator, as JSON can spell it. */
export interface SavedRandom {
  readonly index: number
  readonly words: readonly number[]
}

/** A Mersenne Twister in the state that `random.seed(n)` leaves Python's in. */
export class PythonRandom {
  private readonly state = new Uint32Array(SIZE)
  private index = SIZE

  /** How many words its state has. */
  static readonly words = SIZE

  /** @param seed an integer; as in Python, its sign does not matter */
  constructor(seed: number | bigint) {
    this.seedWithArray(wordsOf(seed))
  }

  private seedWithNumber(seed: number): void {
    const { state } = this
    state[0] = seed
    for (let i = 1; i < SIZE; i++) {
      const previous = state[i - 1] ^ (state[i - 1] >>> 30)
      state[i] = Math.imul(1812433253, previous) + i
    }
  }

  private seedWithArray(key: readonly number[]): void {
    const { state } = this
    this.seedWithNumber(19650218)
    let i = 1
    let j = 0
    for (let k = Math.max(SIZE, key.length); k > 0; k--) {
      const previous = state[i - 1] ^ (state[i - 1] >>> 30)
      state[i] = (state[i] ^ Math.imul(previous, 1664525)) + key[j] + j
      if (++i >= SIZE) {
        state[0] = state[SIZE - 1]
        i = 1
      }
      if (++j >= key.length) j = 0
    }
    for (let k = SIZE - 1; k > 0; k--) {
      const previous = state[i - 1] ^ (state[i - 1] >>> 30)
      state[i] = (state[i] ^ Math.imul(previous, 1566083941)) - i
      if (++i >= SIZE) {
        state[0] = state[SIZE - 1]
        i = 1
      }
    }
    state[0] = 0x80000000
  }

  save(): SavedRandom {
    return { index: this.index, words: [...this.state] }
  }

  /** Goes on from where another one was. */
  restore({ index, words }: SavedRandom): void {
    this.index = index
    this.state.set(words)
  }

  /** The next 32 random bits. */
  nextWord(): number {
    if (this.index >= SIZE) this.twist()
    let word = this.state[this.index++]
    word ^= word >>> 11
    word ^= (word << 7) & 0x9d2c5680
    word ^= (word << 15) & 0xefc60000
    word ^= word >>> 18
    return word >>> 0
  }

  private twist(): void {
    const { state } = this
    for (let i = 0; i < SIZE; i++) {
      const mixed = (state[i] & 0x80000000) | (state[(i + 1) % SIZE] & 0x7fffffff)
      state[i] = state[(i + PERIOD) % SIZE] ^ (mixed >>> 1) ^ (mixed & 1 ? 0x9908b0df : 0)
    }
    this.index = 0
  }

  /** A number from 0 up to, not including, 1: Python's `random()`, 53 bits. */
  next(): number {
    const high = this.nextWord() >>> 5
    const low = this.nextWord() >>> 6
    return (high * 2 ** 26 + low) / 2 ** 53
  }

  /** A random integer from 0 up to, not including, `limit`, which is at most 2^32. */
  below(limit: number): number {
    const shift = Math.clz32(limit)
    for (;;) {
      // As many bits as the limit has; what is not below it is drawn again.
      const drawn = limit === 2 ** 32 ? this.nextWord() : this.nextWord() >>> shift
      if (drawn < limit) return drawn
    }
  }

  /** Shuffles in place, as Python's `random.shuffle` does. */
  shuffle(list: Uint32Array): void {
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.below(i + 1)
      const held = list[i]
      list[i] = list[j]
      list[j] = held
    }
  }
}

/** The absolute value of an integer as 32-bit words, the lowest first. */
function wordsOf(seed: number | bigint): number[] {
  let rest = BigInt(seed)
  if (rest < 0n) rest = -rest
  const words: number[] = []
  do {
    words.push(Number(rest & 0xffffffffn))
    rest >>= 32n
  } while (rest > 0n)
  return words
}
