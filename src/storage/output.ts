import { promisify } from 'node:util'
import * as z from 'zod'
import type { Place } from '../errors.js'
import { zlib } from '../lazy-node.js'
import { type Line, toBytes, writeLines } from '../records/batch.js'
import { ByteWriter } from '../records/byte-writer.js'
import type { OutputPoint } from '../records/left-out.js'
import { openSink, type Sink } from './sink.js'

/** How far an output has come, as it is kept to go on from another time. */
export const savedOutput = z.strictObject({
  /** Bytes taken, before compression. */
  bytes: z.int(),
  /** Their CRC-32, where it was asked for. */
  crc: z.int(),
  /** With gzip: bytes of the file that are whole members. */
  file: z.int().optional(),
  /** With gzip: what was taken and is in no member yet, in base64. */
  rest: z.string().optional(),
})
export type SavedOutput = z.output<typeof savedOutput>

/** How an output is opened. */
export interface OutputOptions {
  /** Go on from here with what an earlier run left beside the final name. Default: begin anew. */
  readonly from?: SavedOutput | undefined
  /** Keep a CRC-32 of what is written. Default false. */
  readonly checksum?: boolean
  /** Whether files are flushed to the disk. Default true. */
  readonly syncs?: boolean
  /** As for `Sink.write`, of records. Default false. */
  readonly here?: boolean
}

/** What takes a stage's bytes. */
export interface Output {
  /** The name it was asked for by. */
  readonly path: string
  /** Bytes taken, before compression. */
  readonly bytes: number
  /**
   * Where a record would stand that was left out right here, with the checksum if that was asked for. Undefined if the
   * output has got it from an earlier run.
   *
   * @param place where the record was read
   */
  pointFor(place: Place | undefined): Promise<OutputPoint | undefined>
  /** Takes records, as JSON Lines; resolves when more may come. @throws SteerpipeError WRITE_FAILED */
  write(records: readonly Line[]): Promise<void>
  /**
   * How far it has come by now; resolves when all of that is with the system. Undefined where what was written
   * cannot be taken back: then one cannot go on from here another time.
   *
   * @throws SteerpipeError WRITE_FAILED
   */
  save(): Promise<SavedOutput> | undefined
  /** Flushes to the disk what was written so far. @throws SteerpipeError WRITE_FAILED */
  sync(): Promise<void>
  /** Ends the output, flushed to the disk, under the name that it has until it is whole. */
  finish(): Promise<void>
  /** Makes the output whole: as `finish`, and gives it its final name. @throws SteerpipeError WRITE_FAILED */
  commit(): Promise<void>
  /** Ends without making it whole. What was written stays beside the final name if `keep` is true. */
  abandon(keep: boolean): Promise<void>
}

/**
 * Opens an output: a file, gzipped if its name says so, or `-` for stdout.
 *
 * @throws SteerpipeError WRITE_FAILED, OUTPUT_LOCKED, RESUME_REFUSED
 */
export async function openOutput(path: string, options: OutputOptions = {}): Promise<LinesOutput> {
  const { from, syncs } = options
  if (!path.endsWith('.gz')) return new PlainOutput(await openSink(path, from?.bytes, syncs), options)
  return new GzipOutput(await openSink(path, from?.file, syncs), options)
}

/** The part that outputs have in common. */
export abstract class LinesOutput implements Output {
  private readonly checksum: boolean
  protected taken: OutputPoint
  private finished = false

  constructor(
    protected readonly sink: Sink,
    { from, checksum = false }: OutputOptions,
  ) {
    this.taken = { bytes: from?.bytes ?? 0, crc: from?.crc ?? 0 }
    this.checksum = checksum
  }

  get path(): string {
    return this.sink.path
  }

  get bytes(): number {
    return this.taken.bytes
  }

  async pointFor(_place?: Place): Promise<OutputPoint> {
    return this.taken
  }

  protected count(bytes: Buffer): void {
    const { bytes: before, crc } = this.taken
    this.taken = { bytes: before + bytes.length, crc: this.checksum ? zlib().crc32(bytes, crc) : 0 }
  }

  abstract write(records: readonly Line[]): Promise<void>
  /**
   * Takes bytes that are lines already, or parts of them, which must stay as they are until they are done with.
   * Resolves when more may come.
   *
   * @param onDone called when the bytes are their owner's again
   * @param here see `Sink.write`
   * @throws SteerpipeError WRITE_FAILED
   */
  abstract copy(bytes: Buffer, onDone?: () => void, here?: boolean): Promise<void>
  abstract save(): Promise<SavedOutput> | undefined

  /** Hands what is left to the sink. */
  protected async end(): Promise<void> {}

  /** Resolves when what it took is with the system, or in memory of its own. @throws SteerpipeError WRITE_FAILED */
  settled(): Promise<void> {
    return this.sink.settled()
  }

  sync(): Promise<void> {
    return this.sink.sync()
  }

  async finish(): Promise<void> {
    if (this.finished) return
    await this.end()
    await this.sink.finish()
    this.finished = true
  }

  async commit(): Promise<void> {
    await this.finish()
    await this.sink.publish()
  }

  abandon(keep: boolean): Promise<void> {
    return this.sink.abandon(keep)
  }
}

/** Lines as they are. */
class PlainOutput extends LinesOutput {
  /** Two, because one is still being written while the other is filled. */
  private writers: [ByteWriter, ByteWriter] = [new ByteWriter(), new ByteWriter()]
  private readonly here: boolean

  constructor(sink: Sink, options: OutputOptions) {
    super(sink, options)
    this.here = options.here === true
  }

  async write(records: readonly Line[]): Promise<void> {
    // Fresh memory for each batch would cost more than filling it.
    const [next, last] = this.writers
    this.writers = [last, next]
    await this.copy(writeLines(records, next.reset()), undefined, this.here)
  }

  async copy(bytes: Buffer, onDone?: () => void, here?: boolean): Promise<void> {
    this.count(bytes)
    await this.sink.write(bytes, onDone, here)
  }

  save(): Promise<SavedOutput> | undefined {
    if (!this.sink.isFile) return undefined
    const { taken } = this
    return this.sink.settled().then(() => taken)
  }
}

/** Bytes that are compressed into one member of a gzip file. (Larger ones make it a hundredth smaller.) */
const MEMBER_BYTES = 1024 * 1024

/** Members that are being compressed or written at a time. */
const MOST_MEMBERS = 3

/**
 * Lines through gzip, in members of one size, one after the other: so one can go on behind any of them, and the bytes
 * do not hang on how the records came, or on whether one had to go on.
 */
class GzipOutput extends LinesOutput {
  private member: Buffer = Buffer.allocUnsafeSlow(MEMBER_BYTES)
  private filled = 0
  /** Bytes of the file when the last member is written. */
  private written: Promise<number>
  private readonly underWay: Promise<unknown>[] = []

  constructor(sink: Sink, options: OutputOptions) {
    super(sink, options)
    const { file = 0, rest = '' } = options.from ?? {}
    this.written = Promise.resolve(file)
    this.filled = this.member.write(rest, 'base64')
  }

  write(records: readonly Line[]): Promise<void> {
    return this.copy(toBytes(records))
  }

  async copy(bytes: Buffer, onDone?: () => void): Promise<void> {
    this.count(bytes)
    for (let at = 0; at < bytes.length; ) {
      const copied = bytes.copy(this.member, this.filled, at)
      at += copied
      this.filled += copied
      if (this.filled === MEMBER_BYTES) await this.endMember()
    }
    onDone?.()
  }

  /** Begins to compress the member. Resolves when another one may be filled. */
  private async endMember(): Promise<void> {
    const compressing = promisify(zlib().gzip)(this.member.subarray(0, this.filled))
    this.member = Buffer.allocUnsafeSlow(MEMBER_BYTES)
    this.filled = 0
    const before = this.written
    this.written = compressing.then(async (compressed) => {
      const at = await before
      await this.sink.write(compressed)
      return at + compressed.length
    })
    // The failure is told by whoever waits for it; until then it is not an unhandled one.
    this.written.catch(() => {})
    this.underWay.push(this.written)
    if (this.underWay.length >= MOST_MEMBERS) await this.underWay.shift()
  }

  save(): Promise<SavedOutput> | undefined {
    if (!this.sink.isFile) return undefined
    const { taken, written } = this
    const rest = this.member.toString('base64', 0, this.filled)
    return written.then(async (file) => {
      await this.sink.settled()
      return { ...taken, file, rest }
    })
  }

  protected override async end(): Promise<void> {
    // A file without a member would be no gzip file.
    if (this.filled > 0 || (await this.written) === 0) await this.endMember()
    await this.written
  }

  override async abandon(keep: boolean): Promise<void> {
    // What is kept shall be all that there is.
    if (keep && this.bytes > 0) await this.end().catch(() => {})
    await this.written.catch(() => {})
    await super.abandon(keep)
  }
}
