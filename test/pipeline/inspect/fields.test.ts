import { describe, expect, test } from 'vitest'
import type { Field } from '../../../src/pipeline/inspect/fields.js'
import { showFields } from '../../../src/pipeline/inspect/show-fields.js'
import { inspected, lines } from './support.js'

const fieldsOf = async (text: string): Promise<readonly Field[]> => (await inspected(text)).fields

const names = (fields: readonly Field[]): string[] => fields.map(({ name }) => name)

describe('fields', () => {
  test('have the types that were seen, how many records have them, and a range', async () => {
    const fields = await fieldsOf(
      '{"a": 3, "b": "x", "c": null}\n{"a": 4.0, "b": null}\n{"a": -1e2, "c": [1, "x"]}\n',
    )
    expect(fields).toEqual([
      { name: 'a', count: 3, of: 3, types: { integer: 1, number: 2 }, range: ['-1e2', '4.0'], example: '3' },
      { name: 'b', count: 2, of: 3, types: { text: 1, null: 1 }, example: '"x"' },
      {
        name: 'c',
        count: 2,
        of: 3,
        types: { null: 1, list: 1 },
        length: [2, 2],
        elements: ['integer', 'text'],
      },
    ])
    expect(showFields(fields, false)).toEqual(
      [
        'a  number -1e2 to 4.0',
        'b  text or null                             in 2 of 3  "x"',
        'c  list of 2 integers or texts or null      in 2 of 3',
      ].map((line) => expect.stringMatching(new RegExp(`^${line.replaceAll(/ +/g, ' +')}$`))),
    )
  })

  test('of objects in objects and in lists have paths', async () => {
    const record = { a: { b: { c: 1 } }, turns: [{ from: 'x' }, { from: 'y', 'odd key': [[2]] }] }
    const fields = await fieldsOf(lines(record))
    expect(names(fields)).toEqual(['a', 'a.b', 'a.b.c', 'turns', 'turns[].from', 'turns[]."odd key"'])
    expect(fields.find(({ name }) => name === 'turns[].from')).toMatchObject({ count: 2, of: 2 })
    expect(fields.find(({ name }) => name === 'turns[]."odd key"')).toMatchObject({ count: 1, of: 2 })
  })

  test('of what holds the likes of itself are told once, however deep it is', async () => {
    let replies: unknown[] = []
    for (let level = 0; level < 40; level++) replies = [{ text: 'x', replies }]
    const fields = await fieldsOf(lines({ prompt: { text: 'x', replies } }))
    expect(names(fields)).toEqual([
      'prompt',
      'prompt.text',
      'prompt.replies',
      'prompt.replies[].text',
      'prompt.replies[].replies',
    ])
    expect(fields[3]).toMatchObject({ count: 40, of: 40 })
    expect(fields[4]).toMatchObject({ isNested: true })
  })

  test('of an object that is a map are told once', async () => {
    const labels = Object.fromEntries(
      ['a', 'b', 'c', 'd', 'e'].map((name, i) => [name, { value: i, count: 1 }]),
    )
    const fields = await fieldsOf(lines({ labels, scores: { a: 1, b: 2, c: 3, d: 4, e: 5.5 } }))
    expect(names(fields)).toEqual([
      'labels',
      'labels.*',
      'labels.*.value',
      'labels.*.count',
      'scores',
      'scores.*',
    ])
    expect(fields[2]).toMatchObject({ count: 5, of: 5, range: ['0', '4'] })
    expect(fields[4].keys).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(fields[5]).toMatchObject({ types: { integer: 4, number: 1 }, range: ['1', '5.5'] })
  })

  test('with a handful of values have these', async () => {
    const rows = Array.from({ length: 20 }, (_, i) => ({ split: i % 2 ? 'train' : 'val', id: `id ${i}` }))
    const fields = await fieldsOf(lines(...rows))
    expect(fields[0].values).toEqual(['train', 'val'])
    expect(fields[1].values).toBeUndefined()
  })

  test('are not without end where each record has its own', async () => {
    const rows = Array.from({ length: 1000 }, (_, i) => `{"key ${i}": {"inner ${i}": [{"x": 1}]}}\n`)
    const inspection = await inspected(rows.join(''))
    expect(inspection.fieldsCut).toBe(true)
    expect(inspection.fields.length).toBeLessThan(500)
    const shown = showFields(inspection.fields, true)
    expect(shown.length).toBeLessThan(50)
    expect(shown.at(-1)).toContain('keys differ from record to record')
  })

  test('that every object has are fields like any other; of a repeated one the last counts', async () => {
    const fields = await fieldsOf('{"__proto__": 1, "constructor": "x", "a": 1, "a": "y"}\n')
    expect(fields.map(({ name, types }) => [name, types])).toEqual([
      ['__proto__', { integer: 1 }],
      ['constructor', { text: 1 }],
      ['a', { text: 1 }],
    ])
  })
})
