import { writeFile } from 'node:fs/promises'
import { SteerpipeError } from '../errors.js'
import { ProgressLine } from '../observe/progress.js'
import { countLeftOut, type RunReport, reportData } from '../observe/report.js'
import type { Checked } from '../pipeline/check.js'
import { plannedOutputs } from '../pipeline/outputs.js'
import { runPipeline } from '../pipeline/run.js'
import type { OnError } from '../stages/policy.js'
import { systemMessage } from '../storage/input.js'
import { partialName } from '../storage/output.js'
import { EXIT, isClosedPipe, say, showError } from './terminal.js'

/** What `run` and the filters have in common. */
export interface ExecuteOptions {
  readonly force: boolean
  readonly onError: OnError
  readonly limit?: number | undefined
  /** Where the report goes as JSON. */
  readonly report?: string | undefined
  /** Shows the end of a run to the person. */
  readonly show: (report: RunReport) => void
}

/** How many left-out records are shown one by one. */
const SHOWN = 5

/** Runs a pipeline under a person's eyes: progress, signals, what was left out. Returns the exit code. */
export async function execute(checked: Checked, options: ExecuteOptions): Promise<number> {
  const abort = new AbortController()
  let interrupted = 0
  const interrupt = (signal: NodeJS.Signals) => {
    interrupted = signal === 'SIGTERM' ? 143 : EXIT.interrupted
    if (abort.signal.aborted) process.exit(interrupted)
    abort.abort()
  }
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
  const progress = new ProgressLine(process.stderr)
  let shown = 0
  try {
    const report = await runPipeline(checked, {
      force: options.force,
      onError: options.onError,
      onLeftOut: (error) => {
        if (shown++ < SHOWN) say(`left out: ${showError(error)}`)
        else if (shown === SHOWN + 1) say('left out: more records; the counts follow')
      },
      limit: options.limit,
      signal: abort.signal,
      onProgress: (state) => progress.show(state),
    })
    progress.clear()
    if (options.report !== undefined) await writeReport(options.report, report)
    options.show(report)
    return countLeftOut(report) > 0 ? EXIT.leftOut : EXIT.done
  } catch (error) {
    progress.clear()
    if (interrupted) {
      say('interrupted: nothing of this run was kept')
      return interrupted
    }
    if (isClosedPipe(error)) return EXIT.done
    if (error instanceof SteerpipeError) await sayKept(checked)
    throw error
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
  }
}

/** Says where the good records before an error are. */
async function sayKept({ pipeline, inputs }: Checked): Promise<void> {
  const { existsSync } = await import('node:fs')
  const kept = plannedOutputs(pipeline, inputs)
    .map(({ path }) => partialName(path))
    .filter((path) => existsSync(path))
  if (kept.length > 0) say(`what came before the error is kept in ${kept.join(', ')}`)
}

async function writeReport(path: string, report: RunReport): Promise<void> {
  try {
    await writeFile(path, `${JSON.stringify(reportData(report), null, 2)}\n`)
  } catch (error) {
    const found = `the report could not be written: ${error instanceof Error ? systemMessage(error) : String(error)}`
    throw new SteerpipeError('WRITE_FAILED', { found, place: { input: path }, cause: error })
  }
}
