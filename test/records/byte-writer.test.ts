import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ByteWriter } from '../../src/records/byte-writer.js'

const written = (texts: readonly string[]): Buffer => {
  const out = new ByteWriter()
  for (const text of texts) out.text(text)
  return out.take()
}

test('pieces of any length are written one after the other, a byte for each character', () => {
  const character = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code))
  const piece = fc.array(character, { maxLength: 60, size: 'max' }).map((list) => list.join(''))
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (texts) => {
      expect(written(texts)).toEqual(Buffer.from(texts.join(''), 'latin1'))
    }),
    { numRuns: 500 },
  )
})

test('the buffer grows, by little and by much, and up to its last byte', () => {
  for (const first of [0, 1, 327_679, 327_680, 327_681, 655_360]) {
    for (const second of [0, 1, 24, 25, 327_680, 2_000_000]) {
      const texts = ['\x80'.repeat(first), '\xff'.repeat(second), 'end']
      expect(written(texts).equals(Buffer.from(texts.join(''), 'latin1'))).toBe(true)
    }
  }
})
