import { isUtf8 } from 'node:buffer'
import * as z from 'zod'
import type { LeftOut } from '../records/left-out.js'
import { PARTNER } from '../records/left-out.js'

/** A record that was set aside, as a line of a file. */
export const deadLetterSchema = z.strictObject({
  /** The name of the input in the definition. */
  name: z.string(),
  /** The file, or `-` for stdin. */
  input: z.string(),
  /** From 1. */
  line: z.int().optional(),
  /** From 1, where the input has no lines. */
  record: z.int().optional(),
  /** Bytes before it in the decompressed stream. */
  offset: z.int().optional(),
  stage: z.string(),
  /** The error's code, or `partner` for a record that was left out only because its partner was. */
  code: z.string(),
  message: z.string(),
  /** How often it was tried. */
  tries: z.int(),
  /** The line as it was read; null where it was too long to be kept. */
  raw: z.string().nullable(),
  /** How `raw` is to be read: bytes that are no UTF-8 are in base64. */
  encoding: z.enum(['utf-8', 'base64']),
  /** Where what is made of it would stand, by the outputs' paths: the bytes before it, and their CRC-32. */
  at: z.record(
    z.string(),
    z.strictObject({ bytes: z.int(), crc: z.int(), shared: z.literal(true).optional() }),
  ),
})
export type DeadLetter = z.output<typeof deadLetterSchema>

/** What the records of an input are called, and how they were read. */
export interface InputName {
  readonly name: string
  /** The field of records that were lines of plain text, by the file that they were in. */
  readonly fields: ReadonlyMap<string, string>
}

/** What is kept of a record that was left out. */
export function deadLetter(leftOut: LeftOut, { name, fields }: InputName): DeadLetter {
  const { error, isPartner, place, isRecord, line, at } = leftOut
  const field = fields.get(place?.input ?? '')
  const read = line !== null && isRecord && field !== undefined ? textIn(line, field) : line
  const bytes = read === null ? null : Buffer.from(read, 'latin1')
  const isText = bytes === null || isUtf8(bytes)
  return {
    name,
    input: place?.input ?? '',
    line: place?.line,
    record: place?.record,
    offset: place?.offset,
    stage: error?.stage ?? '',
    code: isPartner ? PARTNER : (error?.code ?? PARTNER),
    message: messageOf(error, isPartner),
    tries: error?.tries ?? 1,
    raw: bytes === null ? null : bytes.toString(isText ? 'utf8' : 'base64'),
    encoding: isText ? 'utf-8' : 'base64',
    // In one order: which output says it first hangs on what came behind the record.
    at: Object.fromEntries([...at].sort(([a], [b]) => (a < b ? -1 : 1))),
  }
}

function messageOf(error: LeftOut['error'], isPartner: boolean): string {
  if (error === null) return 'its partner was left out'
  const said = error.expected === undefined ? error.found : `${error.found}; expected ${error.expected}`
  return isPartner ? `its partner was left out: ${said}` : said
}

/** The line of plain text that a record was made of, one character a byte. */
function textIn(json: string, field: string): string {
  const record = z
    .record(z.string(), z.string())
    .parse(JSON.parse(Buffer.from(json, 'latin1').toString('utf8')))
  return Buffer.from(record[field]).toString('latin1')
}
