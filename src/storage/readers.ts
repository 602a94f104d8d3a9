import { JsonLinesReader } from './json-lines.js'
import type { LinePosition, RecordReader } from './record-reader.js'

/** What a reader of any format needs to know. */
export interface ReaderSettings {
  readonly format: 'jsonl' | 'json' | 'lines'
  /** With `json`: where the records are; keys joined by dots. */
  readonly path?: string | undefined
  /** With `lines`: the field that holds the line. */
  readonly field: string
  readonly maxLineBytes: number
}

/**
 * The reader for a format. Those that are not JSON Lines bring their libraries when they are used.
 *
 * @param input the name of the input, for places
 * @param start where the bytes that it is given begin; default at the start. (A document has only that.)
 */
export async function openReader(
  settings: ReaderSettings,
  input: string,
  start?: LinePosition,
): Promise<RecordReader> {
  const { maxLineBytes } = settings
  switch (settings.format) {
    case 'jsonl':
      return new JsonLinesReader({ input, maxLineBytes }, start)
    case 'json': {
      const { JsonDocumentReader } = await import('./json-document.js')
      return new JsonDocumentReader({ input, path: settings.path, maxRecordBytes: maxLineBytes })
    }
    case 'lines': {
      const { TextLinesReader } = await import('./text-lines.js')
      return new TextLinesReader({ input, field: settings.field, maxLineBytes }, start)
    }
  }
}
