import type { OnReadOpts, Socket, SocketConstructorOpts } from 'node:net'

/** Bytes that are handed on together at the most, as far as they come at once: what a read of a file brings. */
const CHUNK_BYTES = 256 * 1024

/** What one read of a pipe brings at the most, as a rule. */
const PIPE_BYTES = 64 * 1024

/** As Node documents them since 23; 20 takes `onread` too. */
type SocketOptions = SocketConstructorOpts & { readonly onread: OnReadOpts }

/**
 * The bytes of a pipe or a socket, in two buffers that are used in turn. (A stream of Node's has new memory for each
 * piece of 64 KiB: three filters in a row take a twentieth less of the processor without that.)
 *
 * What has come goes on at once: nothing waits for more.
 */
class PipedBytes {
  private readonly socket: Socket
  private filling = Buffer.allocUnsafeSlow(CHUNK_BYTES + PIPE_BYTES)
  private idle = Buffer.allocUnsafeSlow(CHUNK_BYTES + PIPE_BYTES)
  /** Where in the buffer what nobody has got yet begins and ends. */
  private from = 0
  private to = 0
  /** The rest of a buffer that has been filled. Until it is taken nothing more is read. */
  private full: Buffer | undefined
  private ended = false
  private failure: Error | undefined
  /** Called when something has come, or nothing more will. */
  private onNews: (() => void) | undefined

  /** @param open opens a socket that reads as it is told */
  constructor(open: (onread: OnReadOpts) => Socket) {
    this.socket = open({
      buffer: () => this.filling.subarray(this.to),
      callback: (count) => this.take(count),
    })
    this.socket.once('end', () => this.end())
    this.socket.once('error', (error) => this.end(error))
  }

  /** Takes bytes that were put into the buffer. Returns whether more may come. */
  private take(count: number): boolean {
    this.to += count
    const isFull = this.to >= CHUNK_BYTES
    if (isFull) {
      this.full = this.filling.subarray(this.from, this.to)
      ;[this.filling, this.idle] = [this.idle, this.filling]
      this.from = 0
      this.to = 0
    }
    this.onNews?.()
    return !isFull
  }

  private end(failure?: Error): void {
    this.ended = true
    this.failure = failure
    this.onNews?.()
  }

  /**
   * What has come since the last time, as soon as that is something; undefined at the end.
   *
   * @throws the system's error
   */
  async next(): Promise<Buffer | undefined> {
    while (this.full === undefined && this.to === this.from) {
      if (this.failure) throw this.failure
      if (this.ended) return undefined
      await new Promise<void>((resolve) => {
        this.onNews = resolve
      })
    }
    const { full, filling, from, to } = this
    if (full === undefined) {
      this.from = to
      return filling.subarray(from, to)
    }
    this.full = undefined
    this.socket.resume()
    return full
  }

  close(): void {
    this.socket.destroy()
  }
}

/**
 * The bytes of a pipe or a socket as they come. Each chunk is good until the next one is asked for.
 *
 * @param fd its descriptor
 * @throws the system's errors
 */
export async function* pipedBytes(fd: number): AsyncGenerator<Buffer> {
  const { Socket } = await import('node:net') // 7 ms, for those who need it
  const piped = new PipedBytes((onread) => {
    const options: SocketOptions = { fd, readable: true, writable: false, onread }
    return new Socket(options)
  })
  try {
    for (let chunk = await piped.next(); chunk; chunk = await piped.next()) yield chunk
  } finally {
    piped.close()
  }
}
