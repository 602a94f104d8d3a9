/**
 * One JSON document read in pieces, as a list of what became of it that can be compared.
 */
import { showPlace } from '../../src/errors.js'
import type { JsonRecord } from '../../src/records/record.js'
import type { RecordReader, Scan } from '../../src/storage/record-reader.js'

/** What a reader made of its input: a line for each record and fault, in order. */
export type Story = string[]

/** A record as the stories show it. */
export const recordLine = (record: JsonRecord): string =>
  `${showPlace(record.place)}: ${Buffer.from(record.json(), 'latin1').toString('utf8')}`

function told(scan: Scan): Story {
  const story: Story = []
  let next = 0
  for (const { index, error, fatal } of scan.faults) {
    while (next < index) story.push(recordLine(scan.records[next++]))
    story.push(`${fatal ? 'FATAL ' : ''}${error.code} ${error.message}`)
  }
  while (next < scan.records.length) story.push(recordLine(scan.records[next++]))
  return story
}

/** Reads the chunks and the end. The chunks are overwritten once they are read: a reader may not hold on to them. */
export async function readStory(reader: RecordReader, chunks: readonly Uint8Array[]): Promise<Story> {
  const scans: Scan[] = []
  for (const chunk of chunks) {
    const lent = Buffer.from(chunk)
    scans.push(await reader.read(lent))
    lent.fill(0x22)
  }
  scans.push(await reader.end())
  return scans.flatMap(told)
}

/** A legal JSON value in the canonical spelling; found token by token, with `JSON` only for the strings. */
export const respelled = (json: string): string =>
  json.replace(/"(?:[^"\\]|\\.)*"|[ \t\r\n]+|[,:]/g, (piece) => {
    if (piece[0] === '"') return JSON.stringify(JSON.parse(piece))
    return piece === ',' || piece === ':' ? `${piece} ` : ''
  })
