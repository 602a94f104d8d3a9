import type { FileHandle } from 'node:fs/promises'

/** Bytes a read. */
const READ_BYTES = 256 * 1024

/** A file that is read while it is being written. */
export class GrowingFile {
  private end: { readonly failure?: unknown } | undefined
  private tell: () => void = () => {}
  private told: Promise<void> = Promise.resolve()

  /** @param bytes that stand there already */
  constructor(
    private readonly file: FileHandle,
    private bytes: number,
  ) {
    this.renew()
  }

  get size(): number {
    return this.bytes
  }

  /** Writes what comes next. */
  async append(chunk: Uint8Array): Promise<void> {
    for (let done = 0; done < chunk.length; ) {
      const { bytesWritten } = await this.file.write(chunk, done, chunk.length - done, this.bytes)
      done += bytesWritten
      this.bytes += bytesWritten
    }
    this.wake()
  }

  /** Nothing more comes. @param failure why, if it is not all */
  finish(end: { readonly failure?: unknown }): void {
    this.end ??= end
    this.wake()
  }

  /**
   * The bytes, as they come; each piece is good until the next one is asked for.
   *
   * @throws the failure, behind all that came before it
   */
  async *read(): AsyncGenerator<Buffer> {
    const memory = Buffer.allocUnsafeSlow(READ_BYTES)
    for (let at = 0; ; ) {
      const told = this.told
      const there = Math.min(this.bytes - at, READ_BYTES)
      if (there > 0) {
        const { bytesRead } = await this.file.read(memory, 0, there, at)
        at += bytesRead
        yield memory.subarray(0, bytesRead)
      } else if (this.end) {
        if ('failure' in this.end) throw this.end.failure
        return
      } else await told
    }
  }

  private wake(): void {
    this.tell()
    this.renew()
  }

  private renew(): void {
    this.told = new Promise((resolve) => {
      this.tell = resolve
    })
  }
}
