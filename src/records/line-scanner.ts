/**
 * The quick scanner of lines: it makes the same tape as `scanValue` does, of a whole block of lines, with a function in
 * WebAssembly (`scan.wat`). Records of many short fields it scans more than twice as fast (200 MB of trees: 0.15 s and
 * not 0.5), long texts a little.
 */
import type { Tape } from './tape.js'

/** What `scan.wat` compiles to; a test compiles it again. */
export const SCAN_WASM =
  'AGFzbQEAAAABFANgAX8Bf2ACf38Bf2AEf39/fwF/AhMBCXN0ZWVycGlwZQRzY2FuAgABAwcGAAAAAAECBg0CfwBBEAt/AEGAgAELBwgBBHNjYW4ABQqQCQYtAQF/A0AgAC0AACEBIAFBIEYgAUEJRiABQQ1GcnIEQCAAQQFqIQAMAQsLIAALcQIBewJ/A0AgAP0ABAAhASABQSL9D/0jIAFB3AD9D/0j/VAgAUEg/Q/9Jv1Q/WQhAiACRQRAIABBEGohAAwBCyAAIAJoaiEAIAAtAAAhAyADQSJGBEAgAA8LIANB3ABHBEBBAA8LIABBAmohAAwACwALQgECfyAAIQEDQCAA/QAEAEEw/Q/9cUEJ/Q/9KP1kIQIgAkUEQCAAQRBqIQAMAQsLIAAgAmhqIQBBACAAIAAgAUYbC4MBAQF/IAAtAABBLUYEQCAAQQFqIQALIAAtAABBMEYEQCAAQQFqIQAFIAAQAiEAIABFBEBBAA8LCyAALQAAQS5GBEAgAEEBahACIQAgAEUEQEEADwsLIAAtAABBIHJB5QBGBEAgAC0AASEBIABBAkEBIAFBK0YgAUEtRnIbahACDwsgAAtbACABQTBrQQpJIAFBLUZyBEAgABADDwsgACgCAEH05NWrBkYgACgCAEHu6rHjBkZyBEAgAEEEag8LIAAoAgBB5sKxmwdGIAAtAARB5QBGcQRAIABBBWoPC0EAC8kFAQt/IwEhBCABIQggAyEGIAIgAUECdmshAgJAA0AgBCAATw0BIAQhByAEEAAhBCAELQAAIQ0gDUEKRwRAIA1B+wBHBEBBfw8LIAhBwABqIAZLBEBBfg8LIAZBEGshBiAGIAU2AgAgBiAHIwFrNgIEIAYgCEECdiACajYCDCMAIQpBACEOA0AgCEEgaiAGSwRAQX4PCyAOBEAgBC0AAEEiRwRAQX8PCyAEQQFqEAEhDSANRQRAQX8PCyAIIARBAWojAWs2AgAgCCANIwFrNgIEIAhBCGohCCANQQFqIQQgBC0AAEE6RwRAIAQQACEEIAQtAABBOkcEQEF/DwsLIARBASAELQABQSBGamohBCAELQAAQSBNBEAgBBAAIQQLCyAIIQkgCEEMaiEIIAkgBCMBazYCACAELQAAIQ0CQCANQSByQfsARgRAIAojAUYEQEF/DwsgCiAJNgIAIApBBGohCiAJIQsgDUECaiEMIARBAWoQACEEIAQtAAAgDEYNASANQfsARiEODAILIA1BIkYEQCAEQQFqEAEhBCAERQRAQX8PCyAEQQFqIQQFIAQgDRAEIQQgBEUEQEF/DwsLIAkgBCMBazYCBCAJIAhBAnYgAmo2AggLA0AgBC0AACENIA1BIE0EQCAEEAAhBCAELQAAIQ0LIA1BLEYEQCAEQQEgBC0AAUEgRmpqIQQgBC0AAEEgTQRAIAQQACEECyAMQf0ARiEODAILIA0gDEcEQEF/DwsgBEEBaiEEIAsgBCMBazYCBCALIAhBAnYgAmo2AgggCkEEayEKIAojAEcEQCAKQQRrKAIAIQsgCygCACMBai0AAEECaiEMDAELCwsgBBAAIQQgBC0AAEEKRwRAQX8PCyAGIAQjAWs2AggLIARBAWohBCAFQQFqIQUMAAsLQQAgBTYCAEEEIAggAWtBAnY2AgAgAyAGa0EEdgs='

/** As in `scan.wat`: where the text begins. */
const TEXT = 16_384

const PAGE = 65_536
const LINE_END = 0x0a

/** Line ends behind the text: whatever is read there ends. */
const BEHIND = 48

/** Cells that a record is described with. */
const RECORD_CELLS = 4

/** What `scan` gives when there is not enough memory; any other negative number is a refusal. */
const FULL = -2

type Scan = (end: number, tape: number, base: number, limit: number) => number

/** Takes a record: the number of its line, from 0, where in the text that begins and ends, its root on the tape. */
export type TakeLine = (line: number, start: number, end: number, root: number) => void

/** Gathers lines, and scans them. */
export class LineScanner {
  /**
   * Longer texts are better scanned by `scanValue`: the memory is never given back, and a tape can take twelve times
   * as much as its text.
   */
  static readonly mostBytes = 1 << 20

  private readonly memory = new WebAssembly.Memory({ initial: 16 })
  private readonly scanText: Scan
  private bytes = Buffer.from(this.memory.buffer)
  private cells = new Int32Array(this.memory.buffer)
  private end = TEXT

  constructor() {
    const module = new WebAssembly.Module(Buffer.from(SCAN_WASM, 'base64'))
    const { exports } = new WebAssembly.Instance(module, { steerpipe: { scan: this.memory } })
    this.scanText = exports.scan as Scan // as scan.wat has it
  }

  /** Begins a new text. */
  clear(): this {
    this.end = TEXT
    return this
  }

  /** Bytes of the text. */
  get size(): number {
    return this.end - TEXT
  }

  /** Adds whole lines, with their line ends. */
  add(lines: Uint8Array): this {
    // Most tapes take less than the text.
    this.ensure(this.end + lines.length * 2 + this.size + BEHIND)
    this.bytes.set(lines, this.end)
    this.end += lines.length
    return this
  }

  /** Adds a line without its line end. */
  addLine(line: Uint8Array): this {
    this.add(line)
    this.bytes[this.end++] = LINE_END
    return this
  }

  /** The text, one character a byte. */
  text(): string {
    return this.bytes.toString('latin1', TEXT, this.end)
  }

  /**
   * Scans the text, each line of which is a record or blank, onto a tape.
   *
   * Escapes must be known to be legal; raw control characters in strings are refused.
   *
   * @param take is given the records in order, if all of them are good
   * @returns the number of lines; undefined if a line is refused: since it is not legal, is no object, or is nested more
   *   than 4,000 levels deep, which `scanValue` can tell. Then the tape is as it was.
   */
  scan(tape: Tape, take: TakeLine): number | undefined {
    this.ensure(this.end + BEHIND)
    this.bytes.fill(LINE_END, this.end, this.end + BEHIND)
    const from = (this.end + BEHIND + 3) & ~3
    let count = this.scanText(this.end, from, tape.length, this.bytes.length)
    while (count === FULL) {
      this.ensure(this.bytes.length * 2)
      count = this.scanText(this.end, from, tape.length, this.bytes.length)
    }
    if (count < 0) return undefined
    const { cells } = this
    const first = from / Int32Array.BYTES_PER_ELEMENT
    tape.append(cells.subarray(first, first + cells[1]))
    let at = cells.length
    for (; count > 0; count--) {
      at -= RECORD_CELLS
      take(cells[at], cells[at + 1], cells[at + 2], cells[at + 3])
    }
    return cells[0]
  }

  private ensure(size: number): void {
    if (size <= this.bytes.length) return
    this.memory.grow(Math.ceil((size - this.bytes.length) / PAGE))
    this.bytes = Buffer.from(this.memory.buffer)
    this.cells = new Int32Array(this.memory.buffer)
  }
}

let shared: LineScanner | undefined

/** The scanner of this thread, for whoever is done with it before anybody else runs. */
export function lineScanner(): LineScanner {
  shared ??= new LineScanner()
  return shared.clear()
}
