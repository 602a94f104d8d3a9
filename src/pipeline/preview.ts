import { Readable } from 'node:stream'
import { Counters } from '../observe/counters.js'
import { showRecord } from '../observe/show-record.js'
import type { AnyRecord, Batch } from '../records/batch.js'
import type { OpenInput } from './inputs.js'
import { fillInput } from './interpolate.js'
import type { Pipeline, StageUse } from './pipeline.js'
import { readRecords } from './read.js'
import { wire } from './wiring.js'

/** The first records after a stage. */
export interface StagePreview {
  readonly stage: string
  /** What the stage was told, in a word; the path of a `write`. */
  readonly detail: string
  readonly records: readonly AnyRecord[]
}

/**
 * The first records of an input's first source after each stage. Nothing is written.
 *
 * @throws SteerpipeError the first bad record among them
 */
export async function previewInput(
  pipeline: Pipeline,
  input: OpenInput,
  count: number,
): Promise<StagePreview[]> {
  const source = input.sources[0]
  const parse = source.parse ?? pipeline.parse
  let batches = await firstRecords(source.files[0], parse, count)
  const previews: StagePreview[] = [preview(parse, '', batches, count)]
  for (const { use, parts } of wire([...source.stages, ...input.stages, ...pipeline.stages])) {
    const options = fillInput(use.options, input.name)
    if (use.spec.name === 'write') previews.push(preview(use, ` to ${options.to}`, batches, 0))
    else {
      const stage = use.spec.create(options, parts ? { parts } : {})
      const results: Batch[] = []
      for await (const batch of Readable.from(batches).pipe(stage).batches()) results.push(batch)
      batches = results
      previews.push(preview(use, '', batches, count))
    }
  }
  return previews
}

async function firstRecords(file: string, parse: StageUse, count: number): Promise<Batch[]> {
  const batches: Batch[] = []
  let left = count
  for await (const batch of readRecords(file, { parse, counters: new Counters(), onBytes: () => {} })) {
    if (batch.records.length === 0 && batch.error) throw batch.error
    batches.push(batch.first(left))
    left -= batch.records.length
    if (left <= 0) break
    if (batch.error) throw batch.error
  }
  return batches
}

function preview(use: StageUse, detail: string, batches: readonly Batch[], count: number): StagePreview {
  const records = batches.flatMap((batch) => batch.records).slice(0, count)
  return { stage: use.spec.name, detail, records }
}

/** Previews as text. */
export function showPreviews(previews: readonly StagePreview[]): string {
  return previews
    .map(({ stage, detail, records }) => {
      const shown = records.map((record, index) => `${index + 1}. ${showRecord(record).join('\n   ')}`)
      return [`── ${stage}${detail}`, ...shown].join('\n')
    })
    .join('\n')
}
