import type { WriteStream } from 'node:tty'
import { showBytes } from './report.js'

/** Milliseconds between two showings. */
const PAUSE = 250

/** How far a run has come, on one line of a terminal; nothing where stderr is not a terminal. */
export class ProgressLine {
  private readonly started = performance.now()
  private last = this.started
  private shown = false

  constructor(private readonly terminal: Pick<WriteStream, 'isTTY' | 'write'>) {}

  show(state: { readonly input: string; readonly records: number; readonly bytes: number }): void {
    if (!this.terminal.isTTY) return
    const now = performance.now()
    if (now - this.last < PAUSE) return
    this.last = now
    this.shown = true
    const seconds = (now - this.started) / 1000
    const rate = `${showBytes(state.bytes / seconds)}/s`
    const text = `${state.input}: ${state.records.toLocaleString('en-US')} records, ${showBytes(state.bytes)}, ${rate}`
    this.terminal.write(`\r\x1b[K${text}`)
  }

  clear(): void {
    if (this.shown) this.terminal.write('\r\x1b[K')
    this.shown = false
  }
}
