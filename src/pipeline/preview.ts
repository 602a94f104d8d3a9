import { Readable } from 'node:stream'
import { Counters } from '../observe/counters.js'
import { showRecord } from '../observe/show-record.js'
import type { AnyRecord, Batch } from '../records/batch.js'
import type { OpenInput, OpenSource } from './inputs.js'
import { type Pipeline, type StageUse, unitOf } from './pipeline.js'
import { Limit, readRecords } from './read.js'
import { fillInput } from './references.js'
import { wire } from './wiring.js'

/** The first records after a stage. */
export interface StagePreview {
  readonly stage: string
  /** What the stage was told, in a word; the path of a `write`. */
  readonly detail: string
  readonly records: readonly AnyRecord[]
}

/**
 * The first records of an input's first source after each stage. Nothing is written, and nothing is read but what
 * these records take.
 *
 * @throws SteerpipeError the first bad record among them
 */
export async function previewInput(
  pipeline: Pipeline,
  input: OpenInput,
  count: number,
): Promise<StagePreview[]> {
  const [source] = input.sources
  const parse = source.parse ?? pipeline.parse
  const uses = [...source.stages, ...input.stages, ...pipeline.stages]
  let batches = await firstRecords(source, parse, input.name, new Limit(count, unitOf([parse, ...uses])))
  const previews: StagePreview[] = [preview(parse, '', batches, count)]
  for (const { use, parts } of wire(uses).stages) {
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

async function firstRecords(
  { files }: OpenSource,
  parse: StageUse,
  input: string,
  limit: Limit,
): Promise<Batch[]> {
  const batches: Batch[] = []
  for (const file of files) {
    if (limit.reached) break
    for await (const batch of readRecords(file, {
      parse,
      input,
      limit,
      counters: new Counters(),
      onBytes: () => {},
      keeps: false,
    })) {
      if (batch.error) throw batch.error
      batches.push(batch)
    }
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
