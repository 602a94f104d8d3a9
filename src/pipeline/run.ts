import { Readable, Writable } from 'node:stream'
import { pipeline as connect } from 'node:stream/promises'
import { Counters } from '../observe/counters.js'
import type { InputReport, RunReport, StageReport } from '../observe/report.js'
import type { Batch } from '../records/batch.js'
import type { StageSettings } from '../stages/policy.js'
import type { StageContext } from '../stages/spec.js'
import type { Stage } from '../stages/stage.js'
import type { UnitStage } from '../stages/unit-stage.js'
import { WriteStage, writeSpec } from '../stages/write.js'
import { plainSize } from '../storage/input.js'
import type { Checked } from './check.js'
import { endingStages, firstRecords, through, upToEnough } from './flow.js'
import type { OpenInput, OpenSource } from './inputs.js'
import { interleave } from './interleave.js'
import { type Pipeline, type StageUse, unitOf } from './pipeline.js'
import { Limit, readRecords } from './read.js'
import { fillInput } from './references.js'
import { type WiredInput, type WiredStage, wireInput } from './wiring.js'

/** How a pipeline is run. */
export interface RunSettings extends StageSettings {
  /** Replace outputs that are there already. */
  readonly force?: boolean
  /** Records of each input, and those that belong to the last one; default all. */
  readonly limit?: number | undefined
  /** Where keys are looked up. Default: the process's environment. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Ends the run early. Nothing is kept of the input that it was at. */
  readonly signal?: AbortSignal
  /** Called after each batch that was read, and after each input. */
  readonly onProgress?: (progress: Progress) => void
}

/** How far a run has come. */
export interface Progress {
  readonly input: string
  /** Records read of this input. */
  readonly records: number
  /** Decompressed bytes read of this input. */
  readonly bytes: number
  /** Bytes that there are to read in all; undefined where that cannot be known, as of gzip and pipes. */
  readonly total: number | undefined
  /** Records that have come to the last stage. */
  readonly done: number
  /** What stages are at that wait for something else than this process; `` if none does. */
  readonly status: string
}

/**
 * Runs a pipeline over each of its inputs, one after the other.
 *
 * @throws SteerpipeError the first bad record, or what went wrong with a file; the good records before it are kept
 *   beside the outputs' names. An AbortError when the signal ended it.
 */
export async function runPipeline({ pipeline, inputs }: Checked, settings: RunSettings): Promise<RunReport> {
  const started = performance.now()
  const reports: InputReport[] = []
  for (const input of inputs) reports.push(await new InputRun(pipeline, input, settings).run())
  return { pipeline: pipeline.name, inputs: reports, seconds: (performance.now() - started) / 1000 }
}

/** A stage of a run. */
interface RunningStage {
  readonly stage: Stage
  readonly use: StageUse
}

/** Milliseconds between two tellings of how far the run has come, while nothing is read. */
const TELL_EVERY = 500

/** One pass of a pipeline, over one input. */
class InputRun {
  private readonly wired: WiredInput
  /** The stages of single sources, in the order in which their sources are read. */
  private readonly own: RunningStage[] = []
  private readonly common: readonly RunningStage[]
  /** How much is read of sources that come one after the other; of interleaved ones each has its own. */
  private readonly limit: Limit | undefined
  /** Those of the common stages that may have enough before the input is at its end. */
  private readonly ending: readonly UnitStage[]
  private readonly parsed = new Counters()
  private bytes = 0
  private readonly total: number | undefined
  /** Ends what a source is still at when the run is over. */
  private readonly over = new AbortController()
  private readonly signal: AbortSignal

  constructor(
    private readonly pipeline: Pipeline,
    private readonly input: OpenInput,
    private readonly settings: RunSettings,
  ) {
    this.wired = wireInput(pipeline, input)
    this.signal = settings.signal ? AbortSignal.any([settings.signal, this.over.signal]) : this.over.signal
    this.common = this.create(this.wired.common)
    this.limit = this.newLimit()
    this.total = plainSize(input.sources.flatMap(({ files }) => files))
    // What a source's own `write` is to hold is read to the end, whatever comes after it.
    const ownWrites = input.sources.some(({ stages }) => stages.some(({ spec }) => spec === writeSpec))
    this.ending = ownWrites ? [] : endingStages(this.common.map(({ stage }) => stage))
  }

  private newLimit(): Limit | undefined {
    const { limit } = this.settings
    return limit === undefined ? undefined : new Limit(limit, unitOf(this.uses()))
  }

  async run(): Promise<InputReport> {
    const started = performance.now()
    // A stage may wait for a server for long, while nothing is read.
    const telling = setInterval(() => this.tell(), TELL_EVERY)
    const common = this.common.map(({ stage }) => stage)
    const given = { batches: this.batches(), stages: common }
    const { batches, stages } = upToEnough(given, this.ending, this.signal)
    try {
      const source = Readable.from(batches, { highWaterMark: 1 })
      await connect([source, ...stages, nowhere()], { signal: this.signal })
      for (const write of this.writes()) await write.commit()
    } catch (error) {
      const keep = this.settings.signal?.aborted !== true
      for (const write of this.writes()) await write.abandon(keep)
      throw error
    } finally {
      clearInterval(telling)
      this.over.abort()
    }
    this.tell()
    return this.report((performance.now() - started) / 1000)
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

  /** The outputs, which become whole, or not, together. */
  private writes(): WriteStage[] {
    return [...this.own, ...this.common].flatMap(({ stage }) => (stage instanceof WriteStage ? stage : []))
  }

  /** Streams for the stages of a list. */
  private create(wired: readonly WiredStage[]): RunningStage[] {
    const { onError, onLeftOut, force } = this.settings
    return wired.map(({ use, parts }) => {
      const context: StageContext = {
        ...(onError && { onError }),
        ...(onLeftOut && { onLeftOut }),
        ...(parts && { parts }),
        env: this.settings.env ?? process.env,
        overwrite: force === true || this.pipeline.overwrite,
        commitLater: true,
      }
      return { use, stage: use.spec.create(fillInput(use.options, this.input.name), context) }
    })
  }

  /** The records of all sources, each through its own stages. An error is in the last batch. */
  private async *batches(): AsyncGenerator<Batch> {
    for await (const batch of this.mixed()) {
      // What a source's own shuffle knows of its length is not the length of all.
      if (this.input.sources.length > 1) batch.total = null
      yield batch
      if (batch.error) return
    }
  }

  private mixed(): AsyncIterable<Batch> {
    const { sources, interleave: mix } = this.input
    const batches = sources.map((_, index) => this.fromSource(index))
    if (mix === undefined) return oneAfterTheOther(batches)
    const weights = sources.map(({ weight = 1 }) => weight)
    const { limit } = this.settings
    const drawn = interleave(batches, weights, mix.seed)
    return limit === undefined ? drawn : firstRecords(drawn, limit)
  }

  /** The records of a source through its own stages, which are made when the first record is asked for. */
  private async *fromSource(index: number): AsyncGenerator<Batch> {
    const own = this.create(this.wired.own[index])
    this.own.push(...own)
    const stages = own.map(({ stage }) => stage)
    const ending = endingStages(stages)
    const read = this.read(this.input.sources[index], [...ending, ...this.ending])
    yield* through(upToEnough({ batches: read, stages }, ending, this.signal), this.signal)
  }

  /** @param ending the stages for which nothing more need be read when they have enough */
  private async *read(source: OpenSource, ending: readonly UnitStage[]): AsyncGenerator<Batch> {
    const limit = this.input.interleave ? this.newLimit() : this.limit
    const isEnough = () => limit?.reached === true || ending.some(({ satisfied }) => satisfied)
    for (const file of source.files) {
      if (isEnough()) return
      const batches = readRecords(file, {
        ...this.settings,
        parse: source.parse ?? this.pipeline.parse,
        input: this.input.name,
        limit,
        counters: this.parsed,
        onBytes: (count) => {
          this.bytes += count
        },
      })
      for await (const batch of batches) {
        yield batch
        this.tell()
        if (batch.error || isEnough()) return
      }
    }
  }

  private tell(): void {
    this.settings.onProgress?.(this.progress())
  }

  private progress(): Progress {
    const running = [...this.own, ...this.common]
    const status = running.flatMap(({ stage }) => stage.status() ?? [])
    return {
      input: this.input.name,
      records: this.parsed.in,
      bytes: this.bytes,
      total: this.total,
      done: running.at(-1)?.stage.counters.in ?? 0,
      status: status.join(', '),
    }
  }

  private report(seconds: number): InputReport {
    const parse: StageReport = { stage: 'parse', counters: this.parsed, outputs: [] }
    const stages = [...this.own, ...this.common].map(
      ({ stage, use }): StageReport => ({
        stage: use.spec.name,
        counters: stage.counters,
        outputs: stage instanceof WriteStage ? stage.written.map(({ path, bytes }) => ({ path, bytes })) : [],
        details: stage.details(),
      }),
    )
    const files = this.input.sources.flatMap((source) => source.files)
    return { input: this.input.name, files, bytes: this.bytes, stages: [parse, ...stages], seconds }
  }
}

async function* oneAfterTheOther(sources: readonly AsyncIterable<Batch>[]): AsyncGenerator<Batch> {
  for (const batches of sources) yield* batches
}

/** The end of the row: what comes here has been written. */
function nowhere(): Writable {
  return new Writable({ objectMode: true, write: (_batch, _encoding, callback) => callback() })
}
