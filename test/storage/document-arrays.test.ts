import { describe, expect, test } from 'vitest'
import { documentArrays } from '../../src/storage/document-arrays.js'

const found = (text: string) => {
  const { isLegal, arrays } = documentArrays(Buffer.from(text))
  return [isLegal, Object.fromEntries(arrays)]
}

describe('where a document may have its records', () => {
  test.each([
    ['[{}, {"a": [{}]}, 1, {}]', { '': 3 }],
    ['{"a": [{}, {}], "b": {"c": [{}]}}', { a: 2, 'b.c': 1 }],
    ['[[{}], [{}, {}]]', { 0: 1, 1: 2 }],
    ['{"a": [[1], [{}]]}', { 'a.1': 1 }],
    ['{"rows": [{"turns": [{}, {}, {}]}], "more": [{}]}', { rows: 1, more: 1 }],
    ['{"\\u0061": [{}]}', { a: 1 }],
    ['{"a": [1, "x", null, [], true]}', {}],
    ['{"a": {"b": 1}}', {}],
    ['1', {}],
    ['', {}],
    // What `path` cannot lead to.
    ['{"a.b": [{}], "": [{}]}', {}],
    ['{"": {"": [{}]}}', { '.': 1 }],
    // All that there is of it so far.
    ['{"a": [{"x": 1}, {"y": [{}', { a: 2 }],
    ['\ufeff[{}]', { '': 1 }],
  ])('%s', (text, arrays) => {
    expect(found(text)).toEqual([true, arrays])
  })

  test('goes as far as the text is legal JSON', () => {
    expect(found('{"a": [{}, {}], "b": tru}')).toEqual([false, { a: 2 }])
    expect(found('{"a": [{}]} {"b": [{}]}')).toEqual([false, { a: 1 }])
    expect(documentArrays(Buffer.of(0x5b, 0x22, 0xff, 0x22, 0x5d)).isLegal).toBe(false)
  })

  test('does not go on for ever with keys', () => {
    const deep = `${'{"a":'.repeat(50_000)}[{}]${'}'.repeat(50_000)}`
    expect(found(deep)).toEqual([true, {}])
    expect(found('['.repeat(200_000))).toEqual([false, {}])
  })
})
