import { constants, crc32, deflateRawSync } from 'node:zlib'

const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])
/** A last block of deflate with nothing in it. */
const LAST_BLOCK = [3, 0]

/**
 * One gzip member from pieces, without a stream and in the memory of one of them. Each piece is compressed by itself
 * and ends at a whole byte, so that they can stand one after the other.
 */
export class GzipMember {
  started = false
  checksum = 0
  length = 0

  /** What the next bytes come to. @param {Uint8Array} bytes */
  piece(bytes) {
    this.checksum = crc32(bytes, this.checksum)
    this.length += bytes.length
    const deflated = deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH })
    if (this.started) return deflated
    this.started = true
    return Buffer.concat([HEADER, deflated])
  }

  /** The end; there has been a piece. */
  end() {
    const end = Buffer.from([...LAST_BLOCK, 0, 0, 0, 0, 0, 0, 0, 0])
    end.writeUInt32LE(this.checksum, LAST_BLOCK.length)
    end.writeUInt32LE(this.length % 2 ** 32, LAST_BLOCK.length + 4)
    return end
  }
}
