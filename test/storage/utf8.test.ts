import { isUtf8 } from 'node:buffer'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { firstNotUtf8, Utf8Decoder } from '../../src/storage/utf8.js'
import { cutPoints } from '../support/arbitraries.js'
import { chunksOf } from '../support/lines.js'

/** Bytes that are UTF-8 here and there. */
const bytes = fc
  .array(
    fc.oneof(
      fc.constantFrom('a', 'é', '世', '😀', '\ufffd', '\ufeff').map((text) => Buffer.from(text)),
      fc
        .array(
          fc.constantFrom(
            0x41,
            0x80,
            0xbf,
            0xbd,
            0xc0,
            0xc3,
            0xe0,
            0xed,
            0xa0,
            0xef,
            0xf0,
            0x9f,
            0xf4,
            0xf5,
            0xff,
          ),
          {
            maxLength: 3,
          },
        )
        .map((list) => Buffer.from(list)),
    ),
    { maxLength: 8 },
  )
  .map((list) => Buffer.concat(list))

/** Where the first sequence that is not UTF-8 begins: the longest beginning that is UTF-8 ends there. */
function longestLegal(input: Buffer): number {
  let longest = 0
  for (let end = 1; end <= input.length; end++) if (isUtf8(input.subarray(0, end))) longest = end
  return longest === input.length ? -1 : longest
}

test('the first byte that is not UTF-8', () => {
  expect(firstNotUtf8(Buffer.from('é\ufffd'))).toBe(-1)
  expect(firstNotUtf8(Buffer.from('a\ufffd\xef\xbfA', 'latin1'))).toBe(1)
  fc.assert(
    fc.property(bytes, (input) => {
      expect(firstNotUtf8(input)).toBe(longestLegal(input))
    }),
    { numRuns: 5000 },
  )
})

test('chunks give the text before the damage, and its place', () => {
  fc.assert(
    fc.property(bytes, cutPoints, (input, cuts) => {
      const decoder = new Utf8Decoder()
      let text = ''
      for (const chunk of chunksOf(input, cuts)) {
        const lent = Buffer.from(chunk)
        text += decoder.decode(lent)
        lent.fill(0x22)
      }
      decoder.end()
      const at = longestLegal(input)
      expect(text).toBe(input.toString('utf8', 0, at < 0 ? input.length : at))
      expect(decoder.damaged).toEqual(at < 0 ? undefined : { offset: at, byte: input[at] })
      if (at < 0) expect(decoder.offset).toBe(input.length)
    }),
    { numRuns: 5000 },
  )
})
