import { Readable, Writable } from 'node:stream'
import { pipeline as connect } from 'node:stream/promises'
import { Counters } from '../observe/counters.js'
import type { InputReport, RunReport, StageReport } from '../observe/report.js'
import type { Batch } from '../records/batch.js'
import type { StageSettings } from '../stages/policy.js'
import type { StageContext } from '../stages/spec.js'
import type { Stage } from '../stages/stage.js'
import { WriteStage } from '../stages/write.js'
import type { Checked } from './check.js'
import type { OpenInput, OpenSource } from './inputs.js'
import { fillInput } from './interpolate.js'
import type { Pipeline, StageUse } from './pipeline.js'
import { readRecords } from './read.js'
import { type WiredStage, wire } from './wiring.js'

/** How a pipeline is run. */
export interface RunSettings extends StageSettings {
  /** Replace outputs that are there already. */
  readonly force?: boolean
  /** Records of each input; default all. */
  readonly limit?: number | undefined
  /** Ends the run early; nothing of what it wrote is kept. */
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

/** One pass of a pipeline, over one input. */
class InputRun {
  /** Those that have run, in the order of the report. */
  private readonly stages: { stage: Stage; use: StageUse }[] = []
  private readonly parsed = new Counters()
  private bytes = 0

  constructor(
    private readonly pipeline: Pipeline,
    private readonly input: OpenInput,
    private readonly settings: RunSettings,
  ) {}

  async run(): Promise<InputReport> {
    const started = performance.now()
    // The parts that a source's own stages declare are known to the common ones.
    const before = this.input.sources[0].stages
    const common = wire([...before, ...this.input.stages, ...this.pipeline.stages]).slice(before.length)
    const stages = this.create(common)
    const source = Readable.from(this.limited(this.batches()), { highWaterMark: 1 })
    try {
      const { signal } = this.settings
      await connect([source, ...stages.map(({ stage }) => stage), nowhere()], signal ? { signal } : {})
      for (const { stage } of stages) if (stage instanceof WriteStage) await stage.commit()
    } catch (error) {
      const keep = this.settings.signal?.aborted !== true
      for (const { stage } of stages) if (stage instanceof WriteStage) await stage.abandon(keep)
      throw error
    }
    this.stages.push(...stages)
    return this.report((performance.now() - started) / 1000)
  }

  /** Streams for the stages of a list. */
  private create(wired: readonly WiredStage[]): { stage: Stage; use: StageUse }[] {
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
    for (const source of this.input.sources) {
      const own = this.create(wire(source.stages))
      this.stages.push(...own)
      yield* through(
        this.read(source),
        own.map(({ stage }) => stage),
      )
    }
  }

  private async *read(source: OpenSource): AsyncGenerator<Batch> {
    const { onProgress } = this.settings
    for (const file of source.files) {
      const batches = readRecords(file, {
        ...this.settings,
        parse: source.parse ?? this.pipeline.parse,
        counters: this.parsed,
        onBytes: (count) => {
          this.bytes += count
        },
      })
      for await (const batch of batches) {
        yield batch
        onProgress?.({ input: this.input.name, records: this.parsed.in, bytes: this.bytes })
        if (batch.error) return
      }
    }
  }

  /** The first records, as many as the run's limit allows. Units stay whole. */
  private async *limited(batches: AsyncIterable<Batch>): AsyncGenerator<Batch> {
    let left = this.settings.limit ?? Number.POSITIVE_INFINITY
    for await (const batch of batches) {
      if (batch.records.length < left) {
        left -= batch.records.length
        yield batch
        continue
      }
      yield batch.first(left)
      return
    }
  }

  private report(seconds: number): InputReport {
    const parse: StageReport = { stage: 'parse', counters: this.parsed, outputs: [] }
    const stages = this.stages.map(
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

/** Batches through a source's own stages. */
async function* through(batches: AsyncIterable<Batch>, stages: readonly Stage[]): AsyncGenerator<Batch> {
  const last = stages.at(-1)
  if (last === undefined) {
    yield* batches
    return
  }
  const running = connect([Readable.from(batches, { highWaterMark: 1 }), ...stages])
  running.catch(() => {}) // told by the iteration below, or by the await after it
  yield* last.batches()
  await running
}

/** The end of the row: what comes here has been written. */
function nowhere(): Writable {
  return new Writable({ objectMode: true, write: (_batch, _encoding, callback) => callback() })
}
