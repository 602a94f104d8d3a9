/**
 * The memory in which bytes become records, and one pass over it, before it is scanned, that finds out which
 * checks the scanner may leave out.
 *
 * The pass is a small function in WebAssembly (`inspect.wat`), sixteen bytes at a time: three times as fast as
 * what JavaScript can do with four. So the memory is WebAssembly's.
 */

/** A byte below 0x20 other than a line end: legal between tokens (tab, carriage return), not inside strings. */
export const CONTROL = 1
/** An escape `\u` or `\/`: text may have to be brought to the canonical spelling. */
export const RESPELL = 2
/** An escape that JSON does not have. */
export const ILLEGAL = 4

/** What `inspect.wat` compiles to; a test compiles it again. */
export const INSPECT_WASM =
  'AGFzbQEAAAABBwFgAn9/AX8CFQEJc3RlZXJwaXBlBnJlZ2lvbgIAAQMCAQAHCwEHaW5zcGVjdAAACtkBAdYBAwJ/AXsDfwJAA0AgACABTw0BIAD9AAQAIQQgBEEg/Q/9JiAEQdwA/Q/9I/1Q/WQhBQJAA0AgBUUNASAAIAVoaiEGIAUgBUEBa3EhBSAGIANJDQAgBi0AACEHIAdBIEkEQCAHQQpHBEAgAkEBciECCwwBCyAGQQJqIQMgAiAGLQABLQAAciECIAYtAAFB9QBHDQAgBi0AAi0AgAIgBi0AAy0AgAJxIAYtAAQtAIACIAYtAAUtAIACcXFFBEAgAkEEciECCwwACwsgAEEQaiEADAALCyACCw=='

/** Bytes of the memory before the region: the tables. */
const REGION = 512

const PAGE = 65_536

/** How many bytes beyond the end of what is inspected are looked at: a block of sixteen, and an escape. */
const BEHIND = 24

const SPACE = 0x20

let compiled: WebAssembly.Module | undefined

/** Bytes of a region, in memory that can be inspected, and grown. */
export class RegionBytes {
  private readonly memory: WebAssembly.Memory
  private readonly run: (from: number, end: number) => number
  private view: Buffer

  /** @param size bytes to begin with */
  constructor(size: number) {
    this.memory = new WebAssembly.Memory({ initial: pagesFor(size) })
    compiled ??= new WebAssembly.Module(Buffer.from(INSPECT_WASM, 'base64'))
    const { exports } = new WebAssembly.Instance(compiled, { steerpipe: { region: this.memory } })
    this.run = exports.inspect as typeof this.run // its type in inspect.wat
    this.view = Buffer.from(this.memory.buffer, REGION)
    fillTables(Buffer.from(this.memory.buffer, 0, REGION))
  }

  /** The bytes. Growing moves them: do not hold on to it. */
  get bytes(): Buffer {
    return this.view
  }

  /** Makes room for `size` bytes; what is there stays. */
  ensure(size: number): void {
    if (size + BEHIND <= this.view.length) return
    this.memory.grow(pagesFor(Math.max(size, this.view.length * 2)) - this.memory.buffer.byteLength / PAGE)
    this.view = Buffer.from(this.memory.buffer, REGION)
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
    const flags = this.run(REGION, REGION + end)
    behind.copy(this.view, end)
    return flags
  }
}

const pagesFor = (size: number): number => Math.ceil((REGION + size + BEHIND) / PAGE)

/** The flags of each byte that follows a backslash, then whether each byte is a hexadecimal digit. */
function fillTables(tables: Buffer): void {
  tables.fill(ILLEGAL, 0, 256)
  for (const char of '"\\bfnrt') tables[char.charCodeAt(0)] = 0
  for (const char of '/u') tables[char.charCodeAt(0)] = RESPELL
  for (const char of '0123456789abcdefABCDEF') tables[256 + char.charCodeAt(0)] = 1
}
