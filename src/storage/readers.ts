import { HASH_START, type HashState } from '../records/bytes.js'
import { type Account, Consumed } from './consumed.js'
import { JsonLinesReader } from './json-lines.js'
import { type LinePosition, type RecordReader, START } from './record-reader.js'

/** What a reader of any format needs to know. */
export interface ReaderSettings {
  readonly format: 'jsonl' | 'json' | 'lines'
  /** With `json`: where the records are; keys joined by dots. */
  readonly path?: string | undefined
  /** With `lines`: the field that holds the line. */
  readonly field: string
  readonly maxLineBytes: number
}

/** A reader, and the account of what it reads. */
export interface OpenReader {
  readonly reader: RecordReader
  /** Undefined if none was asked for. */
  readonly account: Account | undefined
  /** To be called with the bytes that the reader was given. */
  readonly taken: (bytes: Uint8Array) => void
}

/** Where a reader begins. */
export interface ReaderStart extends LinePosition {
  readonly hash: HashState
}

const AT_START: ReaderStart = { ...START, hash: HASH_START }

/**
 * The reader for a format. Those that are not JSON Lines bring their libraries when they are used.
 *
 * @param input the name of the input, for places
 * @param start where the bytes that it is given begin; default at the start. (A document has only that.)
 */
export async function openReader(
  settings: ReaderSettings,
  input: string,
  start: ReaderStart = AT_START,
): Promise<RecordReader> {
  return (await openKeeping(settings, input, false, start)).reader
}

/** As {@link openReader}. @param keeps whether account is kept of what is read */
export async function openKeeping(
  settings: ReaderSettings,
  input: string,
  keeps: boolean,
  start: ReaderStart = AT_START,
): Promise<OpenReader> {
  const { maxLineBytes } = settings
  const { hash } = start
  const counted = (reader: RecordReader): OpenReader => {
    const account = keeps ? new Consumed(start, hash) : undefined
    return { reader, account, taken: (bytes) => account?.take(bytes, reader.position) }
  }
  switch (settings.format) {
    case 'jsonl': {
      const reader = new JsonLinesReader({ input, maxLineBytes }, start, keeps ? hash : undefined)
      return { reader, account: keeps ? reader : undefined, taken: () => {} }
    }
    case 'json': {
      const { JsonDocumentReader } = await import('./json-document.js')
      return counted(new JsonDocumentReader({ input, path: settings.path, maxRecordBytes: maxLineBytes }))
    }
    case 'lines': {
      const { TextLinesReader } = await import('./text-lines.js')
      return counted(new TextLinesReader({ input, field: settings.field, maxLineBytes }, start))
    }
  }
}
