import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonical, decode, encode, encodeValue } from '../../src/records/json-text.js'
import { parseJson } from '../../src/records/parse-json.js'
import { spelledText, spellingOf } from '../support/arbitraries.js'
import { needsPython, pythonLines } from '../support/python.js'

/** The bytes of a text, one character each, as a file is decoded. */
const latin1 = (text: string): string => Buffer.from(text).toString('latin1')
const utf8 = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8')

/** The text with U+FFFD in the place of each surrogate without its partner, which Python cannot write. */
const wellFormed = (text: string): string => Buffer.from(text).toString()
const isWellFormed = (text: string): boolean => wellFormed(text) === text

/** What a piece of escaped JSON text means. */
const meaning = (escaped: string): string => JSON.parse(`"${escaped}"`) as string

/** Texts with what Python's `json.dumps(text, ensure_ascii=False)` makes of them, recorded with Python 3.11. */
const RECORDED: readonly [string, string][] = [
  ['', '""'],
  ['plain', '"plain"'],
  ['"\\/', '"\\"\\\\/"'],
  ['\b\t\n\f\r', '"\\b\\t\\n\\f\\r"'],
  ['\x00\x01\x07\x0b\x0e\x1a\x1f', '"\\u0000\\u0001\\u0007\\u000b\\u000e\\u001a\\u001f"'],
  ['\x20\x7f\x80\x9f\xa0\xff', '"\x20\x7f\x80\x9f\xa0\xff"'],
  ['é߿ࠀ\ud7ff\ue000\ufeff\ufffd\uffff', '"é߿ࠀ\ud7ff\ue000\ufeff\ufffd\uffff"'],
  ['\u2028\u2029', '"\u2028\u2029"'],
  ['😀\u{10000}\u{10ffff}', '"😀\u{10000}\u{10ffff}"'],
  ['\\u00e9\\n', '"\\\\u00e9\\\\n"'],
  ['</script>', '"</script>"'],
]

describe('canonical', () => {
  test('is the encoding of what the text means, for all legal spellings', () => {
    fc.assert(
      fc.property(spelledText(20), ({ json, value }) => {
        expect(meaning(json)).toBe(value)
        const found = canonical(latin1(json))
        expect(found).toBe(encode(meaning(json)))
        expect(canonical(found)).toBe(found)
        // What `keyIs` relies on.
        expect(found.length).toBeLessThanOrEqual(latin1(json).length)
      }),
      { numRuns: 5000 },
    )
  })

  test('for each code unit as an escape, in both cases', () => {
    for (let unit = 0; unit < 0x10000; unit++) {
      const digits = unit.toString(16).padStart(4, '0')
      const expected = encode(String.fromCharCode(unit))
      if (canonical(`\\u${digits}`) !== expected || canonical(`\\u${digits.toUpperCase()}`) !== expected) {
        expect.fail(`\\u${digits}`)
      }
    }
  })

  test('for each code unit behind the first and the last of those that begin a pair', () => {
    for (const high of ['\\ud7ff', '\\ud800', '\\uDBFF', '\\udc00']) {
      for (let unit = 0xd700; unit < 0xe100; unit++) {
        const spelled = `${high}\\u${unit.toString(16)}`
        if (canonical(spelled) !== encode(meaning(spelled))) expect.fail(spelled)
      }
    }
  })

  test.each([
    ['\\/', '/'],
    ['\\\\/', '\\\\/'],
    ['\\\\u0041', '\\\\u0041'],
    ['\\\\\\u0041', '\\\\A'],
    ['\\u005cn', '\\\\n'],
    ['\\u0022\\u005C\\u002f', '\\"\\\\/'],
    ['\\u000A\\u000b\\u001F\\u007f', '\\n\\u000b\\u001f\x7f'],
    ['\\uD83D\\uDE00', latin1('😀')],
    ['\\uD83D\\uD83D\\uDE00\\uDE00', `\\ud83d${latin1('😀')}\\ude00`],
    ['\\uDE00\\uD83D', '\\ude00\\ud83d'],
    ['\\uD83Dx\\uDE00', '\\ud83dx\\ude00'],
    ['\\uD83D\\n\\uDE00', '\\ud83d\\n\\ude00'],
    ['\\uD83D\\\\uDE00', '\\ud83d\\\\uDE00'],
    ['\\uD83D', '\\ud83d'],
    ['\\uD83D\\u0041', '\\ud83dA'],
    [latin1('é\\u00e9'), latin1('éé')],
  ])('of %j', (spelled, expected) => {
    expect(canonical(spelled)).toBe(expected)
    expect(encode(meaning(utf8(spelled)))).toBe(expected)
  })

  test('leaves text alone that has no escape to respell', () => {
    const text = latin1('é \\n\\t\\"\\\\ \x7f')
    expect(canonical(text)).toBe(text)
  })
})

describe('decode and encode', () => {
  test('are inverse, also of lone surrogates', () => {
    fc.assert(
      fc.property(spelledText(20), ({ json, value }) => {
        expect(decode(encode(value))).toBe(value)
        expect(decode(latin1(json))).toBe(value)
        expect(encode(decode(latin1(json)))).toBe(canonical(latin1(json)))
      }),
      { numRuns: 3000 },
    )
  })

  test('escaped text is one byte a character and holds neither quotes nor control characters', () => {
    fc.assert(
      fc.property(spelledText(20), ({ value }) => {
        for (const char of encode(value).replace(/\\./g, '')) {
          expect(char >= ' ' && char <= '\xff' && char !== '"' && char !== '\\').toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('known keys in any spelling are found to be themselves', () => {
    const key = 'prompt/é😀"\n\u001f'
    fc.assert(
      fc.property(spellingOf(key), (spelled) => {
        expect(decode(latin1(spelled))).toBe(key)
        expect(canonical(latin1(spelled))).toBe(encode(key))
      }),
    )
  })

  test.each(RECORDED)('the recorded spelling of %j', (text, json) => {
    expect(`"${utf8(encode(text))}"`).toBe(json)
    expect(utf8(encodeValue(text))).toBe(json)
  })

  test('Python spells thousands of texts the same', (context) => {
    needsPython(context)
    const spelled = spelledText(30).filter(({ value }) => isWellFormed(value))
    const texts = [
      ...RECORDED.map(([text]) => text),
      ...fc.sample(spelled, 5000).map(({ value }) => value),
      // Every character of the first planes that can stand alone, in pieces.
      ...Array.from({ length: 0x200 }, (_, i) =>
        Array.from({ length: 0x80 }, (_, j) => String.fromCharCode(i * 0x80 + j)).join(''),
      ).filter(isWellFormed),
    ]
    const script = 'for text in json.load(sys.stdin): print(json.dumps(text, ensure_ascii=False))'
    expect(pythonLines(script, JSON.stringify(texts))).toEqual(texts.map((text) => `"${utf8(encode(text))}"`))
  })
})

describe('encodeValue', () => {
  test.each<[unknown, string]>([
    [{}, '{}'],
    [[], '[]'],
    [{ a: [], b: {} }, '{"a": [], "b": {}}'],
    [[[], [[]], {}], '[[], [[]], {}]'],
    [{ a: [1, 2, { b: null }], c: true }, '{"a": [1, 2, {"b": null}], "c": true}'],
    [{ 'a,\n b': ',\n  ', '"': '{\n' }, '{"a,\\n b": ",\\n  ", "\\"": "{\\n"}'],
    [{ text: '  a,  b: c  ' }, '{"text": "  a,  b: c  "}'],
    [{ é: '😀' }, '{"é": "😀"}'],
    [[-1.5, 0.1, 12345678901234], '[-1.5, 0.1, 12345678901234]'],
  ])('of %j', (value, json) => {
    expect(utf8(encodeValue(value))).toBe(json)
  })

  const scalars = fc.oneof(
    spelledText(8).map(({ value }) => wellFormed(value)),
    fc.maxSafeInteger(),
    fc.constantFrom(true, false, null, 0.5, -2.25, 1e15),
    fc.constantFrom(',\n ', '\n', ' , ', '": "', '[\n]'),
  )
  const key = fc.oneof(
    spelledText(4).map(({ value }) => wellFormed(value)),
    fc.constant('a,\n'),
  )
  const { nested } = fc.letrec<{ nested: unknown }>((tie) => ({
    nested: fc.oneof(
      { maxDepth: 4 },
      scalars,
      fc.array(tie('nested'), { maxLength: 4 }),
      fc.array(fc.tuple(key, tie('nested')), { maxLength: 4 }).map((list) => Object.fromEntries(list)),
    ),
  }))

  test('means the same value', () => {
    fc.assert(
      fc.property(nested, (value) => {
        expect(parseJson(utf8(encodeValue(value)))).toEqual(parseJson(JSON.stringify(value)))
      }),
      { numRuns: 1000 },
    )
  })

  test('Python spells nested values the same', (context) => {
    needsPython(context)
    const values = fc.sample(nested, 3000)
    const script = 'for value in json.load(sys.stdin): print(json.dumps(value, ensure_ascii=False))'
    expect(pythonLines(script, JSON.stringify(values))).toEqual(
      values.map((value) => utf8(encodeValue(value))),
    )
  })
})
