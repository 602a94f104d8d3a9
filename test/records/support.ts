import type { JsonRecord } from '../../src/records/record.js'
import { JsonLinesReader } from '../../src/storage/json-lines.js'

/** The records of lines that are good or blank. */
export function recordsOf(lines: readonly string[]): JsonRecord[] {
  const reader = new JsonLinesReader({ input: 'test', maxLineBytes: 1 << 20 })
  const { records } = reader.read(Buffer.from(lines.map((line) => `${line}\n`).join('')))
  return [...records, ...reader.end().records]
}
