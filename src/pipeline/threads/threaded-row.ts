import { type FileHandle, open } from 'node:fs/promises'
import { SteerpipeError } from '../../errors.js'
import { Batch } from '../../records/batch.js'
import type { Stage } from '../../stages/stage.js'
import { type Account, passOver } from '../../storage/consumed.js'
import { isPlainFile, readBytes, readError, shrunk } from '../../storage/input.js'
import type { ReadSettings } from '../read.js'
import type { Crew } from './crew.js'
import { FROM_START, fileRegions, RegionAccount, type RegionStart } from './file-regions.js'
import { lineRegions, StreamAccount, type StreamRegion } from './line-regions.js'
import type { RegionTask, Task, TaskResult } from './messages.js'
import { Results } from './results.js'

/** Pieces of memory that wait to be used again, for each task that may be under way. */
export const SPARE_PER_TASK = 2

/** A task that is under way. */
interface UnderWay<T> {
  readonly given: T
  readonly result: Promise<TaskResult>
}

/**
 * A row of stages whose work is done by threads: this one hands out what there is to read, and puts the results where
 * the stages would have put them, in order.
 */
export class ThreadedRow {
  private readonly results: Results

  /** @param stages get what the threads have done */
  constructor(
    private readonly crew: Crew,
    stages: readonly Stage[],
    private readonly maxLineBytes: number,
  ) {
    this.results = new Results(stages, crew.room * SPARE_PER_TASK)
  }

  /**
   * Reads a file through the row. What it gives are batches without records: these have been written. An error is in
   * the last batch.
   */
  async *read(file: string, reading: ReadSettings): AsyncGenerator<Batch> {
    try {
      if (await isPlainFile(file)) yield* this.readPlain(file, reading)
      else yield* this.readStream(file, reading)
    } catch (error) {
      if (!(error instanceof SteerpipeError)) throw error
      yield Batch.failed(error)
    }
  }

  private async *readPlain(path: string, reading: ReadSettings): AsyncGenerator<Batch> {
    const { keeps } = reading
    const start = await startOf(path, reading)
    const file = await openFile(path)
    try {
      const { size } = await file.stat()
      const account = new RegionAccount(start)
      if (keeps) reading.onOpen?.(account)
      const regions = fileRegions(path, file, size, start, keeps)
      const done = async (given: RegionTask, result: TaskResult): Promise<Batch> => {
        const { read } = result
        const before = account.bytes
        const batch = await this.results.apply(result, reading, account.lines)
        account.add(given, read)
        reading.onBytes(account.bytes - before)
        if (read.fileEnd !== undefined && read.fileEnd < size)
          batch.error ??= shrunk(path, size, read.fileEnd)
        return batch
      }
      yield* this.inOrder(regions, (task) => task, done, reading, account)
    } finally {
      // Nobody may read from a descriptor that was closed.
      await this.crew.idle()
      await file.close()
    }
  }

  private async *readStream(path: string, reading: ReadSettings): AsyncGenerator<Batch> {
    const { keeps } = reading
    const chunks = readBytes(path)
    const passed = reading.from && (await passOver(chunks, reading.from, path))
    const start = reading.from && passed ? { ...reading.from, hash: passed.state } : FROM_START
    const account = new StreamAccount(start)
    if (keeps) reading.onOpen?.(account)
    const regions = lineRegions(passed ? withFirst(passed.rest, chunks) : chunks, start, {
      input: path,
      maxLineBytes: this.maxLineBytes,
      hashes: keeps,
      memory: () => this.results.piece(),
    })
    const done = async (given: StreamRegion, result: TaskResult): Promise<Batch> => {
      const before = account.bytes
      const batch = await this.results.apply(result, reading, account.lines)
      account.add(given, result.read.lines)
      reading.onBytes(account.bytes - before)
      return batch
    }
    yield* this.inOrder(regions, ({ task }) => task, done, reading, account)
  }

  /** Has tasks done as long as there are any, and gives what comes of them in their order. */
  private async *inOrder<T>(
    tasks: Iterable<T> | AsyncIterable<T>,
    taskOf: (given: T) => Task,
    done: (given: T, result: TaskResult) => Promise<Batch>,
    reading: ReadSettings,
    account: Account,
  ): AsyncGenerator<Batch> {
    const underWay: UnderWay<T>[] = []
    let failure: { readonly error: unknown } | undefined
    const next = async (): Promise<Batch> => {
      const [{ given, result }] = underWay.splice(0, 1)
      const batch = await done(given, await result)
      if (batch.error === null) batch.mark = reading.onMark?.(account) ?? null
      return batch
    }
    const upToFailure = untilFailure(tasks, (error) => {
      failure = { error }
    })
    for await (const given of upToFailure) {
      underWay.push({ given, result: this.crew.run(taskOf(given), this.results.memory()) })
      if (underWay.length <= this.crew.room) continue
      const batch = await next()
      yield batch
      if (batch.error) return
    }
    // What stands before a failure is good, and goes before it.
    while (underWay.length > 0) {
      const batch = await next()
      yield batch
      if (batch.error) return
    }
    if (failure) throw failure.error
  }
}

/** Where to go on, once it is seen that what comes before is the same still. */
async function startOf(path: string, { from }: ReadSettings): Promise<RegionStart> {
  if (from === undefined) return FROM_START
  const chunks = readBytes(path)
  const { state } = await passOver(chunks, from, path)
  await chunks.return(undefined)
  return { ...from, hash: state }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path)
  } catch (error) {
    throw readError(error, path, false, 0)
  }
}

async function* withFirst(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first
  yield* rest
}

async function* untilFailure<T>(
  items: Iterable<T> | AsyncIterable<T>,
  onFailure: (error: unknown) => void,
): AsyncGenerator<T> {
  try {
    yield* items
  } catch (error) {
    onFailure(error)
  }
}
