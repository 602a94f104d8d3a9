import type { SteerpipeError } from '../../errors.js'
import type { Inspection } from './inspect.js'
import type { SchemaFit } from './schemas.js'

/** Stands in the JSON for the list of records. */
const RECORDS = 'records'

/**
 * What is known of an input as one JSON object. The records in it are written as they were read, so that they lose
 * nothing and may be nested as deep as records may.
 */
export function inspectionJson(inspection: Inspection): string {
  const { input, format, title, compression, bytes, remote, lookedAt, parse, records } = inspection
  const { fields, fieldsCut, errors, failure, schemas, best, next } = inspection
  const members = {
    input,
    format,
    title,
    compression,
    bytes: bytes ?? null,
    remote: remote ?? null,
    lookedAt,
    parse: parse ?? null,
    [RECORDS]: null,
    fields,
    fieldsCut,
    errors: errors.map(errorJson),
    failure: failure ? errorJson(failure) : null,
    schema: best?.name ?? null,
    schemas: schemas.map(schemaJson),
    next,
  }
  const read = records.map((record) => Buffer.from(record.json(), 'latin1').toString('utf8').trim())
  const lines = Object.entries(members).map(([name, value]) => {
    const json =
      name === RECORDS ? `[${read.map((line) => `\n    ${line}`).join(',')}\n  ]` : JSON.stringify(value)
    return `  ${JSON.stringify(name)}: ${json}`
  })
  return `{\n${lines.join(',\n')}\n}\n`
}

const errorJson = ({ code, found, expected, fix, place }: SteerpipeError) => ({
  code,
  found,
  expected,
  fix,
  ...place,
})

const schemaJson = ({ error, notes, ...fit }: SchemaFit) => ({
  ...fit,
  error: error ? errorJson(error) : null,
  notes: Object.fromEntries(notes),
})
