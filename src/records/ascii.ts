import type { AnyRecord, Line } from './batch.js'
import type { ByteWriter } from './byte-writer.js'
import { canonical } from './json-text.js'
import type { JsonRecord } from './record.js'

/** A character that Python escapes in ASCII output, or an escape that it may spell otherwise. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: a line of JSON has no others, but for tabs between tokens.
const RESPELLED = /[^\x00-\x7e]|\\[u/]/

const STRING = /"(?:[^"\\]|\\.)*"/g

const ESCAPED = /[\x7f-\uffff]/g

/**
 * A line of JSON with its texts spelled as Python's `json.dumps` spells them by default: every character outside of
 * space to `~` is escaped, in lower-case hexadecimal. All else stays as it is.
 *
 * @param json one character a byte
 */
export function asciiLine(json: string): string {
  if (!RESPELLED.test(json)) return json
  return json.replace(STRING, (text) => (RESPELLED.test(text) ? asciiText(text) : text))
}

function asciiText(text: string): string {
  const characters = Buffer.from(canonical(text), 'latin1').toString('utf8')
  return characters.replace(ESCAPED, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** A record that is written in ASCII. */
export class AsciiLine implements Line {
  constructor(private readonly record: Pick<AnyRecord, 'json' | 'source'>) {}

  get source(): JsonRecord {
    return this.record.source
  }

  writeTo(out: ByteWriter): void {
    out.text(asciiLine(this.record.json()))
  }
}
