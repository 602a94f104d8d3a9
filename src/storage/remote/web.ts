import { createHash } from 'node:crypto'
import { SteerpipeError } from '../../errors.js'
import { bodyOf, Connection, dropping, MOST_CUTS, Refused, saidOf } from './connection.js'

/** What a server says of a file. */
export interface WebFile {
  /** Undefined where it does not say. */
  readonly bytes: number | undefined
  /** What changes when the file does; undefined where there is nothing that surely does. */
  readonly tag: string | undefined
  /** Whether it says that parts can be asked for. */
  readonly hasRanges: boolean
}

/**
 * The bytes of a file on the web, as they come. Where the connection breaks off they are gone on with: from there, if the
 * server knows of ranges and has an ETag for the file; else from its beginning, once it is seen that what was read is the
 * same still.
 *
 * @throws SteerpipeError NO_SUCH_INPUT, DOWNLOAD_REFUSED, DOWNLOAD_DAMAGED, UNREACHABLE
 */
export async function* readWeb(url: URL): AsyncGenerator<Buffer> {
  const connection = new Connection()
  const read = createHash('sha256')
  let bytes = 0
  let file: WebFile | undefined
  try {
    for (let cuts = 0; ; ) {
      const before = bytes
      let cause: unknown
      try {
        const ranged = file?.tag !== undefined && bytes > 0
        const answer = await connection.ask(url.href, {
          headers:
            ranged && file?.tag !== undefined ? { range: `bytes=${bytes}-`, 'if-range': file.tag } : {},
        })
        const isPart = answer.status === 206
        const now = fileOf(answer)
        if (file !== undefined) compare(file, now, isPart, bytes, url)
        file ??= now
        const whole = bodyOf(answer)
        const same = isPart || bytes === 0 ? whole : samePart(whole, bytes, read.copy().digest('hex'), url)
        for await (const chunk of same) {
          read.update(chunk)
          bytes += chunk.length
          yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
        }
        if (file.bytes === undefined || bytes === file.bytes) return
      } catch (error) {
        if (error instanceof SteerpipeError || error instanceof Refused) throw error
        cause = error
      }
      cuts = bytes > before ? 1 : cuts + 1
      if (cuts > MOST_CUTS) throw brokenOff(bytes, file?.bytes, cause)
      await connection.rest(cuts)
    }
  } catch (error) {
    throw webError(error, url)
  } finally {
    await connection.close()
  }
}

/** What a server says of a file. @throws SteerpipeError as {@link readWeb}, if it cannot be had */
export async function askWeb(url: URL): Promise<WebFile> {
  const connection = new Connection()
  try {
    return fileOf(await connection.ask(url.href, undefined))
  } catch (error) {
    throw webError(error, url)
  } finally {
    await connection.close()
  }
}

interface Answered {
  readonly status: number
  readonly headers: { get(name: string): string | null }
}

function fileOf({ status, headers }: Answered): WebFile {
  const length = headers.get('content-length')
  const [, total = null] = /^bytes \d+-\d+\/(\d+)$/.exec(headers.get('content-range') ?? '') ?? []
  const bytes = status === 206 ? total : length
  const tag = headers.get('etag')
  // A weak one says that the file means the same, not that it has the same bytes.
  return {
    bytes: bytes === null ? undefined : Number(bytes),
    tag: tag?.startsWith('"') ? tag : undefined,
    hasRanges: status === 206 || headers.get('accept-ranges') === 'bytes',
  }
}

/** @throws SteerpipeError DOWNLOAD_DAMAGED for a file that is not the one whose beginning was read */
function compare(before: WebFile, now: WebFile, isPart: boolean, read: number, url: URL): void {
  const isOther = before.tag !== undefined && now.tag !== undefined && before.tag !== now.tag
  const hasGrown = before.bytes !== undefined && now.bytes !== undefined && before.bytes !== now.bytes
  if (isOther || hasGrown || (isPart && now.tag === undefined)) throw changed(read, url)
}

/** What comes behind the part that was read before. @throws SteerpipeError DOWNLOAD_DAMAGED if that is another now */
async function* samePart(
  bytes: AsyncIterable<Uint8Array>,
  count: number,
  digest: string,
  url: URL,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  let left = count
  const passed = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      hash.update(chunk.subarray(0, left))
      left -= Math.min(left, chunk.length)
      yield chunk
    }
  }
  let isSeen = false
  for await (const chunk of dropping(passed(), count)) {
    isSeen ||= isSame()
    yield chunk
  }
  // It broke off before what is new: that is for another try.
  if (!isSeen && left === 0) isSame()

  function isSame(): true {
    if (hash.copy().digest('hex') !== digest) throw changed(count, url)
    return true
  }
}

function changed(read: number, url: URL): SteerpipeError {
  return new SteerpipeError('DOWNLOAD_DAMAGED', {
    found: `the download broke off after ${read} bytes, and the file has changed since`,
    expected: 'the rest of the file that was begun',
    place: { input: url.href },
  })
}

function brokenOff(bytes: number, total: number | undefined, cause: unknown): SteerpipeError {
  const said = cause === undefined ? 'the answer ends' : saidOf(cause)
  const of = total === undefined ? '' : ` of ${total}`
  return new SteerpipeError('UNREACHABLE', {
    found: `the download breaks off again and again after ${bytes}${of} bytes: ${said}`,
    fix: 'Download the file with a tool that takes its time, and give its path.',
    cause,
  })
}

function webError(error: unknown, { href }: URL): unknown {
  if (error instanceof SteerpipeError) return error.at({ input: href })
  if (!(error instanceof Refused)) return error
  const { status } = error
  const place = { input: href }
  if (status === 404 || status === 410) {
    const found = `there is no such file: the server answers ${status}`
    return new SteerpipeError('NO_SUCH_INPUT', { found, fix: 'Correct the address.', place, cause: error })
  }
  const found = `the server answers ${status}`
  return new SteerpipeError('DOWNLOAD_REFUSED', { found, place, cause: error })
}
