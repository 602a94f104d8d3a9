import type { WriteStream } from 'node:tty'
import { showBytes } from './report.js'

/** Milliseconds between two showings. */
const PAUSE = 250

/** Seconds after which a guess of the time that is left is worth something. */
const GUESS_AFTER = 3

/** What is shown of a run. */
export interface ShownProgress {
  readonly input: string
  readonly records: number
  readonly bytes: number
  /** Bytes that there are to read; undefined if that is not known. */
  readonly total: number | undefined
  /** Records that have come to the end. */
  readonly done: number
  readonly status: string
}

/** How far a run has come, on one line of a terminal; nothing where stderr is not a terminal. */
export class ProgressLine {
  private started = performance.now()
  private last = this.started
  private shown = false
  private input: string | undefined

  constructor(private readonly terminal: Pick<WriteStream, 'isTTY' | 'write'>) {}

  show(state: ShownProgress): void {
    if (!this.terminal.isTTY) return
    const now = performance.now()
    if (this.input !== undefined && state.input !== this.input) this.started = now
    this.input = state.input
    if (now - this.last < PAUSE) return
    this.last = now
    this.shown = true
    this.terminal.write(`\r\x1b[K${progressText(state, (now - this.started) / 1000)}`)
  }

  clear(): void {
    if (this.shown) this.terminal.write('\r\x1b[K')
    this.shown = false
  }
}

/** What a line of progress says. @param seconds since the input was begun */
export function progressText(state: ShownProgress, seconds: number): string {
  const { input, records, bytes, done, status } = state
  const parts = [`${input}: ${records.toLocaleString('en-US')} records`, showBytes(bytes)]
  // Where a server sets the pace, what comes out says how fast it goes.
  if (status === '') parts.push(`${showBytes(bytes / seconds)}/s`)
  else parts.push(`${(done / seconds).toFixed(0)} records/s done`, status)
  const left = secondsLeft(state, seconds)
  if (left !== undefined && seconds > GUESS_AFTER) parts.push(`${showSeconds(left)} left`)
  return parts.join(', ')
}

/** As long as it will take if it goes on like this; undefined if that cannot be told. */
function secondsLeft({ records, bytes, total, done }: ShownProgress, seconds: number): number | undefined {
  if (total === undefined || bytes === 0 || done === 0) return undefined
  // Stages in between may leave some out, or make more of them.
  const expected = (records * total) / bytes
  return Math.max(0, (seconds * (expected - done)) / done)
}

function showSeconds(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`
  const minutes = Math.ceil(seconds / 60)
  return minutes < 90 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`
}
