import { crc32 } from 'node:zlib'
import { type Place, SteerpipeError } from '../errors.js'
import { type Line, toBytes } from '../records/batch.js'
import type { OutputPoint } from '../records/left-out.js'
import { readBytes } from './input.js'
import { type LinesOutput, type Output, openOutput, type SavedOutput } from './output.js'

/** Where what is made of a record belongs in an output; undefined if the output has got it already. */
export type PointOf = (place: Place | undefined) => OutputPoint | undefined

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
  ) {
    this.old = readBytes(from)
  }

  /**
   * @param from the old output
   * @throws SteerpipeError as `openOutput`
   */
  static async open(path: string, from: string, pointOf: PointOf): Promise<MergedOutput> {
    return new MergedOutput(path, from, await openOutput(from, { checksum: true }), pointOf)
  }

  get bytes(): number {
    return this.output.bytes
  }

  async write(lines: readonly Line[]): Promise<void> {
    for (const line of lines) {
      const point = this.pointOf(line.source?.place)
      if (point === undefined) continue
      const bytes = toBytes([line])
      if (point.bytes !== this.latest) {
        await this.copyTo(point)
        if (await this.goesOnWith(bytes))
          throw this.refusal(`what is to be put in at byte ${point.bytes} stands there already`)
        this.latest = point.bytes
      }
      await this.output.copy(bytes)
    }
  }

  /** Whether these bytes come next in the old output. */
  private async goesOnWith(bytes: Buffer): Promise<boolean> {
    while (this.rest.length < bytes.length) {
      // What is read uses the same memory again.
      const before = Buffer.from(this.rest)
      if (!(await this.readMore())) {
        this.rest = before
        return false
      }
      this.rest = Buffer.concat([before, this.rest])
    }
    return this.rest.subarray(0, bytes.length).equals(bytes)
  }

  async pointFor(place: Place | undefined): Promise<OutputPoint> {
    const point = this.pointOf(place)
    if (point !== undefined) await this.copyTo(point)
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

  private refusal(found: string): SteerpipeError {
    return new SteerpipeError('MERGE_REFUSED', {
      found,
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

  private async copy(bytes: Buffer): Promise<void> {
    this.rest = this.rest.subarray(bytes.length)
    this.copied = { bytes: this.copied.bytes + bytes.length, crc: crc32(bytes, this.copied.crc) }
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
    while (this.rest.length > 0 || (await this.readMore())) await this.copy(this.rest)
    await this.output.finish()
  }

  async commit(): Promise<void> {
    await this.finish()
    await this.output.commit()
  }

  async abandon(): Promise<void> {
    await this.old.return(undefined)
    await this.output.abandon(false)
  }
}
