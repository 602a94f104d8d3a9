import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encode } from '../../src/records/json-text.js'
import { KnownNames } from '../../src/records/known-names.js'
import { spellWith } from '../support/arbitraries.js'
import { recordsOf } from './support.js'

/** Reads the names of records. */
function read(names: KnownNames, lines: readonly string[]): { names: string[]; areDistinct: boolean }[] {
  return recordsOf(lines).map((record) => {
    const got: string[] = []
    names.begin()
    const end = record.next(record.root)
    for (let at = record.first(record.root); at < end; at = record.next(at + 2))
      got.push(names.read(record, at))
    return { names: got, areDistinct: names.areDistinct }
  })
}

const lineOf = (names: readonly string[], spell: (name: string) => string): string =>
  `{${names.map((name) => `"${spell(name)}":1`).join(',')}}`

const plain = (name: string): string => JSON.stringify(name).slice(1, -1)

const name = fc.oneof(
  fc.constantFrom('quality', 'toxicity', 'humor', 'creative', 'a', 'b', '"', 'é'),
  fc.string({ unit: 'binary', maxLength: 5 }),
)

test('are those that are there, and none is called distinct that was read twice', () => {
  fc.assert(
    fc.property(fc.array(fc.array(name, { maxLength: 8 })), fc.option(fc.integer()), (objects, seed) => {
      const spell = seed === null ? plain : (text: string) => spellWith(text, seed)
      const results = read(
        new KnownNames(),
        objects.map((names) => lineOf(names, spell)),
      )
      for (const [index, result] of results.entries()) {
        expect(result.names).toEqual(objects[index].map(encode))
        if (result.areDistinct) expect(new Set(result.names).size).toBe(result.names.length)
      }
    }),
    { numRuns: 500 },
  )
})

test('are known to be distinct, whatever their order', () => {
  const results = read(new KnownNames(), [
    '{"a":1,"b":2}',
    '{"b":1,"a":2,"c":3}',
    '{}',
    '{"a":1,"b":2,"a":3}',
    '{"a":1}',
  ])
  expect(results.map(({ areDistinct }) => areDistinct)).toEqual([true, true, true, false, true])
})

test('are not remembered without end', () => {
  const names = new KnownNames()
  const many = Array.from({ length: 100 }, (_, index) => `name ${index}`)
  expect(read(names, [lineOf(many, plain), lineOf([...many, 'name 99'], plain), '{"name 3":1}'])).toEqual([
    { names: many, areDistinct: false },
    { names: [...many, 'name 99'], areDistinct: false },
    { names: ['name 3'], areDistinct: true },
  ])
  const long = 'x'.repeat(100)
  expect(read(names, [lineOf([long], plain)])).toEqual([{ names: [long], areDistinct: false }])
})
