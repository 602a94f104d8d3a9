import { Transform, type TransformCallback, type Writable } from 'node:stream'
import { Counters } from '../observe/counters.js'
import { type AnyRecord, Batch } from '../records/batch.js'
import { PlainObjects } from './plain-objects.js'
import { ErrorPolicy, type StageSettings } from './policy.js'

/** How many plain objects are made into one batch at the most. */
const GATHER = 256

/** How many batches wait before and after a stage. A batch is some 256 KiB of text. */
const BATCHES = 2

/**
 * What all stages have in common: a Transform whose writable side takes batches and plain objects, and whose
 * readable side gives batches.
 *
 * A bad record's error travels in the last batch, behind the good records. A stage hands it on when the next
 * stream is one of ours; when it is not, the stage waits until all that it gave has been taken, and fails then.
 */
export abstract class Stage extends Transform {
  readonly counters: Counters
  protected readonly policy: ErrorPolicy
  private readonly plain: PlainObjects
  private gathered: unknown[] = []
  private scheduled = false
  /** The work so far; what comes later waits for it, so that order is kept. */
  private tail: Promise<void> = Promise.resolve()
  private failed = false
  private readonly consumers: Writable[] = []

  constructor(
    readonly stageName: string,
    settings: StageSettings,
    options: { readableObjectMode?: boolean; readableHighWaterMark?: number; counters?: Counters } = {},
  ) {
    super({
      writableObjectMode: true,
      writableHighWaterMark: BATCHES,
      readableObjectMode: options.readableObjectMode ?? true,
      readableHighWaterMark: options.readableHighWaterMark ?? BATCHES,
    })
    this.counters = options.counters ?? new Counters()
    this.policy = new ErrorPolicy(this.counters, settings)
    this.plain = new PlainObjects(stageName, this.counters, this.policy)
  }

  /** The stage's work on one batch. */
  protected abstract handle(batch: Batch): Batch | Promise<Batch>

  /** The stage's work at the end of the input; a batch if there is something left to give. */
  protected finish(): Batch | undefined | Promise<Batch | undefined> {
    return undefined
  }

  /** Gives a batch to the readable side. */
  protected give(batch: Batch): void {
    this.push(batch)
  }

  /** The batches, typed: what `for await (const batch of stage)` gives. */
  batches(): AsyncIterable<Batch> {
    return this as AsyncIterable<Batch>
  }

  override pipe<T extends NodeJS.WritableStream>(destination: T, options?: { end?: boolean }): T {
    this.consumers.push(destination as unknown as Writable) // every writable of Node's has what is asked of it here
    return super.pipe(destination, options)
  }

  override _transform(chunk: unknown, encoding: BufferEncoding, callback: TransformCallback): void {
    if (chunk instanceof Batch) {
      this.queue(async () => {
        await this.handleGathered()
        await this.handleBatch(chunk)
      }, callback)
    } else this.takeOther(chunk, encoding, callback)
  }

  /** Takes what is not a batch: plain objects are gathered until the event loop turns. */
  protected takeOther(chunk: unknown, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.gathered.push(chunk)
    if (this.gathered.length >= GATHER) this.queue(() => this.handleGathered(), callback)
    else {
      this.scheduleGathered()
      callback()
    }
  }

  override _read(size: number): void {
    super._read(size)
    if (this.gathered.length > 0) this.scheduleGathered()
  }

  override _flush(callback: TransformCallback): void {
    this.queue(async () => {
      await this.handleGathered()
      if (this.failed) return
      const last = await this.finish()
      if (last) await this.deliver(last)
    }, callback)
  }

  /** Does work after all that was queued before. Errors that are not in a batch are defects or the system's. */
  protected queue(work: () => Promise<void>, callback: (error?: Error | null) => void): void {
    this.tail = this.tail.then(work).then(
      () => callback(),
      (error: Error) => callback(error),
    )
  }

  /** Resolves when the work that was queued so far is done, or has failed. */
  protected idle(): Promise<void> {
    return this.tail
  }

  private scheduleGathered(): void {
    // Objects wait while the readable side is full, so that a slow consumer holds back the source.
    if (this.scheduled || this.readableLength >= this.readableHighWaterMark) return
    this.scheduled = true
    setImmediate(() => {
      this.scheduled = false
      this.queue(
        () => this.handleGathered(),
        (error) => {
          if (error) this.destroy(error)
        },
      )
    })
  }

  private async handleGathered(): Promise<void> {
    if (this.gathered.length === 0) return
    const values = this.gathered
    this.gathered = []
    await this.handleBatch(this.plain.batch(values))
  }

  protected async handleBatch(batch: Batch): Promise<void> {
    if (this.failed || this.destroyed) return
    await this.deliver(await this.handle(batch))
  }

  private async deliver(batch: Batch): Promise<void> {
    const { error } = batch
    if (error === null) {
      if (batch.records.length > 0) this.give(batch)
      return
    }
    this.failed = true
    if (this.consumers.length > 0 && this.consumers.every((consumer) => consumer instanceof Stage)) {
      this.give(batch)
      return
    }
    if (batch.records.length > 0) this.give(withoutError(batch))
    await this.drained()
    throw error
  }

  /** Resolves when all that was given has been taken, and written by the streams that this one is piped to. */
  private async drained(): Promise<void> {
    const waiting = () =>
      this.readableLength > 0 || this.consumers.some((to) => !to.destroyed && to.writableLength > 0)
    do await new Promise((resolve) => setTimeout(resolve, 1))
    while (!this.destroyed && waiting())
  }
}

function withoutError(batch: Batch): Batch {
  return new Batch<AnyRecord>(batch.records, batch.unitEnds)
}
