import { type FileHandle, open } from 'node:fs/promises'
import { SteerpipeError } from '../../errors.js'
import { Batch } from '../../records/batch.js'
import type { Stage } from '../../stages/stage.js'
import { type Account, passOver, withFirst } from '../../storage/consumed.js'
import { isPlainFile, localFile, readBytes, readError, shrunk } from '../../storage/input.js'
import type { ReadSettings } from '../read.js'
import type { Crew } from './crew.js'
import { FROM_START, fileRegions, RegionAccount, type RegionStart } from './file-regions.js'
import { lineRegions, StreamAccount, type StreamRegion } from './line-regions.js'
import type { RegionTask, Task, TaskResult } from './messages.js'
import { Results } from './results.js'

/** A task that is under way. */
interface UnderWay<T> {
  readonly given: T
  readonly result: Promise<TaskResult>
}

/** What a task came to: a batch, and whether one can go on behind it another time. */
interface Done {
  readonly batch: Batch
  readonly isMark: boolean
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
    this.results = new Results(crew, stages)
  }

  /**
   * Reads a file through the row. What it gives are batches without records: these have been written. An error is in
   * the last batch.
   */
  async *read(file: string, reading: ReadSettings): AsyncGenerator<Batch> {
    try {
      if (await isPlain(file)) yield* this.readPlain(file, reading)
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
      const regions = fileRegions({ input: path, descriptor: file.fd, size }, start, keeps)
      const done = async (given: RegionTask, result: TaskResult): Promise<Done> => {
        const { read } = result
        const before = account.bytes
        const batch = await this.results.apply(result, reading, account.lines)
        account.add(given, read)
        reading.onBytes(account.bytes - before)
        if (read.fileEnd !== undefined && read.fileEnd < size)
          batch.error ??= shrunk(path, size, read.fileEnd)
        return { batch, isMark: read.fileEnd === undefined }
      }
      yield* this.inOrder(oneByOne(regions), (task) => task, done, reading, account)
    } finally {
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
      memory: () => this.results.inputMemory(),
    })
    const done = async (given: StreamRegion, result: TaskResult): Promise<Done> => {
      const before = account.bytes
      const batch = await this.results.apply(result, reading, account.lines)
      account.add(given, result.read.lines)
      reading.onBytes(account.bytes - before)
      return { batch, isMark: given.isWhole }
    }
    yield* this.inOrder(regions, ({ task }) => task, done, reading, account)
  }

  /**
   * Has tasks done as long as there are any, and gives what comes of them in their order, as soon as it is there: of
   * a stream that is silent, the next task may come much later.
   */
  private async *inOrder<T>(
    tasks: AsyncGenerator<T>,
    taskOf: (given: T) => Task,
    done: (given: T, result: TaskResult) => Promise<Done>,
    reading: ReadSettings,
    account: Account,
  ): AsyncGenerator<Batch> {
    const underWay: UnderWay<T>[] = []
    let asked: Promise<Asked<T>> | undefined
    let end: End | undefined
    try {
      for (;;) {
        if (end === undefined && underWay.length <= this.crew.room) asked ??= ask(tasks)
        const [oldest] = underWay
        const came = await sooner(asked, oldest?.result)
        if (came === undefined) break
        if ('result' in came) {
          underWay.shift()
          const { batch, isMark } = await done(oldest.given, came.result)
          if (isMark && batch.error === null) batch.mark = reading.onMark?.(account) ?? null
          yield batch
          if (batch.error) return
          continue
        }
        asked = undefined
        if ('end' in came) end = came.end
        else underWay.push({ given: came.given, result: this.give(taskOf(came.given)) })
      }
    } finally {
      // Nobody may read from a file that was closed.
      if (underWay.length > 0) await this.crew.close(undefined)
      // Where the next task is asked for, somebody may be waited for who is silent for ever.
      const ended = tasks.return(undefined)
      ended.catch(() => {}) // told where it is awaited
      if (asked === undefined) await ended
    }
    // What stands before a failure is good, and has gone before it.
    if (end?.failure) throw end.failure.error
  }

  private give(task: Task): Promise<TaskResult> {
    return this.crew.run(task, this.results.memory())
  }
}

/** What was asked for: a task, or that there are no more of them. */
type Asked<T> = { readonly given: T } | { readonly end: End }

/** The end of the tasks: all that there were were given, or something has failed. */
interface End {
  readonly failure?: { readonly error: unknown }
}

function ask<T>(tasks: AsyncGenerator<T>): Promise<Asked<T>> {
  return tasks.next().then(
    ({ done, value }) => (done ? { end: {} } : { given: value }),
    (error: unknown) => ({ end: { failure: { error } } }),
  )
}

/** Whichever is there first; undefined if nothing is to come. */
async function sooner<A extends object, R>(
  asked: Promise<A> | undefined,
  result: Promise<R> | undefined,
): Promise<A | { readonly result: R } | undefined> {
  const named = result?.then((found) => ({ result: found }))
  if (asked === undefined) return named
  return named === undefined ? asked : Promise.race([asked, named])
}

/** As {@link isPlainFile}. @throws SteerpipeError READ_FAILED */
async function isPlain(path: string): Promise<boolean> {
  try {
    return await isPlainFile(path)
  } catch (error) {
    throw readError(error, path, false, 0)
  }
}

async function* oneByOne<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items
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
    return await open((await localFile(path)) ?? path)
  } catch (error) {
    throw readError(error, path, false, 0)
  }
}
