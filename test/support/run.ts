/**
 * The real stages, run over the bytes of a file.
 */
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { SteerpipeError } from '../../src/errors.js'
import type { Batch } from '../../src/records/batch.js'
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
      for (const record of batch.records) lines.push(Buffer.from(record.json(), 'latin1').toString('utf8'))
      done()
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
