import { Console } from 'node:console'
import { rmSync, statSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { constants } from 'node:os'
import { SteerpipeError } from '../errors.js'
import { ProgressLine } from '../observe/progress.js'
import { countLeftOut, type RunReport, reportData } from '../observe/report.js'
import type { Checked } from '../pipeline/check.js'
import { plannedOutputs } from '../pipeline/outputs.js'
import { isUnfinished } from '../pipeline/remains.js'
import { type RunSettings, runPipeline } from '../pipeline/run.js'
import type { Keeping } from '../pipeline/session.js'
import { systemMessage } from '../storage/input.js'
import { isSpecial, partialName } from '../storage/sink.js'
import type { ErrorHandling, WorkerSettings } from './options.js'
import { EXIT, isClosedPipe, leave, say, showFinding } from './terminal.js'

/** What `run` and the filters have in common. */
export interface ExecuteOptions {
  readonly force: boolean
  /** Wait for the disk. */
  readonly sync: boolean
  readonly errors: ErrorHandling
  /** Threads beside the main one. */
  readonly workers?: WorkerSettings
  /** How the run is kept, so that it can be gone on with; undefined if it is not. */
  readonly keeping?: Pick<Keeping, 'every' | 'resume'> | undefined
  /** Opens an output otherwise than as a new file; undefined for one that is to be new. */
  readonly openOutput?: RunSettings['openOutput']
  readonly limit?: number | undefined
  /** Where the report goes as JSON. */
  readonly report?: string | undefined
  /** Whether a terminal is told how far the run has come. */
  readonly progress: boolean
  /** Shows the end of a run to the person. */
  readonly show: (report: RunReport) => void
}

/** How many left-out records are shown one by one. */
const SHOWN = 5

/**
 * Milliseconds that an interrupted run has to come to an end: where a write may wait for its reader, and where what
 * was done is to be kept.
 */
const GRACE = { streams: 500, files: 10_000 } as const

/** Runs a pipeline under a person's eyes: progress, signals, what was left out. Returns the exit code. */
export async function execute(checked: Checked, options: ExecuteOptions): Promise<number> {
  const partials = new Partials(checked, options.errors.aside.path)
  const interruption = new Interruption(checked, partials, options.keeping !== undefined)
  const progress = new ProgressLine(options.progress && !printsRecords(checked) ? process.stderr : NOWHERE)
  let shown = 0
  // Standard output is for data: what a module of the user's prints goes where everything else goes.
  globalThis.console = new Console(process.stderr)
  process.on('exit', tellUnfinished)
  try {
    const report = await runPipeline(checked, {
      force: options.force,
      sync: options.sync,
      onError: options.errors.onError,
      aside: options.errors.aside,
      ...options.workers,
      keeping: options.keeping && {
        ...options.keeping,
        onResume: (lines) => {
          for (const line of lines) say(`resuming: ${line}`)
        },
      },
      onLeftOut: (error) => {
        progress.clear()
        if (shown++ < SHOWN) say(`left out: ${showFinding(error)}`)
        else if (shown === SHOWN + 1) say('left out: more records; the counts follow')
      },
      onNote: say,
      openOutput: options.openOutput,
      limit: options.limit,
      signal: interruption.signal,
      onProgress: (state) => progress.show(state),
    })
    progress.clear()
    if (options.report !== undefined) await writeReport(options.report, report)
    options.show(report)
    return countLeftOut(report) > 0 ? EXIT.leftOut : EXIT.done
  } catch (error) {
    progress.clear()
    if (interruption.code !== undefined) return interruption.leave()
    // Who closes a pipe has had enough. Where files are written too, they are not what was asked for.
    if (isClosedPipe(error) && onlyStreams(checked)) return EXIT.done
    const kept = partials.made()
    if (kept.length > 0) say(`what came before the error is kept in ${kept.join(', ')}`)
    if (options.keeping && isUnfinished(checked) && !refusesToBegin(error))
      say('when the cause is mended, the same command with `--resume` goes on from here')
    throw error
  } finally {
    process.off('exit', tellUnfinished)
    interruption.end()
  }
}

/** The process is ended by something else than the run: a module of the user's, as a rule. */
function tellUnfinished(code: number): void {
  if (code !== 0) return
  process.exitCode = 1
  say('error: the process was ended in the middle of the run; a `map` module may have called process.exit()')
}

/** ctrl-C, a request to terminate, and a terminal that was closed. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** What signals do to a run. */
class Interruption {
  /** The exit code, once the run was interrupted. */
  code: number | undefined
  private readonly abort = new AbortController()
  private timer: NodeJS.Timeout | undefined

  constructor(
    private readonly checked: Checked,
    private readonly partials: Partials,
    private readonly isKept: boolean,
  ) {
    for (const signal of SIGNALS) process.on(signal, this.take)
  }

  get signal(): AbortSignal {
    return this.abort.signal
  }

  private readonly take = (signal: NodeJS.Signals): void => {
    const again = this.code !== undefined
    this.code = 128 + constants.signals[signal]
    if (again) process.exit(this.code)
    this.abort.abort()
    this.timer = setTimeout(() => void this.leave(), onlyFiles(this.checked) ? GRACE.files : GRACE.streams)
  }

  /** Says that the run was interrupted, and ends the process. */
  leave(): Promise<never> {
    const isResumable = this.isKept && isUnfinished(this.checked)
    // A run that could not tidy up by itself leaves that to us.
    if (!isResumable) for (const path of this.partials.made()) rmSync(path, { force: true })
    say(
      isResumable
        ? 'interrupted: the same command with `--resume` goes on from here'
        : 'interrupted: what was not finished was removed',
    )
    // What is still on its way to stdout is not waited for: its reader may have stopped reading.
    return leave(this.code ?? EXIT.interrupted, [process.stderr])
  }

  end(): void {
    clearTimeout(this.timer)
    for (const signal of SIGNALS) process.off(signal, this.take)
  }
}

/** The unfinished outputs of a run, told apart from those that an earlier run left there. */
class Partials {
  private readonly paths: readonly string[]
  private readonly earlier: readonly (number | undefined)[]

  /** @param deadLetters the file of bad records */
  constructor({ pipeline, inputs }: Checked, deadLetters: string | undefined) {
    const outputs = plannedOutputs(pipeline, inputs).map(({ path }) => path)
    const paths = deadLetters === undefined ? outputs : [...outputs, deadLetters]
    this.paths = paths.map(partialName)
    this.earlier = this.paths.map(changed)
  }

  made(): string[] {
    return this.paths.filter((path, index) => {
      const now = changed(path)
      return now !== undefined && now !== this.earlier[index]
    })
  }
}

/** When a file was changed; undefined if there is none. */
function changed(path: string): number | undefined {
  try {
    return statSync(path).mtimeMs
  } catch {
    return undefined
  }
}

/** A terminal that is none. */
const NOWHERE = { isTTY: false, write: () => true }

/** Whether records are shown on a terminal, which progress would get between. */
function printsRecords({ pipeline, inputs }: Checked): boolean {
  return process.stdout.isTTY && plannedOutputs(pipeline, inputs).some(({ path }) => path === '-')
}

/** Whether nothing is written but stdout, FIFOs and devices. */
function onlyStreams({ pipeline, inputs }: Checked): boolean {
  return plannedOutputs(pipeline, inputs).every(({ path }) => path === '-' || isSpecial(path))
}

/** Whether an error says why the run was not begun: what to do is in it. */
const refusesToBegin = (error: unknown): boolean =>
  error instanceof SteerpipeError &&
  ['RUN_UNFINISHED', 'RESUME_REFUSED', 'OUTPUT_LOCKED'].includes(error.code)

/** Whether nothing is written but files. */
function onlyFiles({ pipeline, inputs }: Checked): boolean {
  return plannedOutputs(pipeline, inputs).every(({ path }) => path !== '-' && !isSpecial(path))
}

/** Writes the report beside its name, so that an earlier one stays as it was where there is no space. */
async function writeReport(path: string, report: RunReport): Promise<void> {
  const written = isSpecial(path) ? path : partialName(path)
  try {
    const file = await open(written, 'w')
    try {
      await file.writeFile(`${JSON.stringify(reportData(report), null, 2)}\n`)
      if (written !== path) await file.sync()
    } finally {
      await file.close()
    }
    if (written !== path) await rename(written, path)
  } catch (error) {
    if (written !== path) await rm(written, { force: true }).catch(() => {})
    const found = `the report could not be written: ${error instanceof Error ? systemMessage(error) : String(error)}`
    throw new SteerpipeError('WRITE_FAILED', { found, place: { input: path }, cause: error })
  }
}
