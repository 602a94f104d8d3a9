import { type Place, SteerpipeError } from '../errors.js'
import { zlib } from '../lazy-node.js'
import { type Line, toBytes } from '../records/batch.js'
import type { OutputPoint } from '../records/left-out.js'
import { readBytes } from './input.js'
import { type LinesOutput, type Output, openOutput, type SavedOutput } from './output.js'

/** Where what is made of a record belongs in an output; undefined if the output has got it already. */
export type PointOf = (place: Place | undefined) => OutputPoint | undefined

const LINE_END = 0x0a

/** Where a line, with its end, stands among lines; -1 if it does not. */
function lineIn(lines: Buffer, line: Buffer): number {
  let at = lines.indexOf(line)
  while (at > 0 && lines[at - 1] !== LINE_END) at = lines.indexOf(line, at + 1)
  return at
}

/**
 * An output that is there already, made anew with more lines in it, each in its place. The old lines are copied up to
 * the place of the next new one; that they are the ones that it was left out of is seen from their checksum.
 */
export class MergedOutput implements Output {
  private readonly old: AsyncGenerator<Buffer>
  /** Of the old output: what was read and is not copied yet. */
  private rest: Buffer = Buffer.alloc(0)
  private copied: OutputPoint = { bytes: 0, crc: 0 }
  /** Where the latest new line was put in, in bytes of the old output. */
  private latest: number | undefined

  private constructor(
    readonly path: string,
    from: string,
    private readonly output: LinesOutput,
    private readonly pointOf: PointOf,
    private readonly last: OutputPoint | undefined,
  ) {
    this.old = readBytes(from)
  }

  /**
   * @param from the old output
   * @param last where the last of the new lines may belong; undefined if none belongs into this output
   * @throws SteerpipeError as `openOutput`
   */
  static async open(
    path: string,
    from: string,
    pointOf: PointOf,
    last: OutputPoint | undefined,
  ): Promise<MergedOutput> {
    return new MergedOutput(path, from, await openOutput(from, { checksum: true }), pointOf, last)
  }

  get bytes(): number {
    return this.output.bytes
  }

  async write(lines: readonly Line[]): Promise<void> {
    for (const line of lines) {
      const point = this.pointOf(line.source?.place)
      const bytes = toBytes([line])
      if (point === undefined) await this.passOver(bytes)
      else await this.putIn(bytes, point)
    }
  }

  private async putIn(bytes: Buffer, point: OutputPoint): Promise<void> {
    if (point.bytes !== this.latest) {
      await this.copyTo(point)
      // Lines that were put in before it would be seen from the checksum of a later point: of the last there is none.
      if (point.bytes === this.last?.bytes && (await this.goesOnWith(bytes)))
        throw this.refusal(`what is to be put in at byte ${point.bytes} stands there already`)
      this.latest = point.bytes
    }
    await this.output.copy(bytes)
  }

  /** Copies old lines up to the end of one that is there, because its record was left out only after it. */
  private async passOver(line: Buffer): Promise<void> {
    for (;;) {
      const at = lineIn(this.rest, line)
      if (at >= 0) return this.copy(this.rest.subarray(0, at + line.length))
      const whole = this.rest.lastIndexOf(LINE_END) + 1
      if (whole > 0) await this.copy(this.rest.subarray(0, whole))
      if (!(await this.readMoreBehind(this.rest)))
        throw this.refusal(
          'a record has changed that was left out only after its line was written here',
          'Name the output that lacks it, with `--merge-into PATH`; or run again over the mended input.',
        )
    }
  }

  /** Whether these bytes come next in the old output. */
  private async goesOnWith(bytes: Buffer): Promise<boolean> {
    while (this.rest.length < bytes.length) if (!(await this.readMoreBehind(this.rest))) return false
    return this.rest.subarray(0, bytes.length).equals(bytes)
  }

  async pointFor(place: Place | undefined): Promise<OutputPoint | undefined> {
    const point = this.pointOf(place)
    if (point === undefined) return undefined
    await this.copyTo(point)
    return this.output.pointFor(place)
  }

  /** Copies old lines up to a point. @throws SteerpipeError MERGE_REFUSED */
  private async copyTo(point: OutputPoint): Promise<void> {
    while (this.copied.bytes < point.bytes) {
      if (this.rest.length === 0 && !(await this.readMore())) break
      await this.copy(this.rest.subarray(0, point.bytes - this.copied.bytes))
    }
    const { bytes, crc } = this.copied
    if (bytes === point.bytes && crc === point.crc) return
    throw this.refusal(
      bytes < point.bytes
        ? `it ends at byte ${bytes}, and a record belongs at byte ${point.bytes}`
        : `its first ${point.bytes} bytes are not those that the records were left out of`,
    )
  }

  private refusal(found: string, fix?: string): SteerpipeError {
    return new SteerpipeError('MERGE_REFUSED', {
      found,
      fix,
      expected: 'the output as the run has left it, and no record that was put in before',
      place: { input: this.path },
    })
  }

  private async readMore(): Promise<boolean> {
    const { done, value } = await this.old.next()
    if (done) return false
    this.rest = value
    return true
  }

  /** Reads more behind what is not copied yet. */
  private async readMoreBehind(rest: Buffer): Promise<boolean> {
    // What is read uses the same memory again.
    const before = Buffer.from(rest)
    const isMore = await this.readMore()
    this.rest = isMore ? Buffer.concat([before, this.rest]) : before
    return isMore
  }

  private async copy(bytes: Buffer): Promise<void> {
    this.rest = this.rest.subarray(bytes.length)
    this.copied = { bytes: this.copied.bytes + bytes.length, crc: zlib().crc32(bytes, this.copied.crc) }
    // The reader uses its memory again.
    await this.output.copy(Buffer.from(bytes))
  }

  save(): Promise<SavedOutput> | undefined {
    return undefined
  }

  sync(): Promise<void> {
    return this.output.sync()
  }

  async finish(): Promise<void> {
    if (this.last !== undefined && this.copied.bytes < this.last.bytes) await this.copyTo(this.last)
    while (this.rest.length > 0 || (await this.readMore())) await this.copy(this.rest)
    await this.output.finish()
  }

  /** Ends it under the name that it has until `publish`: outputs of all inputs are replaced, or none. */
  commit(): Promise<void> {
    return this.finish()
  }

  /** Puts it in the place of the old one. @throws SteerpipeError WRITE_FAILED */
  publish(): Promise<void> {
    return this.output.commit()
  }

  async abandon(): Promise<void> {
    await this.old.return(undefined)
    await this.output.abandon(false)
  }
}

/** An output that is there already and stays as it is, whatever is written to it. */
export class UntouchedOutput implements Output {
  readonly bytes = 0

  constructor(
    readonly path: string,
    private readonly pointOf: PointOf,
  ) {}

  async pointFor(place: Place | undefined): Promise<OutputPoint | undefined> {
    return this.pointOf(place)
  }

  async write(): Promise<void> {}

  save(): undefined {
    return undefined
  }

  async sync(): Promise<void> {}

  async finish(): Promise<void> {}

  async commit(): Promise<void> {}

  async abandon(): Promise<void> {}
}
