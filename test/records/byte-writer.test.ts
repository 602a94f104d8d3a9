import fc, { type Arbitrary } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ByteWriter, constant, type Piece } from '../../src/records/byte-writer.js'

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

describe('beginnings', () => {
  const piece: Arbitrary<Piece> = fc
    .tuple(fc.string({ maxLength: 40, unit: 'binary-ascii' }), fc.boolean())
    .map(([text, isConstant]) => (isConstant ? constant(text) : text))
  /** Which list of pieces, how many of it, and what stands behind; or nothing but that. */
  const step = fc.record({
    list: fc.option(fc.nat({ max: 2 })),
    count: fc.nat({ max: 8 }),
    behind: fc.string({ maxLength: 30, unit: 'binary-ascii' }),
    anew: fc.integer({ max: 9, min: 0 }).map((of) => of === 0),
  })
  const textOf = (piece: Piece): string =>
    typeof piece === 'string' ? piece : Buffer.from(piece).toString('latin1')

  test('are written as their pieces are, whatever was written before', () => {
    const lists = fc.array(fc.array(piece, { minLength: 8, maxLength: 8 }), { minLength: 3, maxLength: 3 })
    fc.assert(
      fc.property(lists, fc.array(step, { maxLength: 30 }), fc.nat({ max: 40 }), (lists, steps, room) => {
        const out = new ByteWriter(room)
        let expected = ''
        for (const { list, count, behind, anew } of steps) {
          if (anew) {
            out.reset()
            expected = ''
          }
          if (list !== null) {
            out.beginning(lists[list], count)
            expected += lists[list].slice(0, count).map(textOf).join('')
          }
          out.text(behind)
          expected += behind
        }
        expect(out.take().toString('latin1')).toBe(expected)
      }),
      { numRuns: 1000 },
    )
  })

  test('pieces that come between two calls are written with the second', () => {
    const pieces = ['one, ']
    const out = new ByteWriter(1).beginning(pieces, 1).text('! ')
    pieces.push('two, ', 'three')
    out.beginning(pieces, 2).text('! ').beginning(pieces, 3)
    expect(out.take().toString()).toBe('one, ! one, two, ! one, two, three')
  })
})
