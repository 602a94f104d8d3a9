import { statSync } from 'node:fs'
import type { Stage } from '../../stages/stage.js'
import { writeSpec } from '../../stages/write.js'
import type { OpenInput, OpenSource } from '../inputs.js'
import { type Pipeline, readerSettings } from '../pipeline.js'
import { fillInput } from '../references.js'
import type { RunSettings } from '../run.js'
import type { WiredInput, WiredStage } from '../wiring.js'
import { Crew } from './crew.js'
import type { RowPlan } from './messages.js'
import { ThreadedRow } from './threaded-row.js'

/** Bytes to be read, before compression, from which on threads are worth their start. */
const WORTH_BYTES = 16_000_000

/** How much larger than its file data is that was compressed, as a rule. */
const COMPRESSION = 4

/** What the threads of an input are told beside its stages. */
export interface ThreadSettings
  extends Pick<RunSettings, 'workers' | 'workersFrom' | 'onError' | 'onLeftOut' | 'limit' | 'openOutput'> {
  readonly setAside: boolean
  readonly inOrder: boolean
}

/** The threads that an input's records go through. */
export class InputThreads {
  private crew: Crew | undefined
  /** The source whose row the crew has. */
  private crewOf: OpenSource | undefined

  private constructor(
    private readonly pipeline: Pipeline,
    private readonly input: OpenInput,
    private readonly wired: WiredInput,
    private readonly settings: ThreadSettings,
    private readonly size: number,
  ) {}

  /** Threads for an input, if its rows of stages can go to some, and that is worth it. */
  static async open(
    pipeline: Pipeline,
    input: OpenInput,
    wired: WiredInput,
    settings: ThreadSettings,
  ): Promise<InputThreads | undefined> {
    const { workers = 0, workersFrom = WORTH_BYTES, limit, openOutput } = settings
    if (workers === 0 || limit !== undefined || openOutput !== undefined || input.interleave) return undefined
    if (bytesOf(input) < workersFrom) return undefined
    for (const source of input.sources) {
      const { format, group } = (source.parse ?? pipeline.parse).options
      if (source.holds || format !== 'jsonl' || group !== 1) return undefined
    }
    const uses = [...wired.own.flat(), ...wired.common]
    for (const stage of uses) if (!(await isAlone(stage, input.name))) return undefined
    return new InputThreads(pipeline, input, wired, settings, workers)
  }

  /** The row of a source. @param stages get what its threads do */
  row(source: number, stages: readonly Stage[]): ThreadedRow {
    const { pipeline, input, settings } = this
    const { maxLineBytes } = readerSettings(input.sources[source].parse ?? pipeline.parse, input.name)
    const plan: RowPlan = {
      maxLineBytes,
      stages: [...this.wired.own[source], ...this.wired.common].map(({ use, parts }) => ({
        name: use.spec.name,
        options: fillInput(use.options, input.name),
        parts,
      })),
      onError: settings.onError ?? 'stop',
      setAside: settings.setAside,
      tells: settings.onLeftOut !== undefined,
      inOrder: settings.inOrder,
    }
    return new ThreadedRow(this.crewFor(source, plan), stages, maxLineBytes)
  }

  /** Sources without stages of their own share their threads. */
  private crewFor(number: number, plan: RowPlan): Crew {
    const source = this.input.sources[number]
    const same = source.stages.length === 0 && this.crewOf?.stages.length === 0
    if (this.crew === undefined || !same || this.crewOf?.parse !== source.parse) {
      this.crew?.close(undefined)
      this.crew = new Crew(plan, this.size)
    }
    this.crewOf = source
    return this.crew
  }

  /** Ends the threads. @param reason what those who wait are told */
  async close(reason: unknown): Promise<void> {
    await this.crew?.close(reason)
  }
}

/** Whether what becomes of a record at a stage hangs on that record alone, and its outputs are known. */
async function isAlone({ use, parts }: WiredStage, input: string): Promise<boolean> {
  const { spec, options } = use
  if (spec === writeSpec && String(fillInput(options, input).to).includes('${part}') && !parts) return false
  return (await spec.alone?.(options)) === true
}

/** About how many bytes an input has; of pipes, none. */
function bytesOf({ sources }: OpenInput): number {
  const files = sources.flatMap((source) => source.files)
  const sizes = files.map((file) => {
    const found = statSync(file === '-' ? '/dev/stdin' : file, { throwIfNoEntry: false })
    if (!found?.isFile()) return 0
    return found.size * (file.endsWith('.gz') ? COMPRESSION : 1)
  })
  return sizes.reduce((sum, size) => sum + size, 0)
}
