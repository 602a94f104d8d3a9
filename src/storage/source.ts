import { Readable } from 'node:stream'
import { readBytes } from './input.js'

/**
 * The decompressed bytes of an input, as a stream for scripts:
 *
 *     await pipeline(source('hf://datasets/nvidia/HelpSteer2/train.jsonl.gz'), parse(), …)
 *
 * @param path a file, `-` for stdin, or an address: `hf://datasets/OWNER/NAME[@REVISION]/FILE`, which is kept in the cache
 *   that Python's `huggingface_hub` has, or `https://…`. gzip is recognised by its first bytes.
 * @throws SteerpipeError as the stream's error: NO_SUCH_INPUT, READ_FAILED, GZIP_DAMAGED; of addresses BAD_ADDRESS,
 *   HUB_DENIED, HUB_OFFLINE, UNREACHABLE, DOWNLOAD_REFUSED, DOWNLOAD_DAMAGED
 */
export function source(path: string): Readable {
  return Readable.from(kept(readBytes(path)), { objectMode: false })
}

/** Copies: the reader uses its memory again, while a stream keeps what nobody has taken yet. */
async function* kept(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) yield Buffer.from(chunk)
}
