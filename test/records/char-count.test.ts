import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonical, charCount, decode, encode } from '../../src/records/json-text.js'
import { spelledText } from '../support/arbitraries.js'

test.each<[string, number]>([
  ['', 0],
  ['abc', 3],
  ['\n"\\\u0000', 4],
  ['äöü', 3],
  ['\u{1f600}', 1],
  ['\ud83d', 1],
  ['\ude00\ud83d', 2],
  ['x'.repeat(40_000), 40_000],
  ['ä\n'.repeat(20_000), 40_000],
])('%j', (text, count) => {
  expect(charCount(encode(text))).toBe(count)
})

test('counts what decoding gives, however it was spelled', () => {
  fc.assert(
    fc.property(spelledText(30), ({ json, value }) => {
      const text = canonical(Buffer.from(json).toString('latin1'))
      expect(charCount(text)).toBe([...decode(text)].length)
      expect(charCount(text)).toBe([...value].length)
    }),
  )
})
