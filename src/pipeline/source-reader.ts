import { Counters } from '../observe/counters.js'
import type { Batch } from '../records/batch.js'
import { Mark } from '../records/mark.js'
import type { StageSettings } from '../stages/policy.js'
import type { Account, ReadPart } from '../storage/consumed.js'
import type { SavedFile, SavedReading } from './checkpoint.js'
import type { OpenInput } from './inputs.js'
import type { Pipeline } from './pipeline.js'
import { type Limit, type ReadSettings, readRecords } from './read.js'
import { readSetAside } from './read-letters.js'
import { checkFile } from './session.js'

/** What is noted of the reading with a mark. */
export type ReadNote = Pick<SavedReading, 'bytes' | 'parsed' | 'limit' | 'sources'>

/** How an input is read. */
export interface SourceSettings extends StageSettings {
  readonly pipeline: Pipeline
  readonly input: OpenInput
  /** How much is read of each source, or of all of them together; undefined for all that there is. */
  readonly newLimit: () => Limit | undefined
  /** Keep account of what was read, so that it can be gone on with. */
  readonly keeps: boolean
  /** Whether it is time for a mark. */
  readonly isMarkDue: () => boolean
  /** Called after each batch. */
  readonly onRead: () => void
  /** Reads a file of a source in the place of {@link readRecords}; undefined: nobody does. */
  readonly readElsewhere?:
    | ((source: number, file: string, reading: ReadSettings) => AsyncGenerator<Batch> | undefined)
    | undefined
}

/** Reads the files of an input's sources, and keeps account of what it has read. */
export class SourceReader {
  readonly parsed = new Counters()
  /** Decompressed bytes read. */
  bytes = 0
  /** What was read of files that are done with, by source. */
  private readonly done: SavedFile[][]
  /** How much is read of sources that come one after the other; of interleaved ones each has its own. */
  private readonly limit: Limit | undefined
  private readonly notes = new WeakMap<Mark, ReadNote>()

  /** @param earlier what an earlier run has read, to go on behind it */
  constructor(
    private readonly settings: SourceSettings,
    private readonly earlier: SavedReading | undefined,
  ) {
    this.limit = settings.newLimit()
    this.done = settings.input.sources.map(() => [])
    if (earlier === undefined) return
    this.bytes = earlier.bytes
    this.parsed.restore(earlier.parsed)
    this.limit?.restore(earlier.limit)
  }

  /** What was read of each source. */
  get sources(): readonly (readonly SavedFile[])[] {
    return this.done
  }

  /** What was read when a mark was made. */
  noteOf(mark: Mark): ReadNote | undefined {
    return this.notes.get(mark)
  }

  /** Looks whether what an earlier run has read of a source, which was all that it wanted, is the same still. */
  async check(source: number): Promise<void> {
    const { files } = this.settings.input.sources[source]
    for (const [number, read] of (this.earlier?.sources[source] ?? []).entries()) {
      await checkFile(files.at(number), read)
      this.done[source].push(read)
    }
  }

  /** The records of a source. @param isEnough whether nothing more need be read */
  async *read(source: number, isEnough: () => boolean): AsyncGenerator<Batch> {
    const { input, newLimit } = this.settings
    const limit = input.interleave ? newLimit() : this.limit
    const before = this.earlier?.sources[source] ?? []
    for (const [number, file] of input.sources[source].files.entries()) {
      const read = before.at(number)
      const hasEnough = limit?.reached === true || isEnough()
      if (hasEnough && read === undefined) return
      if (read && (hasEnough || read.isWhole)) {
        await checkFile(file, read)
        this.done[source].push(read)
      } else yield* this.readFile(file, source, { limit, from: read, isEnough })
    }
  }

  private async *readFile(file: string, source: number, how: FileReading): AsyncGenerator<Batch> {
    const { settings } = this
    const { pipeline, input, keeps } = settings
    const { limit, from, isEnough } = how
    let account: Account | undefined
    const reading: ReadSettings = {
      ...settings,
      parse: input.sources[source].parse ?? pipeline.parse,
      input: input.name,
      limit,
      counters: this.parsed,
      onBytes: (count) => {
        this.bytes += count
      },
      from,
      keeps,
      onOpen: (opened) => {
        account = opened
      },
      onMark: input.interleave ? undefined : (read) => this.mark(file, source, read),
    }
    const { holds } = input.sources[source]
    const batches = holds
      ? readSetAside(file, holds, reading)
      : (settings.readElsewhere?.(source, file, reading) ?? readRecords(file, reading))
    let ended = true
    for await (const batch of batches) {
      yield batch
      settings.onRead()
      if (batch.error) return
      if (isEnough()) {
        ended = false
        break
      }
    }
    if (account) this.done[source].push({ path: file, ...account.all(), isWhole: ended && !limit?.reached })
  }

  private mark(file: string, source: number, account: Account): Mark | null {
    const read = this.settings.isMarkDue() ? account.part() : undefined
    if (read === undefined) return null
    const at = { path: file, ...read, isWhole: false }
    const sources = this.done
      .slice(0, source + 1)
      .map((files, index) => [...files, ...(index === source ? [at] : [])])
    const bytes = sources.flat().reduce((sum, each) => sum + each.bytes, 0)
    const mark = new Mark()
    this.notes.set(mark, {
      bytes,
      parsed: this.parsed.save(),
      limit: this.limit?.save() ?? null,
      sources,
    })
    return mark
  }
}

interface FileReading {
  readonly limit: Limit | undefined
  readonly from: ReadPart | undefined
  readonly isEnough: () => boolean
}
