/**
 * Generators for the property tests: JSON in all its legal spellings, and what can go wrong with its bytes.
 */
import fc, { type Arbitrary } from 'fast-check'

/** A JSON value in one of its spellings, with what it means. */
export interface Spelled<T = unknown> {
  readonly json: string
  readonly value: T
}

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '/': '\\/',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

/** A code unit as `\u` and four digits; each bit of `style` says whether a digit is in upper case. */
function unicodeEscape(unit: number, style: number): string {
  const digits = [...unit.toString(16).padStart(4, '0')]
  return `\\u${digits.map((digit, i) => (style & (1 << i) ? digit.toUpperCase() : digit)).join('')}`
}

/** One character as JSON may spell it; `style` chooses among the ways that there are. */
export function spellCharacter(character: string, style: number): string {
  const code = character.charCodeAt(0)
  const lone = character.length === 1 && code >= 0xd800 && code < 0xe000
  const raw = code >= 0x20 && !lone && character !== '"' && character !== '\\'
  const kind = style & 3
  if (raw && kind < 2) return character
  if (character in SHORT && kind < 3) return SHORT[character]
  return [...character.split('')]
    .map((_, i) => unicodeEscape(character.charCodeAt(i), style >> (2 + 4 * i)))
    .join('')
}

/** A text in a spelling that a seed chooses, without its quotes. */
export function spellWith(text: string, seed: number): string {
  let state = seed
  let result = ''
  for (const char of text) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    result += spellCharacter(char, state >>> 8)
  }
  return result
}

const style = fc.nat({ max: 0x3ff })

/** Any character: a code point, or half of a surrogate pair. */
const character = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0x20, max: 0x7f }).map((code) => String.fromCodePoint(code)) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 0x1f }).map((code) => String.fromCodePoint(code)) },
  {
    weight: 2,
    arbitrary: fc.constantFrom('"', '\\', '/', 'u', '\u2028', '\u2029', '\ufeff', '\uffff', '\x7f'),
  },
  { weight: 2, arbitrary: fc.integer({ min: 0x80, max: 0xd7ff }).map((code) => String.fromCodePoint(code)) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 0x10000, max: 0x10ffff }).map((code) => String.fromCodePoint(code)),
  },
  { weight: 1, arbitrary: fc.integer({ min: 0xd800, max: 0xdfff }).map((code) => String.fromCharCode(code)) },
)

/** The inside of a JSON string in any spelling (lone surrogates as escapes), with the text that it means. */
export const spelledText = (maxLength = 10): Arbitrary<Spelled<string>> =>
  fc.array(fc.tuple(character, style), { maxLength }).map((list) => ({
    json: list.map(([char, how]) => spellCharacter(char, how)).join(''),
    value: list.map(([char]) => char).join(''),
  }))

/** A known text in any spelling, without its quotes. */
export const spellingOf = (text: string): Arbitrary<string> => {
  const characters = [...text]
  const length = characters.length
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant(JSON.stringify(text).slice(1, -1)) },
    {
      weight: 1,
      arbitrary: fc
        .array(style, { minLength: length, maxLength: length })
        .map((styles) => characters.map((char, i) => spellCharacter(char, styles[i])).join('')),
    },
  )
}

/** White space that may stand between tokens in a line. */
export const space: Arbitrary<string> = fc.constantFrom('', '', '', '', ' ', ' ', '\t', '\r', ' \t\r ', '   ')

const digits = (minLength: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength, maxLength: 20 }).map((list) => list.join(''))

/** JSON numbers in all their forms. */
export const numberText: Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '0',
    '-0',
    '-0.0',
    '0e0',
    '1E400',
    '-1e-400',
    '3',
    '10',
    '1e5',
    '1E+05',
    '0.1e-7',
    '5e-324',
  ),
  fc
    .tuple(
      fc.constantFrom('', '-'),
      fc.oneof(
        fc.constant('0'),
        digits(1).map((text) => text.replace(/^0+/, '') || '7'),
      ),
      fc.oneof(
        fc.constant(''),
        digits(1).map((text) => `.${text}`),
      ),
      fc.constantFrom('', 'e', 'E', 'e+', 'e-', 'E+', 'E-'),
      fc.constantFrom('0', '1', '07', '12', '300'),
    )
    .map(([sign, whole, fraction, e, exponent]) => sign + whole + fraction + (e && e + exponent)),
)

const quotedText = spelledText().map(({ json }) => `"${json}"`)

const keyText = fc.oneof(
  { weight: 2, arbitrary: spelledText(4).map(({ json }) => json) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      'a',
      'a',
      'b',
      '',
      '__proto__',
      'constructor',
      '\\u0061',
      '\\u005F_proto__',
      'toString',
    ),
  },
)

const scalar = fc.oneof(
  quotedText,
  numberText,
  fc.constantFrom('true', 'false', 'null', '[]', '{}', '[ ]', '{\t}'),
)

/** `[[{"a":…` nested to some depth. */
const nested = fc
  .tuple(
    fc.array(fc.constantFrom('[', '{"a":', '[1,', '{"b":2, "a": '), { minLength: 1, maxLength: 60 }),
    scalar,
  )
  .map(([opened, inside]) => {
    const closed = opened.map((open) => (open[0] === '[' ? ']' : '}')).reverse()
    return opened.join('') + inside + closed.join('')
  })

const { value, object } = fc.letrec<{ value: string; object: string; array: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    { weight: 6, arbitrary: scalar },
    { weight: 2, arbitrary: tie('object') },
    { weight: 2, arbitrary: tie('array') },
  ),
  object: fc
    .array(fc.tuple(space, keyText, space, space, tie('value'), space), { maxLength: 5 })
    .map((members) => `{${members.map(([a, k, b, c, v, d]) => `${a}"${k}"${b}:${c}${v}${d}`).join(',')}}`),
  array: fc
    .array(fc.tuple(space, tie('value'), space), { maxLength: 5 })
    .map((items) => `[${items.map((item) => item.join('')).join(',')}]`),
}))

/** Any legal JSON value, without line ends. */
export const jsonText: Arbitrary<string> = value

/** A legal JSON object, without line ends; some are nested deep. */
export const objectText: Arbitrary<string> = fc.oneof(
  { weight: 9, arbitrary: object },
  { weight: 1, arbitrary: nested.map((inside) => `{"deep":${inside}}`) },
)

/** A legal line: an object with white space round it. */
export const recordLine: Arbitrary<string> = fc.tuple(space, objectText, space).map((parts) => parts.join(''))

const lineEnd = fc.constantFrom('\n', '\n', '\n', '\r\n')

/** A file of legal lines: records, with some blank lines; with or without a byte order mark and the last line end. */
export const legalFile: Arbitrary<Buffer> = fc
  .tuple(
    fc.array(
      fc.tuple(fc.oneof({ weight: 8, arbitrary: recordLine }, { weight: 1, arbitrary: space }), lineEnd),
      { maxLength: 6 },
    ),
    fc.constantFrom('', '', '', '\ufeff'),
    fc.oneof(fc.constant(''), recordLine),
  )
  .map(([lines, mark, last]) => Buffer.from(mark + lines.map((line) => line.join('')).join('') + last))

/** What may be done to the bytes of a file. */
type Damage = 'delete' | 'insert' | 'replace' | 'flip' | 'double' | 'cut'

/** Bytes that mean something to a reader, and some that never may occur. */
const tellingByte = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...Buffer.from('"""\\\\{}[],:0-.eEutn/ \t\r\n\n')) },
  { weight: 1, arbitrary: fc.constantFrom(0x00, 0x1f, 0x7f, 0x80, 0xbf, 0xc0, 0xed, 0xef, 0xf4, 0xff) },
  { weight: 1, arbitrary: fc.nat({ max: 255 }) },
)

function damaged(bytes: Buffer, how: Damage, at: number, length: number, byte: number): Buffer {
  const before = bytes.subarray(0, at)
  const piece = bytes.subarray(at, at + length)
  const after = bytes.subarray(at + length)
  switch (how) {
    case 'delete':
      return Buffer.concat([before, after])
    case 'insert':
      return Buffer.concat([before, Buffer.of(byte), piece, after])
    case 'replace':
      return Buffer.concat([before, Buffer.of(byte), bytes.subarray(at + 1)])
    case 'flip':
      return Buffer.concat([before, Buffer.of((bytes[at] ?? 0) ^ (1 << (byte & 7))), bytes.subarray(at + 1)])
    case 'double':
      return Buffer.concat([before, piece, piece, after])
    case 'cut':
      return before
  }
}

/** A file of lines, several of them damaged: deleted, inserted, flipped, doubled, cut. */
export const damagedFile: Arbitrary<Buffer> = fc
  .tuple(
    legalFile,
    fc.array(
      fc.tuple(
        fc.constantFrom<Damage>('delete', 'insert', 'insert', 'replace', 'flip', 'double', 'cut'),
        fc.nat({ max: 0xffff }),
        fc.integer({ min: 1, max: 6 }),
        tellingByte,
      ),
      { minLength: 1, maxLength: 3 },
    ),
    fc.array(fc.oneof(recordLine, jsonText), { maxLength: 2 }),
  )
  .map(([bytes, damages, more]) => {
    let result = bytes
    for (const [how, at, length, byte] of damages) {
      // Cutting leaves nothing to be seen behind it: lines are put there again below.
      result = damaged(result, how, at % (result.length + 1), length, byte)
    }
    return Buffer.concat([result, Buffer.from(more.map((line) => `\n${line}`).join(''))])
  })

/** Where a stream of bytes is cut into chunks, as shares of its length. */
export const cutPoints: Arbitrary<number[]> = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
  maxLength: 8,
})
