import { fstatSync } from 'node:fs'
import { CELL_BYTES, chained, digestOf, HASH_START, type HashState } from '../../records/bytes.js'
import type { Account, ReadPart } from '../../storage/consumed.js'
import type { LinePosition } from '../../storage/record-reader.js'
import type { ReadRegion, RegionTask } from './messages.js'

/** Where reading begins: the whole lines before it, and their hash. */
export interface RegionStart extends LinePosition {
  readonly hash: HashState
}

export const FROM_START: RegionStart = { bytes: 0, lines: 0, hash: HASH_START }

/** A file whose regions are read. */
export interface OpenFile {
  /** The name of the input, for places. */
  readonly input: string
  readonly descriptor: number
  /** Bytes that it had when it was opened. */
  readonly size: number
}

/**
 * The regions of a file, one after the other. Each is a cell of the hash, so that whoever reads it can hash it. The
 * last one goes to the end of the file, wherever that is by then; as long as regions are asked for, what has come
 * behind the end becomes regions, too.
 *
 * @param hashes whether somebody wants to know what was read
 */
export function* fileRegions(
  { input, descriptor, size }: OpenFile,
  start: RegionStart,
  hashes: boolean,
): Generator<RegionTask> {
  let known = size // the file may grow meanwhile
  for (let from = start.bytes; ; ) {
    const end = (Math.floor(from / CELL_BYTES) + 1) * CELL_BYTES
    if (end >= known) known = fstatSync(descriptor).size
    const to = end < known ? end : undefined
    yield {
      kind: 'region',
      input,
      file: descriptor,
      from,
      isInside: from > start.bytes,
      to,
      size,
      hash: hashes ? (from === start.bytes ? start.hash : HASH_START) : undefined,
    }
    if (to === undefined) return
    from = to
  }
}

/** The account of a file whose regions are read by others. */
export class RegionAccount implements Account {
  /** What the cells come to that were ended. */
  private chain: Uint8Array
  private cells: number
  private hash: HashState
  private position: LinePosition

  constructor(start: RegionStart) {
    this.position = start
    this.hash = start.hash
    this.chain = start.hash.chain
    this.cells = Math.floor(start.bytes / CELL_BYTES)
  }

  /** Lines that are done with. */
  get lines(): number {
    return this.position.lines
  }

  /** Bytes that are done with: up to the end of a line, or of the file. */
  get bytes(): number {
    return this.position.bytes
  }

  /** Takes what was read of the next region. */
  add({ from }: RegionTask, { end, lines, cells, hash }: ReadRegion): void {
    const first = Math.floor(from / CELL_BYTES)
    for (const [index, lanes] of cells.entries()) {
      // Of a line that goes on over several regions, cells are told more than once.
      if (first + index !== this.cells) continue
      this.chain = chained(this.chain, lanes)
      this.cells++
    }
    if (end === undefined) return
    this.position = { bytes: end, lines: this.lines + lines }
    if (hash) this.hash = { ...hash, chain: this.chain }
  }

  part(): ReadPart {
    const { bytes, lines } = this.position
    return { bytes, lines, hash: digestOf(this.hash, bytes) }
  }

  all(): ReadPart {
    return this.part()
  }
}
