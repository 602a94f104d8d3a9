import type { SteerpipeError } from '../../errors.js'
import type { JsonRecord } from '../../records/record.js'
import { describe } from '../../storage/describe.js'
import type { RemoteFile } from '../../storage/remote/index.js'
import { type Field, fieldsOf } from './fields.js'
import { type NextSteps, NextStepsFinder } from './next-steps.js'
import { binaryFormat, type OtherFormat, strayFormat, textFormat } from './other-formats.js'
import { type Peek, peek } from './peek.js'
import { readingsOf } from './readings.js'
import { type Reading, type Sample, sampleOf } from './sample.js'
import { type SchemaFit, schemaFits } from './schemas.js'

/** Records that are looked at. */
const MOST_RECORDS = 1000

/** How to read what is nothing else. */
const LINES: Reading = { format: 'lines' }

/** What is known of an input, in the order in which it is told. */
export interface Inspection {
  /** As it was named. */
  readonly input: string
  /** `jsonl`, `json`, `lines`, or what it is that `parse` does not read: `parquet`, `html`, … */
  readonly format: string
  /** What a person calls that. */
  readonly title: string
  readonly compression: 'gzip' | 'none'
  /** Bytes as it lies there, compressed or not; undefined where that is not known. */
  readonly bytes: number | undefined
  /** Of an address: what it means now, and how it is downloaded. */
  readonly remote: (RemoteFile & { readonly path: string }) | undefined
  readonly lookedAt: LookedAt
  /** What `parse` is to be told; undefined if it does not read this. */
  readonly parse: Reading | undefined
  /** The first of them. */
  readonly records: readonly JsonRecord[]
  readonly fields: readonly Field[]
  /** Whether there are more fields than are told apart. */
  readonly fieldsCut: boolean
  /** What could not be read among what was looked at. */
  readonly errors: readonly SteerpipeError[]
  /** What kept the rest from being read; undefined if nothing did. */
  readonly failure: SteerpipeError | undefined
  /** The best first; none where there are no records to try. */
  readonly schemas: readonly SchemaFit[]
  /** The best of them, if any fits. */
  readonly best: SchemaFit | undefined
  readonly next: NextSteps
}

/** How much an inspection rests on. */
export interface LookedAt {
  /** Decompressed. */
  readonly bytes: number
  readonly records: number
  /** Whether these are all that there are. */
  readonly isAll: boolean
}

/**
 * Says what an input is. Its beginning is read, at most 4 MiB (decompressed) and a thousand records, however much
 * there is; nothing is written or kept.
 *
 * @param path a file, `-` for stdin, or an address
 * @param count how many records are shown; default 3
 * @throws SteerpipeError where nothing can be read: NO_SUCH_INPUT, READ_FAILED, GZIP_DAMAGED and what addresses have
 */
export async function inspect(path: string, count = 3): Promise<Inspection> {
  const { path: bound, bytes, remote } = await describe(path)
  const seen = await peek(bound)
  const known = {
    input: path,
    compression: seen.isCompressed ? ('gzip' as const) : ('none' as const),
    bytes,
    remote: remote && { path: bound, ...remote },
    failure: seen.error,
  }
  const other = binaryFormat(seen.bytes, path) ?? strayFormat(seen.bytes)
  if (other !== undefined) return { ...known, ...notRead(other, seen) }
  const readings = await readingsOf(seen, path)
  const table = readings.length === 0 ? textFormat(seen.bytes, path) : undefined
  if (table !== undefined) return { ...known, ...notRead(table, seen) }
  const { reading, sample, schemas } = await bestReading(readings.length > 0 ? readings : [LINES], seen, path)
  const { records, errors, isAll } = sample
  const best = schemas.find(({ fits }) => fits > 0)
  const { fields, isCut } = fieldsOf(records)
  return {
    ...known,
    format: reading.format,
    title: titleOf(reading),
    lookedAt: { bytes: seen.bytes.length, records: records.length, isAll },
    parse: reading,
    records: records.slice(0, count),
    fields,
    fieldsCut: isCut,
    errors,
    schemas,
    best,
    next: await new NextStepsFinder(path, reading, sample).find(best),
  }
}

function notRead({ format, title, advice, commands }: OtherFormat, seen: Peek) {
  return {
    format,
    title,
    lookedAt: { bytes: seen.bytes.length, records: 0, isAll: false },
    parse: undefined,
    records: [],
    fields: [],
    fieldsCut: false,
    errors: [],
    schemas: [],
    best: undefined,
    next: { advice: [advice], commands },
  }
}

interface TriedReading {
  readonly reading: Reading
  readonly sample: Sample
  readonly schemas: readonly SchemaFit[]
}

/** The first way of reading that gives records of a known schema, or the last one. */
async function bestReading(
  [reading, ...others]: readonly Reading[],
  seen: Peek,
  path: string,
): Promise<TriedReading> {
  const sample = await sampleOf(seen, reading, path, MOST_RECORDS)
  const schemas = reading.format === 'lines' ? [] : await schemaFits(sample.records, path)
  const isKnown = schemas.some(({ fits }) => fits > 0)
  return isKnown || others.length === 0 ? { reading, sample, schemas } : bestReading(others, seen, path)
}

function titleOf({ format, path }: Reading): string {
  if (format === 'jsonl') return 'JSON Lines'
  if (format === 'lines') return 'plain text, a record a line'
  return path === undefined ? 'one JSON document' : `one JSON document, records under \`${path}\``
}
