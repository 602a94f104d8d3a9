import fc, { type Arbitrary } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SteerpipeError } from '../../src/errors.js'
import { attributesFrom, STEERLM_ATTRIBUTES } from '../../src/records/attributes.js'
import { ByteWriter, constant } from '../../src/records/byte-writer.js'
import { DigitForms, type Made } from '../../src/records/digit-forms.js'
import type { JsonText } from '../../src/records/json-text.js'
import { type Note, VectorFormat } from '../../src/records/labels.js'

const viewOf = (text: string, before = ''): DataView => {
  const { buffer } = new Uint8Array(Buffer.from(before + text, 'latin1'))
  return new DataView(buffer)
}

/** What is made of a text by its form; undefined if it has none. */
function byForm(
  forms: DigitForms<Note>,
  text: string,
): { bytes: string; notes: readonly Note[] } | undefined {
  const before = 'xyz'
  const view = viewOf(text, before)
  const form = forms.find(view, before.length, before.length + text.length)
  if (form < 0) return undefined
  const out = new ByteWriter(8).add(constant('at ')).made(forms, form, view, before.length)
  return { bytes: out.take().toString('latin1').slice(3), notes: forms.made(form).notes }
}

const vectors = new VectorFormat(attributesFrom(STEERLM_ATTRIBUTES), 'clamp', () => {})

/** A label's vector; undefined for what is no label. */
function vectorOf(label: string): { bytes: string; notes: readonly Note[] } | undefined {
  try {
    const { text, notes } = vectors.read(label as JsonText) // of ASCII without escapes
    return { bytes: text, notes }
  } catch (error) {
    if (error instanceof SteerpipeError) return undefined
    throw error
  }
}

const formsOfVectors = () =>
  new DigitForms<Note>((text): Made<Note> | undefined => {
    const made = vectorOf(text.toString('latin1'))
    return made && { bytes: constant(made.bytes), notes: made.notes }
  })

const name = fc.constantFrom('quality', 'toxicity', 'humor', 'verbosity', 'odd', 'a1', '2')
const number = fc.oneof(
  { weight: 8, arbitrary: fc.nat(9).map(String) },
  { weight: 1, arbitrary: fc.constantFrom('', '1.5', '10', '-1', '1e1', '3:1', ' 2', '0004') },
)
const label: Arbitrary<string> = fc
  .array(fc.tuple(name, number), { maxLength: 4 })
  .map((scores) => scores.map(([key, value]) => `${key}:${value}`).join(','))

describe('what is made of a text by its form is what is made of it', () => {
  test('whatever texts came before', () => {
    let found = 0
    fc.assert(
      fc.property(fc.array(label, { minLength: 1, maxLength: 40 }), (labels) => {
        const forms = formsOfVectors()
        for (const each of labels) {
          const made = byForm(forms, each)
          if (made === undefined) continue
          found++
          expect(made).toEqual(vectorOf(each))
        }
      }),
      { numRuns: 300 },
    )
    expect(found).toBeGreaterThan(500)
  })

  test('of a hundred labels of one form it makes one', () => {
    let made = 0
    const forms = new DigitForms<Note>((text) => {
      made++
      return { bytes: constant(`[${text.toString('latin1').slice(-1)}]`), notes: [] }
    })
    for (let n = 0; n < 100; n++) expect(byForm(forms, `quality:${n % 10}`)?.bytes).toBe(`[${n % 10}]`)
    expect(made).toBe(10)
  })
})

test('a digit that decides something else is part of the form', () => {
  const forms = formsOfVectors()
  // Beyond the range it is clamped, and noted.
  expect(byForm(forms, 'quality:4')).toEqual(vectorOf('quality:4'))
  expect(byForm(forms, 'quality:7')).toEqual(vectorOf('quality:7'))
  expect(byForm(forms, 'quality:7')?.notes).toEqual(['score clamped to its range'])
  expect(byForm(forms, 'quality:8')).toEqual(vectorOf('quality:8'))
  // Of a repeated name the last counts.
  expect(byForm(forms, 'quality:1,quality:2')).toEqual(vectorOf('quality:1,quality:2'))
  expect(byForm(forms, 'quality:3,quality:2')).toEqual(vectorOf('quality:3,quality:2'))
})

test('what nothing can be made of, and what is very short or long, has no form', () => {
  const forms = formsOfVectors()
  for (const text of ['', 'q:1', 'quality', `odd:1,${'x'.repeat(2000)}:1`])
    expect(byForm(forms, text)).toBeUndefined()
})

test('texts that are too various are left alone', () => {
  const forms = formsOfVectors()
  const some = Array.from({ length: 1000 }, (_, n) => byForm(forms, `${'x'.repeat(n + 1)}:1`))
  expect(some.filter(Boolean).length).toBe(32)
})
