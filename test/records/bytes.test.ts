import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import wabt from 'wabt'
import {
  CONTROL,
  digestOf,
  HASH_START,
  ILLEGAL,
  REGION_WASM,
  RESPELL,
  RegionBytes,
} from '../../src/records/bytes.js'
import { ROOT, readText } from '../support/paths.js'

const region = new RegionBytes(16)

/** How many bytes behind what is inspected may be looked at. */
const BEHIND = 72

/** The flags of some bytes. */
function flagsOf(content: Uint8Array): number {
  region.ensure(content.length)
  // What lies behind must not matter, and must stay.
  region.bytes.fill(0x5c, content.length, content.length + BEHIND)
  region.bytes.set(content)
  const flags = region.inspect(content.length)
  expect([...region.bytes.subarray(content.length, content.length + BEHIND)]).toEqual(
    new Array(BEHIND).fill(0x5c),
  )
  return flags
}

/** The same, one byte after the other. */
function slowFlagsOf(content: Uint8Array): number {
  let flags = 0
  for (let at = 0; at < content.length; at++) {
    const byte = content[at]
    if (byte < 0x20 && byte !== 0x0a) flags |= CONTROL
    if (byte !== 0x5c) continue
    const following = Buffer.from(content.subarray(at, at + 6)).toString('latin1')
    if (/^\\[u/]/.test(following)) flags |= RESPELL
    if (!/^\\(["\\/bfnrt]|u[0-9a-fA-F]{4})/.test(following)) flags |= ILLEGAL
    // The byte after it belongs to the escape.
    at++
  }
  return flags
}

const text = (value: string) => Buffer.from(value, 'latin1')

describe('inspect', () => {
  test.each([
    ['', 0],
    ['{"a": "b"}\n', 0],
    ['\\n\\t\\"\\\\\\b\\f\\r\n', 0],
    ['\n\n\n', 0],
    ['\x7f\x80\xff', 0],
    ['a\tb', CONTROL],
    ['a\r\n', CONTROL],
    ['\0', CONTROL],
    ['\\/', RESPELL],
    ['\\u00e9', RESPELL],
    ['\\uABCD', RESPELL],
    ['\\\\u00e9', 0],
    ['\\\\/', 0],
    ['\\\\\\/', RESPELL],
    ['\\x', ILLEGAL],
    ['\\', ILLEGAL],
    ['\\\n', ILLEGAL],
    ['\\u00g9', RESPELL | ILLEGAL],
    ['\\u123', RESPELL | ILLEGAL],
    ['\\u12\n3', RESPELL | ILLEGAL],
    ['\\x\t\\/', ILLEGAL | CONTROL | RESPELL],
  ])('%j', (content, flags) => {
    // At each place among the bytes that are looked at together.
    for (let shift = 0; shift < 66; shift++) {
      expect(flagsOf(text(' '.repeat(shift) + content))).toBe(flags)
      expect(flagsOf(text(`${' '.repeat(shift)}${content}zz`))).toBe(flags)
    }
  })

  test('each byte alone and behind a backslash, at each place in a word', () => {
    for (let byte = 0; byte < 256; byte++) {
      for (let shift = 0; shift < 5; shift++) {
        for (const before of [[], [0x5c], [0x5c, 0x5c], [0x5c, 0x75, 0x30, 0x41, 0x66]]) {
          const content = Uint8Array.from([...new Array<number>(shift).fill(0x41), ...before, byte])
          expect(flagsOf(content)).toBe(slowFlagsOf(content))
        }
      }
    }
  })

  const telling = fc.constantFrom(...text('\\\\\\\\u/"nx0aF\n\t \x00\x1f\x20\x21\x5b\x5d\x80\xdc\xff'))
  const byte = fc.oneof(
    { weight: 3, arbitrary: telling },
    { weight: 1, arbitrary: fc.nat({ max: 255 }) },
    { weight: 3, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) },
  )

  test('random bytes: the flags of the slow way', () => {
    const seen = new Set<number>()
    const list = fc.oneof(fc.array(byte, { maxLength: 12 }), fc.array(byte, { maxLength: 200 }))
    fc.assert(
      fc.property(list, (bytes) => {
        const content = Uint8Array.from(bytes)
        const flags = flagsOf(content)
        seen.add(flags)
        expect(flags).toBe(slowFlagsOf(content))
      }),
      { numRuns: 8000 },
    )
    expect(seen.size).toBe(8)
  })

  test('one telling byte in a long plain text is found wherever it stands', () => {
    for (let at = 0; at < 150; at++) {
      for (const [piece, flags] of [
        ['\t', CONTROL],
        ['\\/', RESPELL],
        ['\\x', ILLEGAL],
      ] as const) {
        const content = text('~'.repeat(at) + piece + '\xff'.repeat(150 - at))
        expect(flagsOf(content)).toBe(flags)
      }
    }
  })
})

test('the committed code is what region.wat compiles to', async () => {
  const module = (await wabt()).parseWat('region.wat', readText(`${ROOT}/src/records/region.wat`), {
    simd: true,
  })
  expect(Buffer.from(module.toBinary({}).buffer).toString('base64')).toBe(REGION_WASM)
})

test('growing keeps what is there', () => {
  const small = new RegionBytes(1)
  small.bytes.set(text('{"a":1}'))
  small.ensure(1_000_000)
  expect(small.bytes.length).toBeGreaterThanOrEqual(1_000_000)
  expect(small.bytes.toString('latin1', 0, 7)).toBe('{"a":1}')
})

describe('the hash', () => {
  /** What a hash says of bytes that come in pieces, each at some place of the region. */
  function hashOf(content: Uint8Array, cuts: readonly number[] = [], from = HASH_START): string {
    region.restoreHash(from)
    let start = 0
    for (const end of [...cuts, content.length]) {
      const piece = content.subarray(start, end)
      const at = (start * 7) % 50
      region.ensure(at + piece.length)
      region.bytes.set(piece, at)
      region.hash(at, at + piece.length)
      start = end
    }
    return digestOf(region.saveHash(), content.length)
  }

  test('does not hang on how the bytes come, or where they lie', () => {
    const cut = fc.uint8Array({ maxLength: 700 }).chain((bytes) =>
      fc.record({
        bytes: fc.constant(bytes),
        cuts: fc.array(fc.nat(bytes.length)).map((list) => list.sort((a, b) => a - b)),
      }),
    )
    fc.assert(
      fc.property(cut, ({ bytes, cuts }) => {
        expect(hashOf(bytes, cuts)).toBe(hashOf(bytes))
      }),
    )
  })

  test('goes on from a state', () => {
    const bytes = Buffer.from('0123456789'.repeat(50))
    hashOf(bytes.subarray(0, 333))
    const state = region.saveHash()
    hashOf(Buffer.from('something else'))
    region.restoreHash(state)
    region.ensure(200)
    region.bytes.set(bytes.subarray(333))
    region.hash(0, 167)
    expect(digestOf(region.saveHash(), 500)).toBe(hashOf(bytes))
  })

  test('tells every change of a bit, and every swap of words, apart', () => {
    const bytes = Buffer.from(Array.from({ length: 200 }, (_, i) => (i * 89) % 251))
    const seen = new Set([hashOf(bytes)])
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      bytes[bit >> 3] ^= 1 << (bit & 7)
      seen.add(hashOf(bytes))
      bytes[bit >> 3] ^= 1 << (bit & 7)
    }
    expect(seen.size).toBe(1 + bytes.length * 8)
    for (let a = 0; a < 48; a++) {
      for (let b = 0; b < a; b++) {
        const swapped = Buffer.from(bytes)
        swapped.writeUInt32LE(bytes.readUInt32LE(b * 4), a * 4)
        swapped.writeUInt32LE(bytes.readUInt32LE(a * 4), b * 4)
        seen.add(hashOf(swapped))
      }
    }
    expect(seen.size).toBe(1 + bytes.length * 8 + (48 * 47) / 2)
  })

  test('tells lengths apart', () => {
    const seen = new Set(Array.from({ length: 200 }, (_, length) => hashOf(Buffer.alloc(length))))
    expect(seen.size).toBe(200)
  })

  test('stays what it is: checkpoints hang on it', () => {
    expect(hashOf(Buffer.alloc(0))).toBe('ab96a0ea46e16edee6486f7e1025fbeb')
    expect(hashOf(Buffer.from('steerpipe '.repeat(100)))).toBe('6a0c225a1c2ebaa8a7f47adb3677b155')
  })
})
