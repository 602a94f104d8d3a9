import { SteerpipeError } from '../errors.js'
import type { Counters } from '../observe/counters.js'
import { Batch } from '../records/batch.js'
import { ErrorPolicy, type StageSettings } from '../stages/policy.js'
import { Intake } from '../stages/units.js'
import { readBytes } from '../storage/input.js'
import { openReader } from '../storage/readers.js'
import { readerSettings, type StageUse } from './pipeline.js'

/** How a file is read. */
export interface ReadSettings extends StageSettings {
  readonly parse: StageUse
  /** Counts what `parse` does. */
  readonly counters: Counters
  /** Called with the number of decompressed bytes that were read. */
  readonly onBytes: (count: number) => void
}

/**
 * The records of a file, batch by batch: what `parse` gives as a stream, without the stream. An error is in the
 * last batch.
 */
export async function* readRecords(file: string, settings: ReadSettings): AsyncGenerator<Batch> {
  const { counters } = settings
  const options = readerSettings(settings.parse)
  const group = Number(settings.parse.options.group)
  const intake = new Intake('parse', counters, new ErrorPolicy(counters, settings), group)
  try {
    const reader = await openReader(options, file)
    for await (const bytes of readBytes(file)) {
      settings.onBytes(bytes.length)
      const batch = intake.take(await reader.read(bytes))
      if (batch.records.length > 0 || batch.error) yield batch
      if (batch.error) return
    }
    const last = intake.take(await reader.end())
    last.error ??= intake.end() ?? null
    if (last.records.length > 0 || last.error) yield last
  } catch (error) {
    if (!(error instanceof SteerpipeError)) throw error
    yield Batch.failed(error)
  }
}
