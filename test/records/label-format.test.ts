import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SteerpipeError } from '../../src/errors.js'
import { encode } from '../../src/records/json-text.js'
import { LabelFormat } from '../../src/records/labels.js'

const ATTRIBUTES = Array.from({ length: 18 }, (_, i) => ({
  name: i === 0 ? 'é "quoted"' : `a${i}`,
  min: i === 1 ? 2 : 0,
  max: i === 2 ? 3 : 4,
  sentinel: -100,
}))

const name = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...ATTRIBUTES.map((attribute) => attribute.name)) },
  { weight: 1, arbitrary: fc.constantFrom('unknown', 'other') },
)
const json = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('0', '1', '2', '3', '4') },
  {
    weight: 2,
    arbitrary: fc.constantFrom('5', '9', '-1', '1.5', '2.0', '"3"', '"x"', 'null', '12345678901234567890'),
  },
)
const scores = fc.uniqueArray(fc.record({ name, json }), {
  selector: (score) => score.name,
  maxLength: 18,
})

test('labels that are remembered are those that are made', () => {
  const policies = fc.record({
    round: fc.constantFrom('none' as const, 'half-even' as const),
    range: fc.constantFrom('keep' as const, 'clamp' as const, 'error' as const),
  })
  fc.assert(
    fc.property(fc.array(scores, { maxLength: 12 }), policies, (list, { round, range }) => {
      const render = (format: LabelFormat, notes: string[], turn: (typeof list)[number]) => {
        try {
          return [
            format.render(turn.map(({ name, json }) => ({ name: encode(name), json }))),
            notes.splice(0),
          ]
        } catch (error) {
          if (!(error instanceof SteerpipeError)) throw error
          return [error.message, notes.splice(0)]
        }
      }
      const notes: string[] = []
      const remembering = new LabelFormat(ATTRIBUTES, round, range, (note) => notes.push(note))
      // Each twice: the second time it is remembered, if ever.
      for (const turn of [...list, ...list]) {
        const anewNotes: string[] = []
        const anew = new LabelFormat(ATTRIBUTES, round, range, (note) => anewNotes.push(note))
        expect(render(remembering, notes, turn)).toEqual(render(anew, anewNotes, turn))
      }
    }),
    { numRuns: 400 },
  )
})

test('each combination of digits has a label of its own', () => {
  const format = new LabelFormat(ATTRIBUTES.slice(3, 7), 'none', 'keep', () => {})
  const spelled = ['', '0', '1', '2', '3', '4']
  for (let pass = 0; pass < 2; pass++) {
    for (let code = 0; code < 6 ** 4; code++) {
      const digits = [0, 1, 2, 3].map((place) => spelled[Math.floor(code / 6 ** place) % 6])
      const given = digits.map((digit, i) => ({ name: encode(`a${i + 3}`), json: digit }))
      const expected = digits.flatMap((digit, i) => (digit === '' ? [] : [`a${i + 3}:${digit}`])).join(',')
      expect(format.render(given.filter((score) => score.json !== ''))).toBe(expected)
    }
  }
})
