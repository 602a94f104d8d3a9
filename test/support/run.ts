/**
 * The real stages, run over the bytes of a file.
 */
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { SteerpipeError } from '../../src/errors.js'
import { type Batch, toBytes } from '../../src/records/batch.js'
import { parseSpec } from '../../src/stages/parse.js'
import { type StageContext, stageOptions } from '../../src/stages/spec.js'
import type { Stage } from '../../src/stages/stage.js'

/** What came out: the lines, and the errors of the records that were left out, by line. */
export interface RunResult {
  readonly lines: string[]
  readonly errors: Map<number, SteerpipeError>
}

/** Parses the bytes and runs the stages over the records; bad records are left out. */
export async function runStages(
  file: Uint8Array,
  ...stages: ((context: StageContext) => Stage)[]
): Promise<RunResult> {
  const errors = new Map<number, SteerpipeError>()
  const onLeftOut = (error: SteerpipeError) => void errors.set(error.place?.line ?? 0, error)
  const context: StageContext = { onError: 'skip', onLeftOut }
  const lines: string[] = []
  const sink = new Writable({
    objectMode: true,
    write(batch: Batch, _encoding, done) {
      const written = toBytes(batch.records).toString('latin1')
      // The two ways in which a record is written give the same.
      const joined = batch.records.map((record) => `${record.json()}\n`).join('')
      lines.push(...Buffer.from(written, 'latin1').toString('utf8').split('\n').slice(0, -1))
      done(written === joined ? null : new Error(`written as ${written}, but json() is ${joined}`))
    },
  })
  await pipeline([
    Readable.from([file]),
    parseSpec.create(stageOptions(parseSpec, {}), context),
    ...stages.map((make) => make(context)),
    sink,
  ])
  return { lines, errors }
}
