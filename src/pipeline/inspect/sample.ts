import { SteerpipeError } from '../../errors.js'
import type { JsonRecord } from '../../records/record.js'
import { parseSpec } from '../../stages/parse.js'
import { stageOptions } from '../../stages/spec.js'
import { openReader } from '../../storage/readers.js'
import type { Scan } from '../../storage/record-reader.js'
import type { Peek } from './peek.js'

/** A way to read an input: what `parse` is to be told. */
export interface Reading {
  readonly format: 'jsonl' | 'json' | 'lines'
  /** With `json`: where the records are. */
  readonly path?: string
}

/** The first records of an input. */
export interface Sample {
  readonly records: readonly JsonRecord[]
  /** What could not be read among them. */
  readonly errors: readonly SteerpipeError[]
  /** Whether these are all that the input has. */
  readonly isAll: boolean
}

/** Bytes that are read at a time. */
const PIECE_BYTES = 64 * 1024

/**
 * Reads the first records of what was peeked at, as `parse` reads them. A record that is not whole there is not among
 * them.
 *
 * @param input what places call it
 * @param most how many records, good and bad, are enough
 */
export async function sampleOf(peek: Peek, reading: Reading, input: string, most: number): Promise<Sample> {
  const { bytes, isWhole, error: failure } = peek
  const reader = await openReader(stageOptions(parseSpec, reading), input)
  const records: JsonRecord[] = []
  const errors: SteerpipeError[] = []
  let isOver = false
  const take = (scan: Scan) => {
    let next = 0
    const add = (end: number) => {
      const room = most - records.length - errors.length
      for (const record of scan.records.slice(next, Math.min(end, next + room))) records.push(record)
      isOver ||= end - next > room
      next = end
    }
    for (const { index, error, fatal } of scan.faults) {
      add(index)
      isOver ||= records.length + errors.length >= most
      if (!isOver) errors.push(error.at({ input }))
      if (fatal) return
    }
    add(scan.records.length)
  }
  for (let at = 0; at < bytes.length && !isOver; at += PIECE_BYTES) {
    take(await reader.read(bytes.subarray(at, at + PIECE_BYTES)))
  }
  if (isWhole && !isOver) take(await reader.end())
  const isEndless = !isWhole && failure === undefined && records.length + errors.length === 0
  if (isEndless) errors.push(endless(bytes.length, input))
  return { records, errors, isAll: isWhole && !isOver }
}

/** The error for an input whose first record goes on beyond what is looked at. */
const endless = (bytes: number, input: string): SteerpipeError =>
  new SteerpipeError('LINE_TOO_LONG', {
    found: `the first record does not end within the first ${bytes} bytes, and no more is looked at`,
    fix: 'If it is meant to be that long, `steerpipe parse` reads it; if not, line ends are missing.',
    place: { input, offset: 0 },
  })
