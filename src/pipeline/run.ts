import { Readable, Writable } from 'node:stream'
import { pipeline as connect } from 'node:stream/promises'
import { SteerpipeError } from '../errors.js'
import { Counters } from '../observe/counters.js'
import type { InputReport, RunReport, StageReport } from '../observe/report.js'
import { Batch } from '../records/batch.js'
import type { StageSettings } from '../stages/policy.js'
import type { StageContext } from '../stages/spec.js'
import type { Stage } from '../stages/stage.js'
import { WriteStage } from '../stages/write.js'
import type { Checked } from './check.js'
import type { OpenInput, OpenSource } from './inputs.js'
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

/** One pass of a pipeline, over one input. */
class InputRun {
  private readonly wired: WiredInput
  /** The stages of single sources, in the order in which their sources are read. */
  private readonly own: RunningStage[] = []
  private readonly common: readonly RunningStage[]
  private readonly limit: Limit | undefined
  private readonly parsed = new Counters()
  private bytes = 0

  constructor(
    private readonly pipeline: Pipeline,
    private readonly input: OpenInput,
    private readonly settings: RunSettings,
  ) {
    this.wired = wireInput(pipeline, input)
    this.common = this.create(this.wired.common)
    if (settings.limit !== undefined) this.limit = new Limit(settings.limit, unitOf(this.uses()))
  }

  async run(): Promise<InputReport> {
    const started = performance.now()
    const source = Readable.from(this.batches(), { highWaterMark: 1 })
    try {
      const { signal } = this.settings
      await connect([source, ...this.common.map(({ stage }) => stage), nowhere()], signal ? { signal } : {})
      for (const write of this.writes()) await write.commit()
    } catch (error) {
      const keep = this.settings.signal?.aborted !== true
      for (const write of this.writes()) await write.abandon(keep)
      throw error
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
        overwrite: force === true || this.pipeline.overwrite,
        commitLater: true,
      }
      return { use, stage: use.spec.create(fillInput(use.options, this.input.name), context) }
    })
  }

  /** The records of all sources, one after the other, each through its own stages. */
  private async *batches(): AsyncGenerator<Batch> {
    for (const [index, source] of this.input.sources.entries()) {
      const own = this.create(this.wired.own[index])
      this.own.push(...own)
      const stages = own.map(({ stage }) => stage)
      for await (const batch of through(this.read(source), stages)) {
        yield batch
        if (batch.error) return
      }
    }
  }

  private async *read(source: OpenSource): AsyncGenerator<Batch> {
    for (const file of source.files) {
      if (this.limit?.reached) return
      const batches = readRecords(file, {
        ...this.settings,
        parse: source.parse ?? this.pipeline.parse,
        input: this.input.name,
        limit: this.limit,
        counters: this.parsed,
        onBytes: (count) => {
          this.bytes += count
        },
      })
      for await (const batch of batches) {
        yield batch
        this.tell()
        if (batch.error) return
      }
    }
  }

  private tell(): void {
    this.settings.onProgress?.({ input: this.input.name, records: this.parsed.in, bytes: this.bytes })
  }

  private report(seconds: number): InputReport {
    const parse: StageReport = { stage: 'parse', counters: this.parsed, outputs: [] }
    const stages = [...this.own, ...this.common].map(
      ({ stage, use }): StageReport => ({
        stage: use.spec.name,
        counters: stage.counters,
        outputs: stage instanceof WriteStage ? stage.written.map(({ path, bytes }) => ({ path, bytes })) : [],
      }),
    )
    const files = this.input.sources.flatMap((source) => source.files)
    return { input: this.input.name, files, bytes: this.bytes, stages: [parse, ...stages], seconds }
  }
}

/** Batches through a source's own stages. An error is in the last batch, as it is for those that were read. */
async function* through(batches: AsyncIterable<Batch>, stages: readonly Stage[]): AsyncGenerator<Batch> {
  const last = stages.at(-1)
  if (last === undefined) {
    yield* batches
    return
  }
  const running = connect([Readable.from(batches, { highWaterMark: 1 }), ...stages])
  running.catch(() => {}) // told by the iteration below, or by the await after it
  try {
    yield* last.batches()
    await running
  } catch (error) {
    if (!(error instanceof SteerpipeError)) throw error
    yield Batch.failed(error)
  }
}

/** The end of the row: what comes here has been written. */
function nowhere(): Writable {
  return new Writable({ objectMode: true, write: (_batch, _encoding, callback) => callback() })
}
