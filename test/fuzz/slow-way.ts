/**
 * What should become of a file, found out with `JSON.parse` line by line, and what does, in a form that can be compared.
 */

import { isUtf8 } from 'node:buffer'
import { parseJson } from '../../src/records/parse-json.js'
import type { RecordReader, Scan } from '../../src/storage/record-reader.js'
import { expectedOutcomes, NO_LIMIT } from '../support/lines.js'
import type { Member } from '../support/slow.js'

/** The text of a record, or the code of what is wrong with what stands in its place. */
export interface Found {
  readonly line?: number | undefined
  readonly offset?: number | undefined
  /** One character a byte. */
  readonly json?: string
  readonly code?: string
  readonly fatal?: boolean
}

/** What a reader makes of chunks, which are overwritten when they are read. */
export async function readAll(reader: RecordReader, chunks: readonly Buffer[]): Promise<Found[]> {
  const found: Found[] = []
  for (const chunk of chunks) {
    const lent = Buffer.from(chunk)
    found.push(...foundIn(await reader.read(lent)))
    lent.fill(0x22)
  }
  found.push(...foundIn(await reader.end()))
  return found
}

function foundIn({ records, faults }: Scan): Found[] {
  const found: Found[] = []
  let next = 0
  const take = (end: number) => {
    for (; next < end; next++) {
      const { line, offset } = records[next].place
      found.push({ line, offset, json: records[next].json() })
    }
  }
  for (const { index, error, fatal } of faults) {
    take(index)
    const { line, offset } = error.place ?? {}
    found.push({ line, offset, code: error.code, ...(fatal && { fatal }) })
  }
  take(records.length)
  return found
}

const DEEPEST = 100_000

/** How deep the brackets of a text are nested, those in strings left out. */
export function nesting(text: string): number {
  let level = 0
  let deepest = 0
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/gs)) {
    if (token === '[' || token === '{') deepest = Math.max(deepest, ++level)
    else if (token === ']' || token === '}') level--
  }
  return deepest
}

/** JSON Lines. Where a line is nested too deeply and illegal too, either may be told: `codes` has both. */
export function slowLines(bytes: Buffer): (Found & { readonly codes?: readonly string[] })[] {
  return expectedOutcomes(bytes, NO_LIMIT).map(({ line, offset, found }) => {
    const isCode = /^[A-Z]/.test(found)
    const end = bytes.indexOf(0x0a, offset)
    const isDeep = nesting(bytes.toString('latin1', offset, end < 0 ? bytes.length : end)) > DEEPEST
    if (!isCode && !isDeep) return { line, offset, json: found }
    const codes = [...(isDeep ? ['TOO_DEEP'] : []), ...(isCode ? [found] : [])]
    return { line, offset, codes }
  })
}

/** Plain text, a record a line. */
export function slowText(bytes: Buffer): Found[] {
  const marked = bytes.subarray(0, 3).toString('latin1') === '\xef\xbb\xbf'
  let offset = marked ? 3 : 0
  const lines = bytes.toString('latin1', offset).split('\n')
  return lines.flatMap((line, i): Found[] => {
    const place = { line: i + 1, offset }
    offset += line.length + 1
    const text = Buffer.from(line.replace(/\r$/, ''), 'latin1')
    if (!isUtf8(text)) return [{ ...place, code: 'NOT_UTF8' }]
    const json = Buffer.from(JSON.stringify({ text: text.toString('utf8') })).toString('latin1')
    return text.length === 0 ? [] : [{ ...place, json: json.replace(':', ': ') }]
  })
}

/** A document: its elements, or that it is not legal. */
export function slowDocument(bytes: Buffer): 'empty' | 'illegal' | readonly unknown[] {
  if (!isUtf8(bytes)) return 'illegal'
  const text = bytes.toString('utf8').replace(/^\ufeff/, '')
  if (/^[ \t\r\n]*$/.test(text)) return 'empty'
  try {
    JSON.parse(text) // whether it is legal
    const value = parseJson(text)
    return Array.isArray(value) ? value : [value]
  } catch {
    return 'illegal'
  }
}

/** The members of a legal object as they are written, those inside of others left out. */
export function membersOf(json: string): Member[] {
  const members: Member[] = []
  let depth = 0
  let key = ''
  let start = -1
  for (const { 0: token, index } of json.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{},:]/g)) {
    if (depth === 1 && start >= 0 && (token === ',' || token === '}')) {
      members.push({ key, json: json.slice(start, index).trim() })
      start = -1
    }
    if (token === '[' || token === '{') depth++
    else if (token === ']' || token === '}') depth--
    else if (depth === 1 && start < 0) {
      if (token === ':') start = index + 1
      else if (token !== ',') key = JSON.parse(token) as string // a legal string of JSON
    }
  }
  return members
}
