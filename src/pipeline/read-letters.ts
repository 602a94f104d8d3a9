import { CATALOGUE, type ErrorCode, isBehind, type Place, SteerpipeError } from '../errors.js'
import { Batch } from '../records/batch.js'
import { HASH_START } from '../records/bytes.js'
import { ErrorPolicy } from '../stages/policy.js'
import { Intake, saysNothing } from '../stages/units.js'
import { JsonLinesReader } from '../storage/json-lines.js'
import { openReader, type ReaderSettings } from '../storage/readers.js'
import type { RecordReader, Scan } from '../storage/record-reader.js'
import type { DeadLetter } from './dead-letter.js'
import { bytesOf, readLetters } from './letters.js'
import { readerSettings } from './pipeline.js'
import type { ReadSettings } from './read.js'

/**
 * Records that were set aside, read again as they were read then, with the places that they had. An error is in the
 * last batch.
 *
 * @param belongs whether a record is of this source
 */
export async function* readSetAside(
  file: string,
  belongs: (letter: DeadLetter) => boolean,
  settings: ReadSettings,
): AsyncGenerator<Batch> {
  const { counters } = settings
  const options = readerSettings(settings.parse, settings.input)
  const policy = new ErrorPolicy(counters, settings)
  const group = Number(settings.parse.options.group)
  const newIntake = () => new Intake('parse', counters, policy, group)
  let intake = newIntake()
  const batchOf = (scan: Scan) => {
    const batch = intake.take(scan)
    batch.leftOut = policy.taken()
    return batch
  }
  const last = () => {
    const batch = batchOf({ records: [], faults: [] })
    batch.error ??= intake.end() ?? null
    batch.leftOut = [...batch.leftOut, ...policy.taken()]
    return batch
  }
  let before: Place | undefined
  try {
    for await (const letter of readLetters(file)) {
      if (!belongs(letter)) continue
      const { input, line, record, offset } = letter
      const place = { input, line, record, offset }
      // Records of several files, or of one that is read twice, do not belong together.
      if (before !== undefined && (before.input !== input || !isBehind(place, before))) {
        const end = last()
        if (!saysNothing(end)) yield end
        if (end.error) return
        intake = newIntake()
      }
      before = place
      for (const scan of await scansOf(letter, options)) {
        const batch = batchOf(scan)
        if (!saysNothing(batch)) yield batch
        if (batch.error) return
      }
      settings.onBytes(letter.raw?.length ?? 0)
    }
    const end = last()
    if (!saysNothing(end)) yield end
  } catch (error) {
    if (!(error instanceof SteerpipeError)) throw error
    yield Batch.failed(error)
  }
}

const isCode = (code: string): code is ErrorCode => code in CATALOGUE

/** What is read of a record that was set aside. */
async function scansOf(letter: DeadLetter, options: ReaderSettings): Promise<Scan[]> {
  const { input, line = 1, record, offset = 0 } = letter
  const place = { input, line: letter.line, record, offset: letter.offset }
  const bytes = bytesOf(letter)
  const refuse = (error: SteerpipeError): Scan[] => [
    { records: [], faults: [{ index: 0, error: error.at(place), line: bytes?.toString('latin1') ?? null }] },
  ]
  if (letter.raw === null) {
    return refuse(
      new SteerpipeError(isCode(letter.code) ? letter.code : 'LINE_TOO_LONG', {
        found: letter.message,
        fix: 'It was not kept with the others: run again over the input itself.',
      }),
    )
  }
  if (bytes === null) {
    return refuse(
      new SteerpipeError('JSON_SYNTAX', {
        found: '`raw` is not in base64, as `encoding` says',
        expected: '`encoding: "utf-8"` beside text',
      }),
    )
  }
  if (bytes.includes(0x0a)) {
    return refuse(
      new SteerpipeError('JSON_SYNTAX', { found: '`raw` has a line end in it', expected: 'one line' }),
    )
  }
  const start = { bytes: offset, lines: line - 1, hash: HASH_START }
  // An element of a document is by itself what a line of JSON Lines is.
  const reader: RecordReader =
    options.format === 'json'
      ? new JsonLinesReader(
          { input, maxLineBytes: options.maxLineBytes, unit: 'record' },
          { bytes: offset, lines: (record ?? 1) - 1 },
        )
      : await openReader(options, input, start)
  const scans = [await reader.read(bytes), await reader.end()]
  if (scans.some(({ records, faults }) => records.length + faults.length > 0)) return scans
  return refuse(
    new SteerpipeError('JSON_SYNTAX', {
      found: '`raw` is empty',
      expected: 'a record',
      fix: 'To give a record up, take its whole line out of the file (of a group those of all its records).',
    }),
  )
}
