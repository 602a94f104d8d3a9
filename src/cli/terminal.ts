import type { Writable } from 'node:stream'
import { SteerpipeError, showPlace } from '../errors.js'
import { CheckFailure } from '../pipeline/check.js'
import { systemMessage } from '../storage/input.js'

/** Exit codes of the command. */
export const EXIT = { done: 0, failed: 1, usage: 2, leftOut: 3, interrupted: 130 } as const

/** Says something to the person: data goes to stdout, all else to stderr. */
export function say(text: string): void {
  process.stderr.write(text.endsWith('\n') ? text : `${text}\n`)
}

/** Writes what a command was asked for to stdout. @throws SteerpipeError WRITE_FAILED */
export async function print(text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    // The write itself is told of a failure; the event comes beside that.
    process.stdout.on('error', () => {})
    process.stdout.write(text, (error) => {
      if (!error || (error as NodeJS.ErrnoException).code === 'EPIPE') resolve()
      else {
        const found = `writing failed: ${systemMessage(error)}`
        reject(new SteerpipeError('WRITE_FAILED', { found, place: { input: 'stdout' }, cause: error }))
      }
    })
  })
}

/** What was found, and where, on one line. */
export function showFinding(error: SteerpipeError): string {
  const where = [error.place && showPlace(error.place), error.stage].filter(Boolean).join(', ')
  return `${where ? `${where}: ` : ''}${error.found} [${error.code}]`
}

/** An error as a person reads it: what was found where, what was expected, what to do. */
export function showError(error: SteerpipeError): string {
  const lines = [showFinding(error)]
  if (error.expected !== undefined) lines.push(`  expected: ${error.expected}`)
  lines.push(`  do: ${error.fix}`)
  return lines.join('\n')
}

/** Says what went wrong and returns the exit code for it. */
export function tell(error: unknown, verbose: boolean): number {
  if (error instanceof CheckFailure) {
    for (const each of error.errors) say(`error: ${showError(each)}`)
    return EXIT.usage
  }
  if (error instanceof SteerpipeError) {
    say(`error: ${showError(error)}`)
    if (verbose) for (const cause of causes(error)) say(`  because: ${cause}`)
    return error.exitCode
  }
  const shown = error instanceof Error ? (error.stack ?? error.message) : String(error)
  say(
    `error: this is a defect of steerpipe, not of your data:\n${shown}\nPlease report it with the command and the line that it stopped at.`,
  )
  return EXIT.failed
}

/**
 * Ends the process, when what was said and written has gone out. It would not end by itself while an input is
 * silent that nobody reads any more.
 *
 * @param streams what is waited for
 */
export async function leave(
  code: number,
  streams: readonly Writable[] = [process.stdout, process.stderr],
): Promise<never> {
  for (const stream of streams)
    if (stream.writableLength > 0) await new Promise((resolve) => stream.write('', resolve))
  process.exit(code)
}

function causes(error: Error): string[] {
  const list: string[] = []
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) list.push(cause.message)
  return list
}

/** Whether an error says that whoever read our output has gone, as `head` does. */
export function isClosedPipe(error: unknown): boolean {
  return (
    error instanceof SteerpipeError &&
    error.code === 'WRITE_FAILED' &&
    error.cause instanceof Error &&
    (error.cause as NodeJS.ErrnoException).code === 'EPIPE'
  )
}
