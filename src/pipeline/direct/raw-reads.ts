import { HASH_START } from '../../records/bytes.js'
import { RawLines } from '../../records/raw-lines.js'
import { passOver, withFirst } from '../../storage/consumed.js'
import { readBytes } from '../../storage/input.js'
import { JsonLinesReader } from '../../storage/json-lines.js'
import { type Scan, START } from '../../storage/record-reader.js'
import { readerSettings } from '../pipeline.js'
import type { ReadSettings } from '../read.js'

/** What came of one chunk of a file. */
export interface RawRead {
  /** Lines as they lie, which the reader is to be told of when they are done with; or, where something is wrong, records. */
  readonly read: RawLines | Scan
  readonly reader: JsonLinesReader
}

/**
 * Reads JSON Lines, and leaves them where they lie. Counts the records of such lines for `parse`.
 *
 * @param here see `readBytes`
 * @param pays whether it is worth it for the next chunk; asked once for each
 * @throws SteerpipeError what `readBytes` throws; RESUME_REFUSED
 */
export async function* rawReads(
  file: string,
  reading: ReadSettings,
  here: boolean,
  pays: () => boolean,
): AsyncGenerator<RawRead> {
  const { counters, keeps, from } = reading
  const { maxLineBytes } = readerSettings(reading.parse, reading.input)
  const chunks = readBytes(file, undefined, here)
  const passed = from && (await passOver(chunks, from, file))
  const hash = keeps ? (passed?.state ?? HASH_START) : undefined
  const reader = new JsonLinesReader({ input: file, maxLineBytes }, from ?? START, hash)
  if (keeps) reading.onOpen?.(reader)
  for await (const bytes of passed ? withFirst(passed.rest, chunks) : chunks) {
    reading.onBytes(bytes.length)
    reader.room(bytes.length).set(bytes)
    const read = pays() ? reader.filledRaw(bytes.length) : reader.filled(bytes.length)
    if (read instanceof RawLines) {
      counters.in += read.count
      counters.out += read.count
    }
    yield { read, reader }
  }
  yield { read: reader.end(), reader }
}
