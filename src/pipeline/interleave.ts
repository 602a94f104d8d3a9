import type { SteerpipeError } from '../errors.js'
import { type AnyRecord, Batch } from '../records/batch.js'
import type { LeftOut } from '../records/left-out.js'
import { PythonRandom } from '../records/python-random.js'

/** How many records are gathered into one batch. */
const GATHERED = 256

/**
 * The records of several sources, mixed: each next unit is that of a source drawn at random, in proportion to the
 * weights, among those that have not come to their end. Nothing is lost, each source keeps its order, and how the
 * records come in batches does not matter. The draw is `random.random() * total`, in Python's terms, walked along
 * the weights. When one source is left its batches pass on as they are.
 *
 * @param sources are closed at the end, also when the consumer stops early
 * @param weights one for each source, greater than 0
 * @param seed as for Python's `random.seed`
 * @returns batches of which the last may have an error: that of the first source that comes upon one
 */
export async function* interleave(
  sources: readonly AsyncGenerator<Batch>[],
  weights: readonly number[],
  seed: number,
): AsyncGenerator<Batch> {
  const random = new PythonRandom(seed)
  const aside: LeftOut[] = []
  const feeds = sources.map((batches, index) => new Feed(batches, weights[index], aside))
  let gathered = new Gathered()
  try {
    for (const feed of feeds) {
      const error = await feed.fill()
      if (error) {
        yield withAside(Batch.failed(error), aside)
        return
      }
    }
    let live = feeds.filter(({ ended }) => !ended)
    while (live.length > 1) {
      const feed = draw(live, random)
      gathered.add(feed)
      const error = feed.isEmpty ? await feed.fill() : null
      if (error || gathered.size >= GATHERED) {
        yield withAside(gathered.batch(error), aside)
        gathered = new Gathered()
      }
      if (error) return
      if (feed.ended) live = live.filter((other) => other !== feed)
    }
    if (gathered.size > 0 || aside.length > 0) yield withAside(gathered.batch(null), aside)
    for (const last of live) yield* last.rest()
  } finally {
    await Promise.all(sources.map((batches) => batches.return(undefined)))
  }
}

/** The batch, with what was left out of the sources until now. */
function withAside(batch: Batch, aside: LeftOut[]): Batch {
  batch.leftOut = aside.splice(0)
  return batch
}

/** The source of the next unit. */
function draw(live: readonly Feed[], random: PythonRandom): Feed {
  let total = 0
  for (const { weight } of live) total += weight
  let left = random.next() * total
  for (const feed of live) {
    if (left < feed.weight) return feed
    left -= feed.weight
  }
  // Sums of floats may leave a trifle.
  return live[live.length - 1]
}

/** A source, unit by unit. */
class Feed {
  ended = false
  private batch: Batch = new Batch([])
  /** Where the next unit begins in the batch. */
  private start = 0
  private unit = 0

  constructor(
    private readonly batches: AsyncGenerator<Batch>,
    readonly weight: number,
    private readonly aside: LeftOut[],
  ) {}

  /** Whether the batch has no more units. */
  get isEmpty(): boolean {
    return this.start >= this.batch.records.length
  }

  /** Whether units are more than single records. */
  get binds(): boolean {
    return this.batch.unitEnds !== null
  }

  /** Gets the next batch with units. Returns the error that comes instead, if any. */
  async fill(): Promise<SteerpipeError | null> {
    while (this.isEmpty) {
      if (this.batch.error) return this.batch.error
      const { done, value } = await this.batches.next()
      if (done) {
        this.ended = true
        return null
      }
      this.batch = value
      for (const each of value.leftOut) this.aside.push(each)
      this.start = 0
      this.unit = 0
    }
    return null
  }

  /** Moves the next unit behind the records. */
  take(into: AnyRecord[]): void {
    const { records, unitEnds } = this.batch
    const end = unitEnds === null ? this.start + 1 : unitEnds[this.unit++]
    for (; this.start < end; this.start++) into.push(records[this.start])
  }

  /** What is left, in batches. */
  async *rest(): AsyncGenerator<Batch> {
    const { records, unitEnds, error } = this.batch
    const { start } = this
    const ends = unitEnds?.slice(this.unit).map((end) => end - start) ?? null
    const first = new Batch(records.slice(start), ends)
    first.error = error
    yield first
    if (error) return
    for await (const batch of this.batches) {
      yield batch
      if (batch.error) return
    }
  }
}

/** Units of several sources. */
class Gathered {
  private readonly records: AnyRecord[] = []
  private readonly unitEnds: number[] = []
  private binds = false

  get size(): number {
    return this.records.length
  }

  add(feed: Feed): void {
    this.binds ||= feed.binds
    feed.take(this.records)
    this.unitEnds.push(this.records.length)
  }

  batch(error: SteerpipeError | null): Batch {
    const batch = new Batch(this.records, this.binds ? this.unitEnds : null)
    batch.error = error
    return batch
  }
}
