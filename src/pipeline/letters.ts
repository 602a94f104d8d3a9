import { SteerpipeError } from '../errors.js'
import { readBytes } from '../storage/input.js'
import { JsonLinesReader } from '../storage/json-lines.js'
import type { Scan } from '../storage/record-reader.js'
import { type DeadLetter, deadLetterSchema } from './dead-letter.js'

/** A line with a record that was set aside may be twice as long as the record, and more. */
const MAX_LINE_BYTES = 512 * 1024 * 1024

/**
 * The records that a run has set aside, in the order of the file.
 *
 * @throws SteerpipeError for what cannot be read, and WRONG_RECORD for what no run has set aside
 */
export async function* readLetters(file: string): AsyncGenerator<DeadLetter> {
  const reader = new JsonLinesReader({ input: file, maxLineBytes: MAX_LINE_BYTES })
  for await (const bytes of readBytes(file)) yield* lettersIn(reader.read(bytes))
  yield* lettersIn(reader.end())
}

function* lettersIn({ records, faults }: Scan): Generator<DeadLetter> {
  if (faults.length > 0) throw faults[0].error.at({ input: '' }, 'replay')
  for (const record of records) {
    const result = deadLetterSchema.safeParse(
      JSON.parse(Buffer.from(record.json(), 'latin1').toString('utf8')),
    )
    if (!result.success) {
      const [issue] = result.error.issues
      const where = issue.path.length > 0 ? `\`${issue.path.join('.')}\`: ` : ''
      throw new SteerpipeError('WRONG_RECORD', {
        found: `this is no record that was set aside: ${where}${issue.message}`,
        expected:
          'a line that `--on-error dead-letter=FILE` has written; of it only `raw` (and with it `encoding`) may be changed',
        fix: 'Give the file that a run with `--on-error dead-letter=FILE` has made.',
        place: record.place,
        stage: 'replay',
      })
    }
    yield result.data
  }
}

/** The bytes of a record that was set aside; null where they were not kept, or are not in base64 as they should be. */
export function bytesOf({ raw, encoding }: DeadLetter): Buffer | null {
  if (raw === null || encoding === 'utf-8') return raw === null ? null : Buffer.from(raw)
  const bytes = Buffer.from(raw, 'base64')
  return bytes.toString('base64') === raw ? bytes : null
}

/** Where a record was read. */
type Read = Pick<DeadLetter, 'input' | 'line' | 'record' | 'offset'>

/** What tells places apart. */
export const placeKey = ({ input, line, record, offset }: Read): string =>
  `${input}\n${line ?? ''}\n${record ?? ''}\n${offset ?? ''}`

/** What tells records apart: who has read them, and where. */
export const letterKey = (letter: Read & Pick<DeadLetter, 'name'>): string =>
  `${letter.name}\n${placeKey(letter)}`
