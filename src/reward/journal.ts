import { closeSync, fdatasync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import { promisify } from 'node:util'
import * as z from 'zod'
import { writeError } from '../storage/sink.js'
import type { Scores } from './protocol.js'

const datasync = promisify(fdatasync)

/** Bytes that are read at a time. */
const READ_BYTES = 64 * 1024

/** Bytes after which the file is flushed to the disk in the background. */
const FLUSH_BYTES = 1024 * 1024

/**
 * How far answers may stand from the order in which they are asked for: more than servers can have under way at a
 * time.
 */
const LOOK_AHEAD = 32_768

const LINE_END = 0x0a

const savedAnswer = z.strictObject({
  key: z.string(),
  values: z.array(z.number()),
  names: z.array(z.string()).optional(),
})

/** An answer that was read and has not been asked for yet. */
interface Waiting {
  readonly scores: Scores
  /** How many answers had been asked for when it was read. */
  readonly since: number
}

/**
 * The answers of a run, kept in a file as they come in, a line each, so that they need not be asked for again when the
 * run was stopped. They are read back in the order in which they came, which is about the order in which the same
 * run asks for them: no more of them than a window is in memory.
 */
export class Journal {
  private readonly descriptor: number
  /** Bytes that are there, those that are about to be written among them. */
  bytes: number
  /** Lines that are written when the work at hand is done. */
  private lines = ''
  private failure: unknown
  private flushed: number
  private flushing: Promise<void> = Promise.resolve()
  private open = true
  /** Where to read on, and where the answers of earlier runs end. */
  private at: number
  private readonly end: number
  private rest = Buffer.alloc(0)
  private readonly waiting = new Map<string, Waiting>()
  private asked = 0

  /**
   * @param path where the answers are; what is there is kept
   * @param from bytes of it that are not needed any more
   * @throws SteerpipeError WRITE_FAILED
   */
  constructor(
    private readonly path: string,
    from = 0,
  ) {
    try {
      this.descriptor = openSync(path, 'a+')
      this.end = wholeLines(this.descriptor)
      // The process may have been ended in the middle of a line.
      ftruncateSync(this.descriptor, this.end)
    } catch (error) {
      throw writeError(error, path)
    }
    this.bytes = this.end
    this.flushed = this.end
    this.at = Math.min(from, this.end)
  }

  /** The answer to a question that was answered before, if it was. */
  find(key: string): Scores | undefined {
    this.asked++
    while (!this.waiting.has(key) && this.at < this.end && this.hasRoom()) this.readSome()
    const found = this.waiting.get(key)
    this.waiting.delete(key)
    return found?.scores
  }

  private hasRoom(): boolean {
    // One that nobody has asked for in all this time will not be asked for: it was another record's too.
    for (const [key, { since }] of this.waiting) {
      if (this.asked - since <= 2 * LOOK_AHEAD) break
      this.waiting.delete(key)
    }
    return this.waiting.size < LOOK_AHEAD
  }

  private readSome(): void {
    const bytes = Buffer.allocUnsafe(Math.min(READ_BYTES, this.end - this.at))
    const read = readSync(this.descriptor, bytes, 0, bytes.length, this.at)
    this.at = read === 0 ? this.end : this.at + read
    const text = Buffer.concat([this.rest, bytes.subarray(0, read)])
    const lastEnd = text.lastIndexOf(LINE_END)
    this.rest = text.subarray(lastEnd + 1)
    for (const line of text.toString('utf8', 0, lastEnd + 1).split('\n')) {
      const answer = line === '' ? undefined : answerIn(line)
      if (answer) this.waiting.set(answer.key, { scores: answer, since: this.asked })
    }
  }

  /** Keeps an answer. */
  add(key: string, { values, names }: Scores): void {
    if (!this.open) return
    const line = `${JSON.stringify({ key, values, names })}\n`
    this.bytes += Buffer.byteLength(line)
    if (this.lines === '') queueMicrotask(() => this.write())
    this.lines += line
  }

  private write(): void {
    const bytes = Buffer.from(this.lines)
    this.lines = ''
    if (!this.open || this.failure) return
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.descriptor, bytes, at)
      if (this.bytes - this.flushed < FLUSH_BYTES) return
      this.flushed = this.bytes
      this.flushing = datasync(this.descriptor)
    } catch (error) {
      this.failure = error
      return
    }
    this.flushing.catch((error: unknown) => {
      this.failure = error
    })
  }

  /** @throws SteerpipeError WRITE_FAILED if answers could not be kept */
  check(): void {
    if (this.failure) throw writeError(this.failure, this.path)
  }

  /** Flushes what was kept so far to the disk. @throws SteerpipeError WRITE_FAILED */
  async sync(): Promise<void> {
    try {
      await this.flushing
      if (this.open) await datasync(this.descriptor)
    } catch (error) {
      throw writeError(error, this.path)
    }
  }

  async close(): Promise<void> {
    if (!this.open) return
    this.write()
    this.open = false
    await this.flushing.catch(() => {})
    closeSync(this.descriptor)
  }
}

/** Bytes up to the end of the last whole line. */
function wholeLines(descriptor: number): number {
  const { size } = fstatSync(descriptor)
  const bytes = Buffer.allocUnsafe(READ_BYTES)
  for (let end = size; end > 0; end -= Math.min(end, READ_BYTES)) {
    const start = end - Math.min(end, READ_BYTES)
    const read = readSync(descriptor, bytes, 0, end - start, start)
    const lastEnd = bytes.subarray(0, read).lastIndexOf(LINE_END)
    if (lastEnd >= 0) return start + lastEnd + 1
  }
  return 0
}

/** What a line says; undefined for one that was spoilt: then the question is asked again. */
function answerIn(line: string): z.output<typeof savedAnswer> | undefined {
  try {
    return savedAnswer.parse(JSON.parse(line))
  } catch {
    return undefined
  }
}
