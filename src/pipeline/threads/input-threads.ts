import { statSync } from 'node:fs'
import { mapSpec } from '../../stages/map.js'
import type { Stage } from '../../stages/stage.js'
import { isPlainFile, localFile } from '../../storage/input.js'
import type { OpenInput, OpenSource } from '../inputs.js'
import { type Pipeline, readerSettings } from '../pipeline.js'
import { fillInput } from '../references.js'
import type { RunSettings } from '../run.js'
import type { WiredInput, WiredStage } from '../wiring.js'
import { Crew } from './crew.js'
import { Lane } from './lane.js'
import type { RowPlan } from './messages.js'
import { planThreads, type TailStages } from './plan.js'
import { ThreadedRow } from './threaded-row.js'

/** Bytes to be read, before compression, from which on threads are worth their start. */
export const WORTH_BYTES = 64_000_000

/** How much larger than its file data is that was compressed, as a rule. */
const COMPRESSION = 4

/** What the threads of an input are told beside its stages. */
export interface ThreadSettings
  extends Pick<
    RunSettings,
    'workers' | 'streamWorkers' | 'workersFrom' | 'onError' | 'onLeftOut' | 'limit' | 'openOutput'
  > {
  readonly setAside: boolean
  readonly inOrder: boolean
}

/** With how many threads it pays that one does the work of those behind a `shuffle` before that. */
const MOST_EARLY = 2

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
    private readonly isFed: boolean,
  ) {}

  /** Threads for an input, if its rows of stages can go to some, and that is worth it. */
  static async open(
    pipeline: Pipeline,
    input: OpenInput,
    wired: WiredInput,
    settings: ThreadSettings,
  ): Promise<InputThreads | undefined> {
    if (!(await arePaying(input, settings))) return undefined
    if ((await planThreads(pipeline, input, wired)).does !== 'all') return undefined
    const { workers = 0, streamWorkers = workers } = settings
    const isFed = !(await arePlain(input))
    const size = isFed ? streamWorkers : workers
    return size === 0 ? undefined : new InputThreads(pipeline, input, wired, settings, size, isFed)
  }

  /** The row of a source. @param stages get what its threads do */
  row(source: number, stages: readonly Stage[]): ThreadedRow {
    const { pipeline, input, settings } = this
    const { maxLineBytes } = readerSettings(input.sources[source].parse ?? pipeline.parse, input.name)
    const wired = [...this.wired.own[source], ...this.wired.common]
    const plan = planOf(wired, input, settings, maxLineBytes)
    return new ThreadedRow(this.crewFor(source, plan), stages, maxLineBytes)
  }

  /** Sources without stages of their own share their threads. */
  private crewFor(number: number, plan: RowPlan): Crew {
    const source = this.input.sources[number]
    const same = source.stages.length === 0 && this.crewOf?.stages.length === 0
    if (this.crew === undefined || !same || this.crewOf?.parse !== source.parse) {
      this.crew?.close(undefined)
      this.crew = new Crew(plan, this.size, this.isFed)
    }
    this.crewOf = source
    return this.crew
  }

  /** Ends the threads. @param reason what those who wait are told */
  async close(reason: unknown): Promise<void> {
    await this.crew?.close(reason)
  }
}

/** The stages behind one that holds records, and the threads that do their work. */
export interface TailThreads extends Pick<TailStages, 'from' | 'fitWith'> {
  readonly crew: Crew
  /** The same row of stages on this thread, where it may do their work before it is their turn. */
  readonly lane: Lane | undefined
}

/** Threads for the stages behind a `shuffle`, if they can do their work, and that is worth it. */
export async function openTail(
  pipeline: Pipeline,
  input: OpenInput,
  wired: WiredInput,
  settings: ThreadSettings,
): Promise<TailThreads | undefined> {
  if (!(await arePaying(input, settings))) return undefined
  const plan = await planThreads(pipeline, input, wired)
  if (plan.does !== 'tail') return undefined
  const { from, fitWith } = plan
  const row = planOf(wired.common.slice(from), input, settings, 0)
  const { workers = 0 } = settings
  // Several threads are sooner done with what they get than this one with what it reads; unless that is to be unpacked.
  const isEarly = workers <= MOST_EARLY || !(await arePlain(input))
  const lane = isEarly && !row.hasUserCode ? new Lane(row) : undefined
  return { crew: new Crew(row, workers), lane, from, fitWith }
}

/** Whether threads are wanted, and worth it, and nothing is in their way. */
async function arePaying(input: OpenInput, settings: ThreadSettings): Promise<boolean> {
  const { workers = 0, workersFrom = WORTH_BYTES, limit, openOutput } = settings
  return (
    workers > 0 && limit === undefined && openOutput === undefined && (await bytesOf(input)) >= workersFrom
  )
}

function planOf(
  stages: readonly WiredStage[],
  { name }: OpenInput,
  { onError = 'stop', setAside, onLeftOut, inOrder }: ThreadSettings,
  maxLineBytes: number,
): RowPlan {
  return {
    maxLineBytes,
    stages: stages.map(({ use, parts }) => ({
      name: use.spec.name,
      options: fillInput(use.options, name),
      parts,
    })),
    onError,
    setAside,
    tells: onLeftOut !== undefined,
    inOrder,
    hasUserCode: stages.some(({ use }) => use.spec.name === mapSpec.name),
  }
}

async function arePlain({ sources }: OpenInput): Promise<boolean> {
  for (const file of sources.flatMap(({ files }) => files)) if (!(await isPlainFile(file))) return false
  return true
}

/** About how many bytes an input has; of pipes, and of what is to be downloaded, none. */
async function bytesOf({ sources }: OpenInput): Promise<number> {
  let bytes = 0
  for (const file of sources.flatMap(({ files }) => files)) {
    const local = file === '-' ? '/dev/stdin' : await localFile(file)
    const found = local === undefined ? undefined : statSync(local, { throwIfNoEntry: false })
    if (found?.isFile()) bytes += found.size * (file.endsWith('.gz') ? COMPRESSION : 1)
  }
  return bytes
}
