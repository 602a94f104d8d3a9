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
        expected: 'a line that `--on-error dead-letter=FILE` has written; of it only `raw` may be changed',
        fix: 'Give the file that a run with `--on-error dead-letter=FILE` has made.',
        place: record.place,
        stage: 'replay',
      })
    }
    yield result.data
  }
}

/** The bytes of a record that was set aside; null where they were not kept. */
export function bytesOf({ raw, encoding }: DeadLetter): Buffer | null {
  return raw === null ? null : Buffer.from(raw, encoding === 'base64' ? 'base64' : 'utf8')
}

/** What tells records apart: where they were read. */
export function letterKey({
  input,
  line,
  record,
  offset,
}: Pick<DeadLetter, 'input' | 'line' | 'record' | 'offset'>): string {
  return `${input}\n${line ?? ''}\n${record ?? ''}\n${offset ?? ''}`
}
