import { decode } from '../../records/json-text.js'
import type { JsonRecord } from '../../records/record.js'
import { cut, printable, WIDTH } from './shown.js'

/** Fields that are shown. */
const MOST_FIELDS = 40

/** Characters of a field's name. */
const NAME_WIDTH = 44

/** The fields of a record, a line each. Lists and objects are shown as they are written. */
export function showRecord(record: JsonRecord, index: number): string[] {
  const lines: string[] = []
  const end = record.next(record.root)
  for (
    let at = record.first(record.root);
    at < end && lines.length <= MOST_FIELDS;
    at = record.next(at + 2)
  ) {
    const name = `${cut(decode(record.key(at)), NAME_WIDTH)}: `
    const room = WIDTH - 5 - name.length
    const value = at + 2
    lines.push(
      lines.length === MOST_FIELDS
        ? '…'
        : name +
            (record.isText(value)
              ? quoted(decode(record.text(value)), room)
              : written(record.raw(value), room)),
    )
  }
  const number = `${index + 1}. `
  return [number + (lines[0] ?? '{}'), ...lines.slice(1).map((line) => ' '.repeat(number.length) + line)]
}

/** A text in quotes, shortened. */
function quoted(text: string, room: number): string {
  // Escapes make it longer.
  for (let length = room - 2; ; length--) {
    const shown = printable(JSON.stringify(cut(text, length)))
    if (shown.length <= room || length <= 1) return shown
  }
}

/** JSON as it was written, one character a byte, shortened. */
function written(json: string, room: number): string {
  const text = Buffer.from(json.slice(0, 4 * room), 'latin1')
    .toString('utf8')
    .replace(/\s+/g, ' ')
  return json.length > 4 * room ? cut(`${text} …`, room) : cut(text, room)
}
