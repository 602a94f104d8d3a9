import { once } from 'node:events'
import { Readable, Writable } from 'node:stream'
import { pipeline as connect } from 'node:stream/promises'
import type { InputReport, StageReport } from '../observe/report.js'
import type { Batch } from '../records/batch.js'
import type { Mark } from '../records/mark.js'
import type { PackMemory } from '../records/packed-units.js'
import { annotateSpec } from '../stages/annotate.js'
import type { StageSettings } from '../stages/policy.js'
import type { StageContext } from '../stages/spec.js'
import type { Stage } from '../stages/stage.js'
import type { UnitStage } from '../stages/unit-stage.js'
import { WriteStage, writeSpec } from '../stages/write.js'
import { plainSize } from '../storage/input.js'
import {
  type SavedAside,
  type SavedReading,
  type SavedStage,
  type SavedWhole,
  savedCounters,
  savedStage,
} from './checkpoint.js'
import type { InputName } from './dead-letter.js'
import { HoldingReading } from './direct/holding.js'
import { canBeDirect } from './direct/plan.js'
import { DirectReading } from './direct/reading.js'
import { endingStages, firstRecords, through, upToEnough } from './flow.js'
import type { OpenInput } from './inputs.js'
import { interleave } from './interleave.js'
import type { Keeper } from './keeper.js'
import { type Pipeline, readerSettings, type StageUse, unitOf } from './pipeline.js'
import { Limit, type ReadSettings } from './read.js'
import { fillInput } from './references.js'
import type { Progress, RunSettings } from './run.js'
import type { Session } from './session.js'
import type { SetAside } from './set-aside.js'
import { SourceReader, type SourceSettings } from './source-reader.js'
import { InputThreads, openTail, type TailThreads, type ThreadSettings } from './threads/input-threads.js'
import { ThreadedTail } from './threads/threaded-tail.js'
import { type WiredInput, type WiredStage, wireInput } from './wiring.js'

/** What the inputs of a run have in common. */
export interface RunContext {
  readonly settings: RunSettings
  readonly session: Session
  readonly aside: SetAside
}

/** A stage of a run. */
interface RunningStage {
  readonly stage: Stage
  readonly use: StageUse
}

/** Does the work of a row of stages, from the file to the outputs: what it gives are batches without records. */
interface Row {
  read(file: string, reading: ReadSettings): AsyncGenerator<Batch>
}

type RowOf = (source: number, stages: readonly Stage[]) => Row

/** Milliseconds between two tellings of how far the run has come, while nothing is read. */
const TELL_EVERY = 500

/** One pass of a pipeline, over one input. */
export class InputRun {
  private readonly wired: WiredInput
  /** The stages of single sources, in the order in which their sources are read. */
  private readonly own: RunningStage[][] = []
  private readonly common: readonly RunningStage[]
  private readonly reader: SourceReader
  private readonly keeper: Keeper | undefined
  /** Where an earlier run was stopped in this input. */
  private readonly earlier: SavedReading | undefined
  /** Those of the common stages that may have enough before the input is at its end. */
  private readonly ending: readonly UnitStage[]
  private readonly total: number | undefined
  /** Whether records come to the end in the order in which they were read. */
  private readonly isInOrder: boolean
  /** What the records are called when they are set aside. */
  private readonly name: InputName
  private readonly started = performance.now()
  /** What works on the records of each source, where that is not left to the stages. */
  private readonly rows: Row[] = []
  /** What reads for the first stage, if that holds all records. */
  private holding: HoldingReading | undefined
  /** The stage that gives what it has held to threads. */
  private packing: { readonly use: StageUse; readonly memory: PackMemory } | undefined
  /** Whether a record is one that they can work on. Undefined if all are. */
  private fitWith: TailThreads['fitWith']
  /** Whether all were that have come. */
  private allFit = true
  /** How many `annotate` stages were made. */
  private annotating = 0
  /** Ends what a source is still at when the run is over. */
  private readonly over = new AbortController()
  private readonly signal: AbortSignal

  constructor(
    private readonly pipeline: Pipeline,
    private readonly input: OpenInput,
    private readonly context: RunContext,
  ) {
    const { settings, session } = context
    this.wired = wireInput(pipeline, input)
    this.signal = settings.signal ? AbortSignal.any([settings.signal, this.over.signal]) : this.over.signal
    this.keeper = session.keeper
    this.earlier = this.keeper?.readingOf(input.name)
    this.isInOrder = !input.interleave && this.uses().every(({ spec }) => spec.keepsOrder)
    this.name = { name: input.name, fields: textFields(pipeline, input) }
    this.common = this.create(this.wired.common, this.earlier?.common)
    this.reader = this.newReader()
    this.total = plainSize(input.sources.flatMap(({ files }) => files))
    // What a source's own `write` is to hold is read to the end, whatever comes after it.
    const ownWrites = input.sources.some(({ stages }) => stages.some(({ spec }) => spec === writeSpec))
    this.ending = ownWrites ? [] : endingStages(this.common.map(({ stage }) => stage))
  }

  private newReader(): SourceReader {
    const { pipeline, input, keeper } = this
    const { limit } = this.context.settings
    const settings: SourceSettings = {
      ...this.stageSettings(),
      pipeline,
      input,
      newLimit: () => (limit === undefined ? undefined : new Limit(limit, unitOf(this.uses()))),
      keeps: keeper !== undefined,
      isMarkDue: () => keeper?.isDue === true,
      onRead: () => this.tell(),
      readElsewhere: (source, file, reading) => this.rows.at(source)?.read(file, reading),
    }
    return new SourceReader(settings, this.earlier)
  }

  async run(): Promise<InputReport> {
    // A stage may wait for a server for long, while nothing is read.
    const telling = setInterval(() => this.tell(), TELL_EVERY)
    const common = this.common.map(({ stage }) => stage)
    const given = { batches: this.batches(), stages: common }
    const { batches, stages } = upToEnough(given, this.ending, this.signal)
    // From 22 on Node waits until what feeds a stream that failed has come to rest: that is told at once.
    let failure: unknown
    let threads: InputThreads | undefined
    let tail: TailThreads | undefined
    for (const stage of stages) {
      stage.once('error', (error: unknown) => {
        failure ??= error
        this.over.abort()
      })
    }
    try {
      const { pipeline, input, wired, threadSettings } = this
      threads = await InputThreads.open(pipeline, input, wired, threadSettings)
      const rowOf = this.rowsOf(threads)
      if (rowOf) await sooner(this.runRows(rowOf), this.signal)
      else {
        tail = await openTail(pipeline, input, wired, threadSettings)
        this.readForHolder(tail)
        const source = Readable.from(batches, { highWaterMark: 1 })
        const row = [source, ...(tail ? this.withTail(stages, tail) : stages), this.end()]
        await sooner(connect(row, { signal: this.signal }), this.signal)
      }
      await this.context.aside.takeRest(this.name, this.reader.parsed.in, true)
      await this.commit()
    } catch (error) {
      await Promise.all([threads?.close(error), tail?.crew.close(error)])
      await this.keeper?.stop()
      const isAborted = this.context.settings.signal?.aborted === true
      const keep = !isAborted || this.keeper?.keeps(this.input.name) === true
      for (const write of this.writes()) await write.abandon(keep)
      throw failure ?? error // what comes of the abort is not the reason
    } finally {
      clearInterval(telling)
      this.over.abort()
      await Promise.all([threads?.close(undefined), tail?.crew.close(undefined)])
    }
    this.tell()
    return this.report()
  }

  // ------------------------------------------------------------------------------------------------- elsewhere

  private get threadSettings(): ThreadSettings {
    const { settings, aside } = this.context
    return { ...settings, setAside: aside.isWanted, inOrder: this.isInOrder && aside.isWanted }
  }

  /** The stages with one among them that has threads do the work of those behind it. */
  private withTail(stages: readonly Stage[], { crew, lane, from, fitWith }: TailThreads): Stage[] {
    const { onLeftOut } = this.context.settings
    const behind = this.common.slice(from).map(({ stage }) => stage)
    this.fitWith = fitWith
    const tail = new ThreadedTail(
      { crew, lane },
      behind,
      { ...(onLeftOut && { onLeftOut }) },
      () => this.allFit && this.holding?.allFit !== false,
    )
    this.packing = { use: this.common[from - 1].use, memory: () => tail.memory() }
    const at = stages.indexOf(behind[0])
    return [...stages.slice(0, at), tail, ...stages.slice(at)]
  }

  /** Whether what is read can go to the first of the common stages as it lies. */
  private get readsRaw(): boolean {
    const { pipeline, input, context } = this
    // What is left out has its place among records.
    if (input.interleave || context.settings.limit !== undefined || context.aside.isWanted) return false
    return input.sources.every(({ parse = pipeline.parse, stages, holds }) => {
      const { format, group } = parse.options
      return stages.length === 0 && holds === undefined && format === 'jsonl' && group === 1
    })
  }

  /** Whether all can go from bytes to bytes. */
  private isDirect(): boolean {
    if (!this.readsRaw || this.context.settings.openOutput !== undefined) return false
    return canBeDirect(this.common.map(({ stage }) => stage))
  }

  /** Has the first stage get what is read as it lies, if it takes that. */
  private readForHolder(tail: TailThreads | undefined): void {
    const stage = this.common.at(0)?.stage
    const intake = stage?.rawIntake
    if (stage === undefined || intake === undefined || !this.readsRaw) return
    this.holding = new HoldingReading(stage, intake, tail?.fitWith, tail?.lane?.makeAhead)
    for (const index of this.input.sources.keys()) this.rows[index] = this.holding
  }

  /** What does the work of a source's stages in their place; undefined if they do it themselves. */
  private rowsOf(threads: InputThreads | undefined): RowOf | undefined {
    if (threads) return (source, stages) => threads.row(source, stages)
    return this.isDirect() ? (_, stages) => new DirectReading(stages) : undefined
  }

  /** Has others do the work of the stages, which only get the results. */
  private async runRows(rowOf: RowOf): Promise<void> {
    for (const index of this.input.sources.keys()) {
      const own = await this.beginSource(index)
      if (own === undefined) continue
      const stages = [...own, ...this.common.map(({ stage }) => stage)]
      for (const stage of stages) if (stage instanceof WriteStage) await stage.start()
      this.rows[index] = rowOf(index, stages)
      for await (const batch of this.reader.read(index, () => false)) {
        if (batch.mark !== null && !(await passAll(batch.mark, stages))) batch.mark = null
        // Nobody waits for what comes now, and the outputs are being left: that is no state to keep.
        this.signal.throwIfAborted()
        await this.arrived(batch)
        if (batch.error) throw batch.error
      }
    }
  }

  /** All that the records go through. */
  private uses(): StageUse[] {
    const { parse, stages } = this.pipeline
    const { sources } = this.input
    return [
      ...sources.flatMap((source) => [source.parse ?? parse, ...source.stages]),
      ...this.input.stages,
      ...stages,
    ]
  }

  /** All stages after `parse` that were begun. */
  private running(): RunningStage[] {
    return [...this.own.flat(), ...this.common]
  }

  /** The outputs, which become whole, or not, together. */
  private writes(): WriteStage[] {
    return this.running().flatMap(({ stage }) => (stage instanceof WriteStage ? stage : []))
  }

  private stageSettings(): StageSettings {
    const { onError, onLeftOut } = this.context.settings
    return {
      ...(onError && { onError }),
      ...(onLeftOut && { onLeftOut }),
      setAside: this.context.aside.isWanted,
    }
  }

  /** Streams for the stages of a list. @param earlier where they were when an earlier run was stopped */
  private create(wired: readonly WiredStage[], earlier: readonly SavedStage[] = []): RunningStage[] {
    const { settings, session, aside } = this.context
    return wired.map(({ use, parts }, index) => {
      const journal =
        use.spec === annotateSpec ? session.journalOf(this.input.name, this.annotating++) : undefined
      const context: StageContext = {
        ...this.stageSettings(),
        ...(parts && { parts }),
        ...(journal !== undefined && { journal }),
        env: settings.env ?? process.env,
        overwrite: settings.force === true || this.pipeline.overwrite,
        syncs: settings.sync ?? true,
        // What is written is in the system's memory sooner than another thread is woken for it; answers must not wait.
        writesHere: this.uses().every(({ spec }) => spec !== annotateSpec),
        commitLater: true,
        inOrder: this.isInOrder && aside.isWanted,
        openOutput: settings.openOutput,
        packs: () => (this.packing?.use === use ? this.packing.memory : undefined),
      }
      const stage = use.spec.create(fillInput(use.options, this.input.name), context)
      const saved = earlier.at(index)
      if (saved) stage.restore(saved)
      return { use, stage }
    })
  }

  // -------------------------------------------------------------------------------------------------- the source

  /** The records of all sources, each through its own stages. An error is in the last batch. */
  private async *batches(): AsyncGenerator<Batch> {
    for await (const batch of this.mixed()) {
      // What a source's own shuffle knows of its length is not the length of all.
      if (this.input.sources.length > 1) batch.total = null
      const { fitWith } = this
      if (fitWith !== undefined && this.allFit)
        this.allFit = batch.records.every(({ source }) => source.member(source.root, fitWith) >= 0)
      yield batch
      if (batch.error) return
    }
  }

  private mixed(): AsyncIterable<Batch> {
    const { sources, interleave: mix } = this.input
    const batches = sources.map((_, index) => this.fromSource(index))
    if (mix === undefined) return batches.length === 1 ? batches[0] : oneAfterTheOther(batches)
    const weights = sources.map(({ weight = 1 }) => weight)
    const { limit } = this.context.settings
    const drawn = interleave(batches, weights, mix.seed)
    return limit === undefined ? drawn : firstRecords(drawn, limit)
  }

  /** The records of a source through its own stages, which are made when the first record is asked for. */
  private async *fromSource(index: number): AsyncGenerator<Batch> {
    const stages = await this.beginSource(index)
    if (stages === undefined) return
    const ending = endingStages(stages)
    const isEnough = () => [...ending, ...this.ending].some(({ satisfied }) => satisfied)
    const read = this.reader.read(index, isEnough)
    yield* through(upToEnough({ batches: read, stages }, ending, this.signal), this.signal)
  }

  /** Makes the stages of a source. Undefined if an earlier run has come to the source's end. */
  private async beginSource(index: number): Promise<Stage[] | undefined> {
    const begun = this.earlier?.own ?? []
    const own = this.create(this.wired.own[index], begun.at(index))
    this.own.push(own)
    const stages = own.map(({ stage }) => stage)
    if (index + 1 >= begun.length) return stages
    for (const stage of stages) if (stage instanceof WriteStage) await stage.start()
    await this.reader.check(index)
    return undefined
  }

  // ----------------------------------------------------------------------------------------------------- the end

  /** The end of the row: what comes here has been written. */
  private end(): Writable {
    return new Writable({
      objectMode: true,
      write: (batch: Batch, _encoding, callback) => {
        this.arrived(batch).then(() => callback(), callback)
      },
    })
  }

  private async arrived(batch: Batch): Promise<void> {
    const { aside } = this.context
    const read = this.reader.parsed.in
    await aside.take(batch, this.name, this.isInOrder, read)
    this.keeper?.check()
    const { mark } = batch
    if (mark === null || !this.keeper?.isDue) return
    await aside.takeRest(this.name, read, false)
    // The run may have been ended meanwhile.
    if (this.keeper.isDue) this.keeper.begin(() => this.collect(mark))
  }

  /** What it takes to go on behind a mark that has come to the end. All of it is on the disk then. */
  private async collect(mark: Mark): Promise<{ reading: SavedReading; aside: SavedAside }> {
    const note = this.reader.noteOf(mark)
    if (note === undefined) throw new Error('a mark of another reader')
    const saving = this.context.aside.save()
    const before = this.own.slice(0, note.sources.length - 1).map((stages) => finalStates(stages))
    const current = this.own.slice(note.sources.length - 1, note.sources.length)
    const own = [...before, ...current.map((stages) => statesAt(mark, stages))]
    const common = statesAt(mark, this.common)
    const reading = {
      ...note,
      input: this.input.name,
      seconds: this.seconds,
      own: await Promise.all(own),
      common: await common,
    }
    for (const { stage } of this.running()) await stage.sync()
    return { reading, aside: await saving }
  }

  /** Makes the outputs whole. If they are several, or more is to come, a checkpoint says so before. */
  private async commit(): Promise<void> {
    const { keeper } = this
    const { session, aside } = this.context
    const writes = this.writes()
    await keeper?.idle()
    // What can fail for want of space has been done before the first output has its final name.
    for (const write of writes) await write.finishOutputs()
    if (keeper && (!session.endsAtOnce || keeper.exists))
      await keeper.finish(this.whole(), await aside.save())
    for (const write of writes) await write.commit()
  }

  private whole(): SavedWhole {
    const { input, bytes, stages, seconds } = this.report()
    return {
      input,
      bytes,
      seconds,
      sources: this.reader.sources.map((files) => [...files]),
      stages: stages.map(({ stage, counters, outputs }) => ({
        stage,
        counters: savedCounters.parse(counters.save()),
        outputs: [...outputs],
      })),
    }
  }

  // ------------------------------------------------------------------------------------------------- what is told

  /** Of this run, and of earlier ones as far as it goes on with what they did. */
  private get seconds(): number {
    return (performance.now() - this.started) / 1000 + (this.earlier?.seconds ?? 0)
  }

  private tell(): void {
    this.context.settings.onProgress?.(this.progress())
  }

  private progress(): Progress {
    const running = this.running()
    const status = running.flatMap(({ stage }) => stage.status() ?? [])
    return {
      input: this.input.name,
      records: this.reader.parsed.in,
      bytes: this.reader.bytes,
      total: this.total,
      done: running.at(-1)?.stage.counters.in ?? 0,
      status: status.join(', '),
    }
  }

  private report(): InputReport {
    const parse: StageReport = { stage: 'parse', counters: this.reader.parsed, outputs: [] }
    const stages = this.running().map(
      ({ stage, use }): StageReport => ({
        stage: use.spec.name,
        counters: stage.counters,
        outputs: stage instanceof WriteStage ? stage.written.map(({ path, bytes }) => ({ path, bytes })) : [],
        details: stage.details(),
      }),
    )
    const files = this.input.sources.flatMap((source) => source.files)
    const { bytes } = this.reader
    return { input: this.input.name, files, bytes, stages: [parse, ...stages], seconds: this.seconds }
  }
}

/** Lets a mark by. Returns whether all stages can go on from there another time. */
async function passAll(mark: Mark, stages: readonly Stage[]): Promise<boolean> {
  for (const stage of stages) if (!(await stage.pass(mark))) return false
  return true
}

/** Where stages were when a mark came by. */
function statesAt(mark: Mark, stages: readonly RunningStage[]): Promise<SavedStage[]> {
  return Promise.all(
    stages.map(async ({ stage }) => {
      const { counters, memory } = savedStage.parse(mark.noteOf(stage))
      return { counters, memory: await memory }
    }),
  )
}

/** Where stages were when they came to their end. */
function finalStates(stages: readonly RunningStage[]): Promise<SavedStage[]> {
  return Promise.all(stages.map(async ({ stage }) => savedStage.parse(await stage.save())))
}

/** The fields of what is read as plain text, by file. */
function textFields(pipeline: Pipeline, { sources, name }: OpenInput): Map<string, string> {
  return new Map(
    sources.flatMap(({ parse, files, readFrom = files }) => {
      const { format, field } = readerSettings(parse ?? pipeline.parse, name)
      return format === 'lines' ? readFrom.map((file) => [file, field] as const) : []
    }),
  )
}

async function* oneAfterTheOther(sources: readonly AsyncIterable<Batch>[]): AsyncGenerator<Batch> {
  for (const batches of sources) yield* batches
}

/** What a promise comes to, unless a signal comes first: from 22 on Node waits for a source, which may be silent. */
async function sooner(running: Promise<void>, signal: AbortSignal): Promise<void> {
  const over = new AbortController()
  try {
    const aborted = once(signal, 'abort', { signal: over.signal }).then(() => signal.throwIfAborted())
    aborted.catch(() => {}) // told by the race, or too late to matter
    running.catch(() => {})
    await Promise.race([running, aborted])
  } finally {
    over.abort()
  }
}
