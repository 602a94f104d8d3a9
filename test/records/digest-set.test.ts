import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DigestSet } from '../../src/records/digest-set.js'

const digest = (n: number): Buffer => createHash('sha256').update(String(n)).digest()

test('adds what is new, and knows what is not', () => {
  const set = new DigestSet(4_000_000)
  const order = Array.from({ length: 100_000 }, (_, n) => n)
  expect(order.every((n) => set.add(digest(n)) === true)).toBe(true)
  expect(order.every((n) => set.add(digest(n)) === false)).toBe(true)
  expect(set.add(digest(-1))).toBe(true)
  expect(set.size).toBe(100_001)
})

test('is as full as it may be before it refuses, and still knows what it holds', () => {
  const memory = 2_000_000
  const set = new DigestSet(memory)
  let held = 0
  while (set.add(digest(held)) === true) held++
  expect(set.size).toBe(held)
  // Of 16 bytes each; not all segments are full when the first one is.
  expect(held).toBeGreaterThan(memory / 16 / 1.5)
  expect(held).toBeLessThan(memory / 16)
  expect(set.add(digest(held))).toBeUndefined()
  let known = 0
  while (known < held && set.add(digest(known)) === false) known++
  expect(known).toBe(held)
})

test('as a set of JavaScript’s does, also for digests that are near each other', () => {
  const byte = fc.constantFrom(0, 0, 0, 1, 255)
  const near = fc.array(byte, { minLength: 15, maxLength: 15 }).map((bytes) => Buffer.from([...bytes, 1]))
  fc.assert(
    fc.property(fc.array(near, { maxLength: 300 }), (digests) => {
      const set = new DigestSet(16_000_000)
      const reference = new Set<string>()
      for (const each of digests) {
        const isNew = !reference.has(each.toString('hex'))
        reference.add(each.toString('hex'))
        expect(set.add(each)).toBe(isNew)
      }
    }),
    { numRuns: 30 },
  )
})

test('differs in any of the first 16 bytes, and no others', () => {
  const base = Buffer.alloc(32, 7)
  for (let at = 0; at < 32; at++) {
    const set = new DigestSet(1_000_000)
    set.add(base)
    const other = Buffer.from(base)
    other[at] ^= 0x80
    expect(set.add(other)).toBe(at < 16)
  }
})

test('all zeros are a digest like any other', () => {
  const set = new DigestSet(1_000_000)
  expect(set.add(Buffer.alloc(16))).toBe(true)
  expect(set.add(Buffer.alloc(16))).toBe(false)
})
