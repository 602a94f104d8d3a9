/**
 * JSON Lines read in two ways: by the reader, and by a slow and simple reference.
 */
import { isUtf8 } from 'node:buffer'
import { JsonLinesReader } from '../../src/storage/json-lines.js'
import type { Scan } from '../../src/storage/record-reader.js'

/** What became of a line that is not blank: its bytes as a record's JSON, or the code of what is wrong with it. */
export interface Outcome {
  readonly line: number
  readonly offset: number
  readonly found: string
  /** What the error says; not known to the reference. */
  readonly message?: string
}

/** A limit that no line of the tests reaches. */
export const NO_LIMIT = 1 << 26

/** The bytes cut at shares of their length. */
export function chunksOf(bytes: Uint8Array, shares: readonly number[]): Uint8Array[] {
  const cuts = shares.map((share) => Math.round(share * bytes.length)).sort((a, b) => a - b)
  return [0, ...cuts].map((from, i) => bytes.subarray(from, cuts[i] ?? bytes.length))
}

/** What the reader makes of the chunks. */
export function readChunks(chunks: readonly Uint8Array[], maxLineBytes = NO_LIMIT): Outcome[] {
  const reader = new JsonLinesReader({ input: 'test', maxLineBytes })
  const scans: Scan[] = []
  for (const chunk of chunks) {
    const lent = Buffer.from(chunk)
    scans.push(reader.read(lent))
    // The reader may not hold on to a chunk.
    lent.fill(0x22)
  }
  scans.push(reader.end())
  return scans.flatMap(outcomes)
}

function outcomes(scan: Scan): Outcome[] {
  const result: Outcome[] = []
  let next = 0
  const take = (until: number) => {
    while (next < until) {
      const record = scan.records[next++]
      const { line = 0, offset = -1 } = record.place
      result.push({ line, offset, found: record.json() })
    }
  }
  for (const { index, error } of scan.faults) {
    take(index)
    const { line = 0, offset = -1 } = error.place ?? {}
    result.push({ line, offset, found: error.code, message: error.message })
  }
  take(scan.records.length)
  return result
}

/** What should become of each line, found out with `JSON.parse`. */
export function expectedOutcomes(file: Buffer, maxLineBytes = NO_LIMIT): Outcome[] {
  const mark = file.subarray(0, 3).equals(Buffer.of(0xef, 0xbb, 0xbf)) ? 3 : 0
  const result: Outcome[] = []
  let line = 1
  for (let offset = mark; offset < file.length; line++) {
    const lineEnd = file.indexOf(0x0a, offset)
    const bytes = file.subarray(offset, lineEnd < 0 ? file.length : lineEnd)
    const found = expectedOutcome(bytes, maxLineBytes)
    if (found !== undefined) result.push({ line, offset, found })
    offset += bytes.length + 1
  }
  return result
}

function expectedOutcome(bytes: Buffer, maxLineBytes: number): string | undefined {
  if (bytes.length > maxLineBytes) return 'LINE_TOO_LONG'
  if (!isUtf8(bytes)) return 'NOT_UTF8'
  const text = bytes.toString('utf8')
  if (/^[ \t\r]*$/.test(text)) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'JSON_SYNTAX'
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'NOT_AN_OBJECT'
  return bytes.toString('latin1')
}

/** Outcomes without what the errors say, to be compared with the reference's. */
export const withoutMessages = (list: readonly Outcome[]): Outcome[] =>
  list.map(({ line, offset, found }) => ({ line, offset, found }))
