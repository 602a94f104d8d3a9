/**
 * The memory in which bytes become records, and what is done with all of them: one pass, before it is scanned, that
 * finds out which checks the scanner may leave out, and a hash of what was read.
 *
 * These are small functions in WebAssembly (`region.wat`), sixty-four bytes at a time: the pass is three times as fast
 * as what JavaScript can do with four, the hash four times as fast as zlib's CRC-32. So the memory is WebAssembly's.
 */

import { crypto } from '../lazy-node.js'

/** A byte below 0x20 other than a line end: legal between tokens (tab, carriage return), not inside strings. */
export const CONTROL = 1
/** An escape `\u` or `\/`: text may have to be brought to the canonical spelling. */
export const RESPELL = 2
/** An escape that JSON does not have. */
export const ILLEGAL = 4

/** What `region.wat` compiles to; a test compiles it again. */
export const REGION_WASM =
  'AGFzbQEAAAABDQJgAn9/AX9gA39/fwACFQEJc3RlZXJwaXBlBnJlZ2lvbgIAAQMDAgABBxICB2luc3BlY3QAAARoYXNoAAEK1wQCvwIDAn8BfgJ/AkADQCAAIAFPDQEgAP0ABABBIP0P/SYgAP0ABABB3AD9D/0j/VD9ZK0gAP0ABBBBIP0P/SYgAP0ABBBB3AD9D/0j/VD9ZK1CEIaEIAD9AAQgQSD9D/0mIAD9AAQgQdwA/Q/9I/1Q/WStQiCGIAD9AAQwQSD9D/0mIAD9AAQwQdwA/Q/9I/1Q/WStQjCGhIQhBAJAA0AgBFANASAAIAR6p2ohBSAEIARCAX2DIQQgBSADSQ0AIAUtAAAhBiAGQSBJBEAgBkEKRwRAIAJBAXIhAgsMAQsgBUECaiEDIAIgBS0AAS0AAHIhAiAFLQABQfUARw0AIAUtAAItAIACIAUtAAMtAIACcSAFLQAELQCAAiAFLQAFLQCAAnFxRQRAIAJBBHIhAgsMAAsLIABBwABqIQAMAAsLIAILkwIBBntB95Svr3j9ESEHQbHz3fF5/REhCCAA/QAEACEDIAD9AAQQIQQgAP0ABCAhBSAA/QAEMCEGAkADQCABIAJPDQEgAyAB/QAEACAH/bUB/a4BIQMgBCAB/QAEECAH/bUB/a4BIQQgBSAB/QAEICAH/bUB/a4BIQUgBiAB/QAEMCAH/bUB/a4BIQYgA0EN/asBIANBE/2tAf1QIAj9tQEhAyAEQQ39qwEgBEET/a0B/VAgCP21ASEEIAVBDf2rASAFQRP9rQH9UCAI/bUBIQUgBkEN/asBIAZBE/2tAf1QIAj9tQEhBiABQcAAaiEBDAALCyAAIAP9CwQAIAAgBP0LBBAgACAF/QsEICAAIAb9CwQwCw=='

/** Bytes of the memory before the region: the tables, the lanes of the hash, and what is not hashed yet. */
const LANES = 512
const PENDING = 576
export const REGION = 640

/** Bytes that are hashed together. */
const HASHED = 64

/**
 * The hash of a stream is made of the hashes of its cells, each of so many bytes, so that several threads can hash one
 * file: each hashes the cells that it reads.
 */
export const CELL_BYTES = 512 * 1024

const PAGE = 65_536

/** How many bytes beyond the end of what is inspected are looked at: a block of sixty-four, and an escape. */
const BEHIND = 72

const SPACE = 0x20

let compiled: WebAssembly.Module | undefined

/** Room for whoever scans the bytes, to begin with. */
const SCAN_ROOM = 256 * 1024

/** Bytes of a region, in memory that can be inspected, scanned and grown. */
export class RegionBytes {
  /** Tables and the hash's state, then the bytes, then room for whoever scans them. */
  readonly memory: WebAssembly.Memory
  private readonly functions: RegionFunctions
  private view: Buffer
  /** Bytes that are not hashed yet, since they do not fill all lanes. */
  private pending = 0
  /** Bytes of the cell that have come. */
  private inCell = 0
  /** What the cells before it come to. */
  private chain: Uint8Array = NO_CELLS
  /** The lanes of each cell that was ended, if somebody wants to know. */
  private cells: Uint8Array[] | null = null

  /** @param size bytes to begin with */
  constructor(private size: number) {
    this.memory = new WebAssembly.Memory({ initial: Math.ceil((roomBehind(size) + SCAN_ROOM) / PAGE) })
    compiled ??= new WebAssembly.Module(Buffer.from(REGION_WASM, 'base64'))
    const { exports } = new WebAssembly.Instance(compiled, { steerpipe: { region: this.memory } })
    this.functions = exports as unknown as RegionFunctions // as region.wat has them
    this.view = this.newView()
    fillTables(Buffer.from(this.memory.buffer, 0, LANES))
  }

  /** The bytes. Growing moves them: do not hold on to it. */
  get bytes(): Buffer {
    return this.view
  }

  /** Where the room behind the bytes begins. It goes to the end of the memory, and is empty after growing. */
  get room(): number {
    return roomBehind(this.size)
  }

  /** Makes room for `size` bytes; what is there stays. */
  ensure(size: number): void {
    if (size <= this.size) return
    const more = Math.max(size, this.size * 2) - this.size
    this.size += more
    this.grow(more)
  }

  /** Makes the room behind the bytes larger. */
  growRoom(): void {
    this.grow(this.memory.buffer.byteLength - this.room)
  }

  private grow(by: number): void {
    this.memory.grow(Math.ceil(by / PAGE))
    this.view = this.newView()
  }

  private newView(): Buffer {
    return Buffer.from(this.memory.buffer, REGION, this.size + BEHIND)
  }

  /**
   * The flags {@link CONTROL}, {@link RESPELL} and {@link ILLEGAL} of `bytes[0, end)`.
   *
   * Escapes are paired from the start on. That is how they pair inside strings too, as long as no backslash
   * stands outside of one, which the scanner refuses.
   */
  inspect(end: number): number {
    // What lies behind may be half an escape of the next region: spaces stand there for the while.
    const behind = Buffer.from(this.view.subarray(end, end + BEHIND))
    this.view.fill(SPACE, end, end + BEHIND)
    const flags = this.functions.inspect(REGION, REGION + end)
    behind.copy(this.view, end)
    return flags
  }

  /**
   * Goes on with a hash: puts its state where `hash` takes it from.
   *
   * @param cells gets what each cell comes to that is ended from here on; undefined if nobody wants to know
   */
  restoreHash({ chain, inCell, lanes, pending }: HashState, cells?: Uint8Array[]): void {
    this.header.set(lanes, LANES)
    this.header.set(pending, PENDING)
    this.pending = pending.length
    this.inCell = inCell
    this.chain = chain
    this.cells = cells ?? null
  }

  /** The state of the hash. */
  saveHash(): HashState {
    const { header, pending, inCell, chain } = this
    return {
      chain,
      inCell,
      lanes: Buffer.from(header.subarray(LANES, PENDING)),
      pending: Buffer.from(header.subarray(PENDING, PENDING + pending)),
    }
  }

  /** Hashes `bytes[start, end)`, behind what was hashed before. */
  hash(start: number, end: number): void {
    for (let at = start; at < end; ) {
      const upTo = Math.min(end, at + CELL_BYTES - this.inCell)
      this.hashInCell(at, upTo)
      this.inCell += upTo - at
      at = upTo
      if (this.inCell === CELL_BYTES) this.endCell()
    }
  }

  private endCell(): void {
    const lanes = Buffer.from(this.header.subarray(LANES, PENDING))
    // Whoever takes the cells chains them.
    if (this.cells) this.cells.push(lanes)
    else this.chain = chained(this.chain, lanes)
    this.header.set(HASH_START.lanes, LANES)
    this.inCell = 0
  }

  private hashInCell(start: number, end: number): void {
    let at = start
    if (this.pending > 0) {
      at = Math.min(end, start + HASHED - this.pending)
      this.view.copy(this.header, PENDING + this.pending, start, at)
      this.pending += at - start
      if (this.pending < HASHED) return
      this.functions.hash(LANES, PENDING, PENDING + HASHED)
    }
    const whole = at + Math.floor((end - at) / HASHED) * HASHED
    this.functions.hash(LANES, REGION + at, REGION + whole)
    this.view.copy(this.header, PENDING, whole, end)
    this.pending = end - whole
  }

  /** What stands before the region. */
  private get header(): Buffer {
    return Buffer.from(this.memory.buffer, 0, REGION)
  }
}

interface RegionFunctions {
  inspect(from: number, end: number): number
  hash(lanes: number, from: number, end: number): void
}

/** How far a hash has come. */
export interface HashState {
  /** What the cells before come to. */
  readonly chain: Uint8Array
  /** Bytes of the cell that have come. */
  readonly inCell: number
  readonly lanes: Uint8Array
  /** What came last and does not fill all lanes. */
  readonly pending: Uint8Array
}

const NO_CELLS: Uint8Array = Buffer.alloc(0)

/** The state of a hash of nothing: any numbers will do, as long as they differ. */
export const HASH_START: HashState = {
  chain: NO_CELLS,
  inCell: 0,
  lanes: Buffer.from(Uint32Array.from({ length: 16 }, (_, lane) => Math.imul(lane + 1, 0xc2b2ae3d)).buffer),
  pending: Buffer.alloc(0),
}

/** What cells come to with one more. @param lanes of the cell */
export const chained = (chain: Uint8Array, lanes: Uint8Array): Uint8Array =>
  crypto().hash('sha256', Buffer.concat([chain, lanes]), 'buffer') // a `Hash` takes several times as long

/** What a hash says, as text. @param bytes how many were hashed */
export function digestOf({ chain, lanes, pending }: HashState, bytes: number): string {
  const hash = crypto().createHash('sha256').update(chain).update(lanes).update(pending).update(String(bytes))
  return hash.digest('hex').slice(0, 32)
}

/** Where the room begins behind so many bytes: the numbers in it are of four bytes each. */
const roomBehind = (size: number): number => (REGION + size + BEHIND + 3) & ~3

/** The flags of each byte that follows a backslash, then whether each byte is a hexadecimal digit. */
function fillTables(tables: Buffer): void {
  tables.fill(ILLEGAL, 0, 256)
  for (const char of '"\\bfnrt') tables[char.charCodeAt(0)] = 0
  for (const char of '/u') tables[char.charCodeAt(0)] = RESPELL
  for (const char of '0123456789abcdefABCDEF') tables[256 + char.charCodeAt(0)] = 1
}
