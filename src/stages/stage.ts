import { Transform, type TransformCallback } from 'node:stream'
import { isBehind, type Place } from '../errors.js'
import { Counters, type SavedCounters } from '../observe/counters.js'
import { type AnyRecord, Batch } from '../records/batch.js'
import type { Direct, MakeAhead } from '../records/direct.js'
import type { LeftOut } from '../records/left-out.js'
import type { Mark } from '../records/mark.js'
import type { RawLines } from '../records/raw-lines.js'
import type { Origin } from '../records/record.js'
import { pipesOf, underWay, working } from './downstream.js'
import { PlainObjects } from './plain-objects.js'
import { ErrorPolicy, type StageSettings } from './policy.js'
import { saysNothing } from './units.js'

/** How many plain objects are made into one batch at the most. */
const GATHER = 256

/** How many batches wait before and after a stage. A batch is some 256 KiB of text. */
const BATCHES = 2

/** What a stage makes: a batch, or several, one after the other. */
export type Results = Batch | Promise<Batch> | Iterable<Batch> | AsyncIterable<Batch>

/** Who takes what a stage makes; resolves when that is done with. */
export type Taker = (batch: Batch) => Promise<void>

/**
 * Takes what a stage would be given in batches, in the same order, from whoever reads for it. Gives what comes of that: a
 * batch without records, and in it the error that ends the stream, if there is one.
 */
export interface RawIntake {
  /**
   * Takes the records of lines, or what can be made of them ahead.
   *
   * @param origin of the lines
   * @param makeAhead only if what is held goes to whoever can take that
   */
  lines(lines: RawLines, origin: Origin, makeAhead?: MakeAhead): Promise<Batch>
  batch(batch: Batch): Promise<Batch>
}

/** What a stage notes on a mark. */
export interface SavedStage {
  readonly counters: SavedCounters
  /** What it remembers of the records before, as JSON can spell it, or a promise of that. */
  readonly memory: unknown
}

/** What a stage tells beside its counts. */
export interface StageDetails {
  readonly lines: readonly string[]
  readonly data: Readonly<Record<string, unknown>>
}

/** How the stream of a stage is set up. */
export interface StageStream {
  readonly readableObjectMode?: boolean
  readonly readableHighWaterMark?: number
  /** What does the stage's work, if it counts by itself. */
  readonly work?: { readonly counters: Counters; readonly policy: ErrorPolicy }
}

/** The longest pause between two looks at what the streams behind a failed stage still hold, in milliseconds. */
const LONGEST_PAUSE = 32

/**
 * What all stages have in common: a Transform whose writable side takes batches and plain objects, and whose
 * readable side gives batches.
 *
 * A bad record's error travels in the last batch, behind the good records. A stage hands it on when the next
 * stream is one of ours; when it is not, the stage waits until all that it gave has gone through the streams behind
 * it, and fails then. After the error nothing more is taken, so that the source is not read for nothing.
 */
export abstract class Stage extends Transform {
  readonly counters: Counters
  protected readonly policy: ErrorPolicy
  private readonly plain: PlainObjects
  private gathered: unknown[] = []
  private scheduled = false
  /** The work so far; what comes later waits for it, so that order is kept. */
  private tail: Promise<void> = Promise.resolve()
  /** Pieces of work that are not done. */
  private jobs = 0
  private failed = false
  /** What was left out before, and goes on with the next batch. */
  private readonly aside: LeftOut[] = []
  /** Called when all that was given has been read, or the stream is destroyed. */
  private onEmpty: (() => void) | undefined
  /** Called when more is wanted, or the stream is destroyed. */
  private onRead: (() => void) | undefined
  /** Takes what would go to the readable side. */
  private taker: Taker | undefined

  constructor(
    readonly stageName: string,
    settings: StageSettings,
    options: StageStream = {},
  ) {
    super({
      writableObjectMode: true,
      writableHighWaterMark: BATCHES,
      readableObjectMode: options.readableObjectMode ?? true,
      readableHighWaterMark: options.readableHighWaterMark ?? BATCHES,
    })
    this.counters = options.work?.counters ?? new Counters()
    this.policy = options.work?.policy ?? new ErrorPolicy(this.counters, settings)
    this.plain = new PlainObjects(stageName, this.counters, this.policy)
  }

  /** The stage's work on one batch. */
  protected abstract handle(batch: Batch): Results

  /** The stage's work at the end of the input: what is left to give. */
  protected finish(): Results {
    return []
  }

  /**
   * What the stage remembers of the records that it has taken, as JSON can spell it or a promise of that: all that
   * it takes to go on behind them another time, null if nothing. Undefined if that cannot be, as for a stage that
   * holds records back: a run over it begins anew.
   */
  protected saved(): unknown {
    return undefined
  }

  /** Goes on from what `saved` gave. @throws ZodError for anything else */
  protected takeBack(_saved: unknown): void {}

  /** Goes on from where the stage was when it made this note. @throws ZodError for what is none */
  restore({ counters, memory }: SavedStage): void {
    this.counters.restore(counters)
    this.takeBack(memory)
  }

  /** Where the stage is when it has come to its end: for the checkpoints of what comes later. */
  async save(): Promise<SavedStage> {
    return { counters: this.counters.save(), memory: (await this.saved()) ?? null }
  }

  /** Called when a mark has come, before the stage notes where it is. */
  protected async beforeMark(): Promise<void> {}

  /** Notes on a mark where the stage is. Returns whether it can go on from there. */
  protected noteOn(mark: Mark): boolean {
    const memory = this.saved()
    if (memory === undefined) return false
    // Its failure is told by whoever needs it, if anybody does.
    if (memory instanceof Promise) memory.catch(() => {})
    const saved: SavedStage = { counters: this.counters.save(), memory }
    mark.note(this, saved)
    return true
  }

  /**
   * What the stage does with a mark that comes by, for whoever does the stage's work in its place. Returns whether the
   * stage can go on from there another time.
   */
  async pass(mark: Mark): Promise<boolean> {
    await this.beforeMark()
    return this.noteOn(mark)
  }

  /**
   * Does the stage's work on a batch without its streams, for whoever runs a row of stages by itself. Resolves when that
   * is done, and all that came of it was taken.
   *
   * @param taker gets what came of it, in order; a batch with an error is the last one
   */
  work(batch: Batch, taker: Taker): Promise<void> {
    this.taker = taker
    return this.handleBatch(batch)
  }

  /** Whether the stage holds something back, until it knows what belongs to it. */
  get holdsBack(): boolean {
    return this.heldFrom !== undefined
  }

  /**
   * Ends what the stage holds back of what came before, because what comes next does not belong to it; as {@link work}.
   */
  async release(taker: Taker): Promise<void> {
    if (!this.holdsBack) return
    this.taker = taker
    await this.deliverAll(this.finish())
  }

  /** The stage's work at the end of the input; as {@link work}. */
  workEnd(taker: Taker): Promise<void> {
    this.taker = taker
    return this.deliverAll(this.finish())
  }

  /** The stage's work from bytes to bytes, for whoever does it in the stage's place; undefined if there is no such way. */
  get direct(): Direct | undefined {
    return undefined
  }

  /** What takes records as they lie, before any others are worked on, in the place of batches; undefined if nothing does. */
  get rawIntake(): RawIntake | undefined {
    return undefined
  }

  /** Gives a batch to the readable side. */
  protected give(batch: Batch): void {
    this.push(batch)
  }

  /** What the stage is at, for somebody who watches; undefined if the counts say it all. */
  status(): string | undefined {
    return undefined
  }

  /** What else is to be told of the stage's work: lines for people, and the same as data. */
  details(): StageDetails | undefined {
    return undefined
  }

  /** The batches, typed: what `for await (const batch of stage)` gives. */
  batches(): AsyncIterable<Batch> {
    return this as AsyncIterable<Batch>
  }

  /** Makes what the stage keeps outside of the process durable. @throws SteerpipeError WRITE_FAILED */
  async sync(): Promise<void> {}

  /** Whether nothing more is taken: after an error, or since the stream was destroyed. */
  protected get ended(): boolean {
    return this.failed || this.destroyed
  }

  /** Whether there is work that the stream's own buffers do not show. */
  get [working](): boolean {
    return this.jobs > 0 || this.gathered.length > 0
  }

  // The type is what Node's typings say, so that a stage stays what they take for a stream.
  override read(size?: number): ReturnType<Transform['read']> {
    const chunk: unknown = super.read(size)
    if (this.readableLength === 0) this.onEmpty?.()
    return chunk
  }

  override destroy(error?: Error): this {
    super.destroy(error)
    this.onEmpty?.()
    this.onRead?.()
    return this
  }

  override _transform(chunk: unknown, encoding: BufferEncoding, callback: TransformCallback): void {
    if (chunk instanceof Batch) {
      this.queue(async () => {
        if (this.gathered.length > 0) await this.handleGathered()
        await this.handleBatch(chunk)
      }, callback)
    } else this.takeOther(chunk, encoding, callback)
  }

  /** Takes what is not a batch: plain objects are gathered until the event loop turns. */
  protected takeOther(chunk: unknown, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.gathered.push(chunk)
    if (this.gathered.length >= GATHER || this.failed) this.queue(() => this.handleGathered(), callback)
    else {
      // Objects wait while the readable side is full, so that a slow consumer holds back the source.
      if (this.readableLength < this.readableHighWaterMark) this.scheduleGathered()
      callback()
    }
  }

  override _read(size: number): void {
    super._read(size)
    this.onRead?.()
    // More is wanted. (What is being read still counts in `readableLength` here.)
    if (this.gathered.length > 0) this.scheduleGathered()
  }

  override _flush(callback: TransformCallback): void {
    this.queue(async () => {
      await this.handleGathered()
      if (this.ended) return
      await this.deliverAll(this.finish())
      if (!this.ended) await this.deliver(new Batch([]))
    }, callback)
  }

  /** Does work after all that was queued before. Errors that are not in a batch are defects or the system's. */
  protected queue(work: () => Promise<void>, callback: (error?: Error | null) => void): void {
    this.jobs++
    this.tail = this.tail.then(work).then(
      () => this.done(callback),
      (error: Error) => this.done(callback, error),
    )
  }

  private done(callback: (error?: Error | null) => void, error?: Error): void {
    this.jobs--
    // After an error that was handed on nothing more is asked for.
    if (this.failed && !error) return
    // Outside of the promise, so that what a listener of the user's throws is an exception like any other.
    process.nextTick(callback, error)
  }

  /** Resolves when the work that was queued so far is done, or has failed. */
  protected idle(): Promise<void> {
    return this.tail
  }

  private scheduleGathered(): void {
    if (this.scheduled) return
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
    if (this.ended) return
    const { leftOut, mark } = batch
    batch.leftOut = []
    batch.mark = null
    for (const each of leftOut) this.aside.push(each)
    await this.deliverAll(this.handle(batch), true)
    if (this.ended || (mark === null && this.aside.length === 0 && this.policy.hasNone)) return
    // What did not go with a record goes by itself, behind them.
    const last = new Batch([])
    if (mark !== null && ((await this.pass(mark)) || mark.passesAll)) last.mark = mark
    await this.deliver(last)
  }

  /** What was left out before the batch that is being worked on, or among it by stages before. */
  protected get leftOutBefore(): readonly LeftOut[] {
    return this.aside
  }

  /**
   * Gives what a stage made; of several batches each next one is made when there is room for it.
   *
   * @param areParts several batches are made of one: what was left out goes with the records that it was among
   */
  protected async deliverAll(results: Results, areParts = false): Promise<void> {
    if (results instanceof Batch) return this.deliver(results)
    if (results instanceof Promise) return this.deliver(await results)
    for await (const batch of results) {
      await this.deliver(batch, areParts)
      if (this.taker === undefined) await this.room()
      if (this.ended) return
    }
  }

  /** Resolves when the readable side can take more. */
  private async room(): Promise<void> {
    while (this.readableLength >= this.readableHighWaterMark && !this.destroyed) {
      await new Promise<void>((resolve) => {
        this.onRead = resolve
      })
    }
  }

  private async deliver(batch: Batch, isPart = false): Promise<void> {
    for (const each of this.policy.taken()) this.aside.push(each)
    const { error } = batch
    if (this.aside.length > 0) {
      const isLast = error !== null || batch.mark !== null
      const waits = isLast ? () => false : isPart ? isBehindAll(batch) : this.isBehindHeld()
      batch.leftOut = [...batch.leftOut, ...this.aside.filter((each) => !waits(each))]
      const waiting = this.aside.filter(waits)
      this.aside.length = 0
      for (const each of waiting) this.aside.push(each)
    }
    if (error === null) {
      if (saysNothing(batch)) return
      return this.taker ? this.taker(batch) : this.give(batch)
    }
    this.failed = true
    if (this.taker) return this.taker(batch)
    const next = pipesOf(this)
    if (next.length > 0 && next.every((stream) => stream instanceof Stage)) {
      // The next stage raises the error. `pipeline()` ends all then, `.pipe()` does not.
      for (const stage of next) stage.once('close', () => this.destroy())
      this.give(batch)
      return
    }
    if (batch.records.length > 0 || batch.leftOut.length > 0) this.give(withoutError(batch))
    await this.taken()
    throw error
  }

  /** Where the first record was read that the stage holds back, until it knows what belongs to it; undefined if none. */
  protected get heldFrom(): Place | undefined {
    return undefined
  }

  private isBehindHeld(): (leftOut: LeftOut) => boolean {
    const { heldFrom } = this
    return ({ place }) => heldFrom !== undefined && place !== undefined && isBehind(place, heldFrom)
  }

  /** Resolves when all that was given has been read, and has gone through the streams that this one is piped to. */
  private async taken(): Promise<void> {
    while (this.readableLength > 0 && !this.destroyed) {
      // Nobody may ever read it: no timer keeps the process alive for that.
      await new Promise<void>((resolve) => {
        this.onEmpty = resolve
      })
    }
    let pause = 1
    do {
      await new Promise((resolve) => setTimeout(resolve, pause))
      pause = Math.min(pause * 2, LONGEST_PAUSE)
    } while (!this.destroyed && (this.readableLength > 0 || underWay(this)))
  }
}

/** What stands behind the records of a batch. */
function isBehindAll({ records }: Batch): (leftOut: LeftOut) => boolean {
  const last = records.at(-1)?.source.place
  return ({ place }) => last === undefined || (place !== undefined && isBehind(place, last))
}

function withoutError({ records, unitEnds, leftOut }: Batch): Batch {
  const good = new Batch<AnyRecord>(records, unitEnds)
  good.leftOut = leftOut
  return good
}
