/** Bytes in pieces of the given sizes, so that lines are cut anywhere. */
export function* inCrumbs(bytes: Buffer, sizes: Iterator<number>): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const size: number = sizes.next().value
    yield bytes.subarray(at, at + size)
    at += size
  }
}
