import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AnyRecord } from '../../src/records/batch.js'
import { recordKey } from '../../src/stages/record-key.js'
import { spellingOf } from '../support/arbitraries.js'
import { asked, records, thrown } from './support.js'

const keys = async (by: string, ...lines: unknown[]): Promise<string[]> =>
  (await records(lines)).records.map(recordKey(by))
const key = async (by: string, line: unknown): Promise<string> => (await keys(by, line))[0]
const failing = async (by: string, line: unknown) => {
  const [record] = (await records([line])).records
  return thrown(() => recordKey(by)(record as AnyRecord))
}

describe('conversation', () => {
  const turn = (from: string, value: string) => ({ from, value })
  const of = (turns: unknown[], rest = {}) => ({ conversations: turns, mask: 'User', ...rest })

  test('labels, scores, other fields and the order of keys do not count', async () => {
    const [one, ...others] = await keys(
      'conversation',
      asked({ label: 'quality:1' }),
      asked({ label: null }),
      asked({ scores: { quality: 3 } }),
      asked({}, { id: 7, system: '' }),
      '{"mask":"User","system":null,"conversations":[{"value":"\\u0071","from":"User"},{"value":"a","from":"Assistant"}]}',
    )
    expect(others).toEqual([one, one, one, one])
  })

  test('system prompt, speakers, texts and their order do', async () => {
    const all = await keys(
      'conversation',
      of([]),
      of([turn('', '')]),
      of([turn('', ''), turn('', '')]),
      of([], { system: 's' }),
      of([turn('a', 'b')]),
      of([turn('b', 'a')]),
      of([turn('a\n', 'b')]),
      of([turn('a', '\nb')]),
      of([turn('a', 'b'), turn('c', 'd')]),
      of([turn('c', 'd'), turn('a', 'b')]),
      of([turn('b', 'c')], { system: 'a' }),
      { row: 1 },
      { row: 2 },
    )
    expect(new Set(all).size).toBe(all.length)
  })

  test('rows count by their whole line', async () => {
    expect(await key('conversation', '{"a": 1 }')).toBe('{"a": 1 }')
  })

  test('a conversation that is none is an error', async () => {
    expect((await failing('conversation', { conversations: 3 })).code).toBe('WRONG_TYPE')
  })
})

describe('prompt', () => {
  test('the first turn, or the field of a row', async () => {
    const [one, other] = await keys('prompt', asked({}), { prompt: 'q', response: 'x' })
    expect(one).toBe('"q"')
    expect(other).toBe(one)
  })

  test.each<[unknown, string, string]>([
    [{ question: 'q' }, 'MISSING_FIELD', 'no `prompt`; the record has "question"'],
    [{ promt: 'q' }, 'MISSING_FIELD', 'no `prompt` (did you mean `promt`?); the record has "promt"'],
    [{ prompt: null }, 'MISSING_FIELD', '`prompt` is null'],
    ['{}', 'MISSING_FIELD', 'no `prompt`: the record is empty'],
    [{ conversations: [], mask: 'User' }, 'MISSING_FIELD', 'the conversation has no turns'],
  ])('%j is %s', async (line, code, found) => {
    expect(await failing('prompt', line)).toMatchObject({ code, found })
  })
})

describe('a field', () => {
  test('a text by its characters, a number by its spelling', async () => {
    const all = await keys(
      'id',
      { id: 1 },
      { id: '1' },
      '{"id": 1.0}',
      { id: true },
      { id: [1] },
      { id: { a: 1 } },
    )
    expect(all).toEqual(['1', '"1"', '1.0', 'true', '[1]', '{"a":1}'])
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'grapheme' }).chain((text) => fc.tuple(spellingOf(text), spellingOf(text))),
        async ([one, other]) => {
          const [first, second] = await keys('id', `{"id": "${one}"}`, `{"i\\u0064": "${other}"}`)
          expect(second).toBe(first)
        },
      ),
    )
  })

  test('a dot leads inside, unless a member has the whole name', async () => {
    expect(await key('meta.id', { meta: { id: 1 } })).toBe('1')
    expect(await key('meta.id', { meta: { id: 1 }, 'meta.id': 2 })).toBe('2')
    expect(await key('a.b.c', { a: { 'b.c': 1, b: { c: 2 } } })).toBe('1')
    expect(await key('a.b.c', { a: { b: { c: 2 } } })).toBe('2')
    expect(await key('id', '{"id": 1, "id": 2}')).toBe('2')
  })

  test.each<[string, unknown]>([
    ['meta.id', { meta: { no: 1 } }],
    ['meta.id', { meta: 3 }],
    ['meta.id', { meta: [{ id: 1 }] }],
    ['meta', { meta: null }],
    ['meta', {}],
  ])('%s is missing in %j', async (by, line) => {
    expect(await failing(by, line)).toMatchObject({ code: 'MISSING_FIELD' })
  })
})

test('record: the line as it will be written', async () => {
  expect(await key('record', '{"a" : "\\u00e9"}')).toBe('{"a" : "\\u00e9"}')
})
