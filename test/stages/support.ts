/**
 * What the tests of the stages share: lines through stages, as a user's script would send them.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished } from 'vitest'
import { type AnyRecord, Batch, type Counters, parse, SteerpipeError, write } from '../../src/index.js'

/** The system prompt of the original tools, spelled out here so that a change of ours would be noticed. */
export const SYSTEM =
  "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, and polite answers to the user's questions."

/** A stream that may stand between a source and a sink. */
export type Between = NodeJS.ReadWriteStream

/** Values as one line each: texts as they are, all else as JSON. */
export function file(lines: readonly unknown[]): Buffer {
  return Buffer.from(
    lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''),
  )
}

/** The lines that come out of the stages as bytes, when a file of `lines` goes in through `parse()`. */
export async function linesThrough(
  lines: readonly unknown[] | Buffer,
  ...stages: Between[]
): Promise<string[]> {
  const bytes = Buffer.isBuffer(lines) ? lines : file(lines)
  return linesFrom(Readable.from([bytes]), parse(), ...stages)
}

/** The lines that come out as bytes, when what `source` gives goes through the stages. */
export async function linesFrom(source: NodeJS.ReadableStream, ...stages: Between[]): Promise<string[]> {
  const chunks: Buffer[] = []
  await pipeline([source, ...stages, write(), collector(chunks)])
  return Buffer.concat(chunks).toString().split('\n').slice(0, -1)
}

/** The same, with each line read as JSON. */
export async function objectsThrough(lines: readonly unknown[], ...stages: Between[]): Promise<unknown[]> {
  return (await linesThrough(lines, ...stages)).map((line) => JSON.parse(line))
}

/** A Writable that keeps what it is given, each after `pause` milliseconds. */
export function collector<T>(into: T[], pause = 0): Writable {
  return new Writable({
    objectMode: true,
    write(chunk: T, _encoding, done) {
      const take = () => {
        into.push(chunk)
        done()
      }
      if (pause === 0) take()
      else setTimeout(take, pause)
    },
  })
}

/** The error that a promise is rejected with, which must be one of ours. */
export async function failure(promise: Promise<unknown>): Promise<SteerpipeError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(SteerpipeError)
  return error as SteerpipeError
}

/** The error that a call throws, which must be one of ours. */
export function thrown(call: () => unknown): SteerpipeError {
  try {
    call()
  } catch (error) {
    expect(error).toBeInstanceOf(SteerpipeError)
    return error as SteerpipeError
  }
  return expect.unreachable('nothing was thrown')
}

/** The error of one line that goes through the stages. */
export function refusal(line: unknown, ...stages: Between[]): Promise<SteerpipeError> {
  return failure(linesThrough([line], ...stages))
}

/** A folder that is gone after the test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'steerpipe-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** A conversation of one question and one answer, whose turn has the given members. */
export function asked(answer: Record<string, unknown>, rest: Record<string, unknown> = {}): unknown {
  return {
    conversations: [
      { from: 'User', value: 'q', label: null },
      { from: 'Assistant', value: 'a', ...answer },
    ],
    mask: 'User',
    ...rest,
  }
}

/** The same as a line, with the JSON of the answer's `scores` as it is given. */
export function scored(scores: string): string {
  return `{"conversations": [{"value": "q", "from": "User", "label": null}, {"value": "a", "from": "Assistant", "scores": ${scores}}], "system": "", "mask": "User", "type": "VALUE_TO_TEXT"}`
}

/** Counts, as plain objects. */
export const counts = ({ in: taken, out, leftOut, notes }: Counters) => ({
  in: taken,
  out,
  leftOut: Object.fromEntries(leftOut),
  notes: Object.fromEntries(notes),
})

/** The records of a line each, as a stage would hand them to another. */
export async function records(lines: readonly unknown[]): Promise<Batch> {
  const all: AnyRecord[] = []
  for await (const batch of Readable.from([file(lines)])
    .pipe(parse())
    .batches())
    all.push(...batch.records)
  return new Batch(all)
}

/** Waits until a condition holds; the test fails if that takes too long. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const end = Date.now() + 60_000
  while (!condition()) {
    if (Date.now() > end) expect.unreachable(`waited in vain for ${what}`)
    await sleep(1)
  }
}

/** Waits until a stream is closed: a pipeline that fails does not wait for the files of its streams. */
export const closed = (stream: { readonly closed: boolean }): Promise<void> =>
  until(() => stream.closed, 'the end of a stream')

/** Lets everything happen that can happen by itself: returns when `progress` stays the same for some turns. */
export async function settled(progress: () => number): Promise<void> {
  let last = Number.NaN
  for (let calm = 0; calm < 10; calm++) {
    if (progress() !== last) calm = 0
    last = progress()
    await sleep(2)
  }
}
