import type { InputReport, RunReport } from '../observe/report.js'
import type { StageSettings } from '../stages/policy.js'
import type { Output } from '../storage/output.js'
import type { Checked } from './check.js'
import { InputRun } from './input-run.js'
import { locateInputs } from './inputs.js'
import { type Keeping, Session } from './session.js'
import { type AsideSettings, SetAside } from './set-aside.js'

/** How a pipeline is run. */
export interface RunSettings extends Omit<StageSettings, 'setAside'> {
  /** Replace outputs that are there already. */
  readonly force?: boolean
  /** Wait until the disk has the outputs before they get their names. Default true. */
  readonly sync?: boolean
  /** Records of each input, and those that belong to the last one; default all. */
  readonly limit?: number | undefined
  /** Where keys are looked up. Default: the process's environment. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Ends the run early. What was done since the last checkpoint is not kept. */
  readonly signal?: AbortSignal
  /** Told what a person should know of the inputs, in a sentence. */
  readonly onNote?: (line: string) => void
  /** Called after each batch that was read, and after each input. */
  readonly onProgress?: (progress: Progress) => void
  /** With `skip`: what becomes of bad records beside being counted. */
  readonly aside?: AsideSettings
  /** Opens an output otherwise than as a new file; undefined for one that is to be new. */
  readonly openOutput?: ((path: string) => Promise<Output> | undefined) | undefined
  /** Threads that records go through where that is possible, beside this one; default none. */
  readonly workers?: number | undefined
  /**
   * The same for inputs that are compressed or no files, which this thread has to bring to the others. Default as many.
   */
  readonly streamWorkers?: number | undefined
  /** Bytes of an input, before compression, from which on threads are used. Default 64 MB: for less they do not pay. */
  readonly workersFrom?: number | undefined
  /** How the run is kept, so that it can be gone on with; undefined if it is not. */
  readonly keeping?: Keeping | undefined
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
export async function runPipeline(checked: Checked, settings: RunSettings): Promise<RunReport> {
  const { pipeline, inputs } = checked
  const started = performance.now()
  const session = await Session.open(checked, settings)
  const aside = new SetAside(settings.aside ?? {})
  const reports: InputReport[] = []
  try {
    const located = await locateInputs(inputs, session.revisions, settings.onNote ?? (() => {}))
    await aside.open(session.earlier?.aside)
    for (const input of located) {
      const done = await session.doneBefore(input)
      reports.push(done ?? (await new InputRun(pipeline, input, { settings, session, aside }).run()))
    }
    await aside.commit()
    await session.finish()
  } catch (error) {
    await aside.abandon()
    await session.abandon()
    throw error
  }
  const seconds = (performance.now() - started) / 1000 + session.secondsBefore
  return { pipeline: pipeline.name, inputs: reports, seconds }
}
