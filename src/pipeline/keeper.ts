import { existsSync } from 'node:fs'
import { removeDurably } from '../storage/durable.js'
import type { Revisions } from '../storage/remote/index.js'
import {
  type Checkpoint,
  type SavedAside,
  type SavedReading,
  type SavedWhole,
  saveCheckpoint,
} from './checkpoint.js'

/** Keeps the checkpoint of a run up to date. */
export class Keeper {
  /** The inputs that are done with. */
  readonly whole: SavedWhole[]
  private saving: Promise<void> | undefined
  private failure: unknown
  private stopped = false
  /** The input that the checkpoint is in the middle of. */
  private reading: string | undefined
  /** When the last checkpoint was begun. */
  private last = performance.now()

  /**
   * @param path the file of the checkpoint
   * @param definition what of the definition changes the output
   * @param every milliseconds between two checkpoints
   * @param earlier where an earlier run was stopped
   * @param revisions the commits that revisions on the hub are taken to be, as they become known
   */
  constructor(
    private readonly path: string,
    private readonly definition: unknown,
    private readonly every: number,
    private readonly earlier: Checkpoint | null,
    private readonly revisions: Revisions,
  ) {
    this.whole = [...(earlier?.whole ?? [])]
    this.reading = earlier?.reading?.input
  }

  /** Whether there is a checkpoint to go on from. */
  get exists(): boolean {
    return existsSync(this.path)
  }

  /** Whether it is time for another checkpoint. */
  get isDue(): boolean {
    return !this.stopped && this.saving === undefined && performance.now() - this.last >= this.every
  }

  /** The run has failed: what it still does is not put on record. Resolves when no checkpoint is being made. */
  async stop(): Promise<void> {
    this.stopped = true
    await this.saving
  }

  /** Whether an input can be gone on with in its middle. */
  keeps(input: string): boolean {
    return this.reading === input
  }

  /** Where an earlier run was in an input, if it was in the middle of it. */
  readingOf(input: string): SavedReading | undefined {
    const reading = this.earlier?.reading
    return reading?.input === input ? reading : undefined
  }

  /** Begins to make a checkpoint in the middle of an input, while the run goes on. @param collect makes all durable */
  begin(collect: () => Promise<{ reading: SavedReading; aside: SavedAside }>): void {
    this.last = performance.now()
    this.saving = collect()
      .then(async ({ reading, aside }) => {
        await this.save(reading, aside)
        this.reading = reading.input
      })
      .catch((error: unknown) => {
        this.failure ??= error
      })
      .finally(() => {
        this.saving = undefined
      })
  }

  /** Resolves when no checkpoint is being made. @throws what went wrong with one */
  async idle(): Promise<void> {
    await this.saving
    this.check()
  }

  /** @throws what went wrong with a checkpoint */
  check(): void {
    if (this.failure) throw this.failure
  }

  /** Notes that an input is done with, as soon as its outputs have their names. */
  async finish(input: SavedWhole, aside: SavedAside): Promise<void> {
    await this.idle()
    this.whole.push(input)
    await this.save(null, aside)
  }

  private save(reading: SavedReading | null, aside: SavedAside): Promise<void> {
    const revisions = Object.fromEntries(this.revisions)
    const { definition, whole } = this
    return saveCheckpoint(this.path, { definition, revisions, whole, reading, aside })
  }

  /** Nothing is left to go on with. */
  async remove(): Promise<void> {
    await removeDurably(this.path)
  }
}
