/**
 * Records that a run sets aside, and their way back, in this process.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { RunReport } from '../../src/observe/report.js'
import { prepareFile, prepareWithoutInputs } from '../../src/pipeline/check.js'
import type { DeadLetter } from '../../src/pipeline/dead-letter.js'
import { Replay, withReplayedNames } from '../../src/pipeline/replay.js'
import { runPipeline } from '../../src/pipeline/run.js'

/** What was set aside, line by line. */
export const lettersOf = (path: string): DeadLetter[] =>
  linesOf(path).map((line): DeadLetter => JSON.parse(line))

/** The lines of a file, decompressed if its name says so. */
export function linesOf(path: string): string[] {
  const bytes = readFileSync(path)
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
  if (text !== '' && !text.endsWith('\n')) throw new Error(`${path} ends in the middle of a line`)
  return text.split('\n').slice(0, -1)
}

/** Writes records that were set aside into another file, mended. */
export function mend(from: string, to: string, mended: (letter: DeadLetter) => DeadLetter | undefined): void {
  const letters = lettersOf(from).flatMap((letter) => mended(letter) ?? [])
  writeFileSync(to, letters.map((letter) => `${JSON.stringify(letter)}\n`).join(''))
}

/** Runs `p.yaml` of the working folder; bad records go to a file. */
export async function runAside(file: string): Promise<RunReport> {
  const checked = await prepareFile('p.yaml', { env: {} })
  return runPipeline(checked, { onError: 'skip', aside: { path: file }, force: true })
}

/** Replays records over `p.yaml`; those that are bad still go to `rest`. */
export async function replayed(file: string, rest: string): Promise<RunReport> {
  const replay = await Replay.open(file)
  const over = replay.over(withReplayedNames(await prepareWithoutInputs('p.yaml', { env: {} })))
  const aside = { path: rest, triesBefore: (letter: DeadLetter) => replay.triesOf(letter) }
  return runPipeline(over, { onError: 'skip', aside, force: true })
}

/** Replays records over `p.yaml`, and puts what is made of them back; those that are bad still go to `rest`. */
export async function mergedBack(file: string, rest: string, into?: string): Promise<RunReport> {
  const replay = await Replay.open(file)
  const over = replay.over(await prepareWithoutInputs('p.yaml', { env: {} }))
  const merge = replay.merging(over, into)
  try {
    const report = await runPipeline(over, {
      onError: 'skip',
      aside: { path: rest, triesBefore: (letter) => replay.triesOf(letter) },
      force: true,
      openOutput: merge.open,
    })
    await merge.commit()
    return report
  } catch (error) {
    await merge.abandon()
    throw error
  }
}
