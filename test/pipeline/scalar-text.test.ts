import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isScalar, parseDocument, stringify } from 'yaml'
import { offsetOf } from '../../src/pipeline/scalar-text.js'

/** The character of the file that a character of the scalar `v` comes from. */
function charAt(yaml: string, character: number): string | undefined {
  const node = parseDocument(yaml).get('v', true)
  if (!isScalar(node) || !node.range) return expect.unreachable('no scalar')
  const offset = offsetOf(character, String(node.value), yaml, node.range[0], node.range[1])
  return offset === undefined ? undefined : yaml.slice(offset)
}

test.each<[string, number, string]>([
  ['v: a && b', 5, 'b'],
  ["v: 'a && b'", 5, "b'"],
  ['v: "a && b"', 5, 'b"'],
  ["v: 'a == ''x'' && b'", 12, "b'"],
  ['v:   a &&\n  b', 5, 'b'],
  ["v: 'a\n\n   && b'", 5, "b'"],
  ['v: |\n  a &&\n    b\n', 7, 'b\n'],
  ['v: |\n  a &&\n    b\n', 5, '\n    b\n'],
  ['v: |-\n\n  a\n  b\n', 3, 'b\n'],
  ['v: >-\n  a\n  &&\n  b\n', 5, 'b\n'],
  ['v: >2 # folded\n    a\n  b\n', 2, 'a\n  b\n'],
  ['v: &x !!str a && b', 5, 'b'],
  ['v: a &&', 4, ''],
  ['v: "a &&"', 4, '"'],
  ["v: 'a ''", 3, ''],
])('%j, character %d', (yaml, character, rest) => {
  expect(charAt(yaml, character)).toBe(rest)
})

test.each<[string, number]>([
  ['v: "a \\n b"', 4],
  ['v: "\\x61 && b"', 5],
  ['v: "a \\\n  b"', 3],
])('behind an escape it cannot be told: %j', (yaml, character) => {
  expect(charAt(yaml, character)).toBeUndefined()
})

test('nor in a value that came from somewhere else', () => {
  expect(offsetOf(3, 'a && b', '${x}', 0, 4)).toBeUndefined()
  expect(offsetOf(6, 'ab > 3', 'ab > ${x}', 0, 9)).toBeUndefined()
  expect(offsetOf(1, 'ab > 3', 'ab > ${x}', 0, 9)).toBe(1)
})

describe('in any style', () => {
  const word = fc.constantFrom('a', 'b1', '>=', '&&', '3.0', "'x'", '"y"', '(é)', '\u{1f600}')
  const text = fc
    .array(fc.tuple(word, fc.constantFrom(' ', '  ', '\n')), { minLength: 1, maxLength: 30 })
    .map((pieces) =>
      pieces
        .map((piece) => piece.join(''))
        .join('')
        .trim(),
    )
  const style = fc.constantFrom('PLAIN', 'QUOTE_SINGLE', 'QUOTE_DOUBLE', 'BLOCK_FOLDED', 'BLOCK_LITERAL')

  test('the character is the one that it is, or cannot be told', () => {
    fc.assert(
      fc.property(
        text,
        style,
        fc.nat(),
        fc.integer({ min: 1, max: 4 }),
        (value, defaultStringType, some, indent) => {
          // Deeper in the file, and folded at some 40 characters.
          const yaml = stringify({ a: { v: value } }, { defaultStringType, indent, lineWidth: 40 })
          const node = parseDocument(yaml).getIn(['a', 'v'], true)
          if (!isScalar(node) || !node.range) return expect.unreachable('no scalar')
          expect(node.value).toBe(value)
          const character = some % value.length
          const offset = offsetOf(character, value, yaml, node.range[0], node.range[1])
          if (offset === undefined) expect(yaml).toContain('\\')
          else if (/\S/.test(value[character])) expect(yaml[offset]).toBe(value[character])
          else expect(yaml[offset]).toMatch(/\s/)
          if (offset === undefined || /\s/.test(value[character])) return
          // And it is that one, not a later one that looks the same.
          const squeezed = (all: string) => all.replace(/\s+/g, '')
          const opened = yaml.slice(node.range[0], offset).replace(/^(['"]|[|>][^\n]*\n)/, '')
          expect(squeezed(opened.replaceAll("''", "'"))).toBe(squeezed(value.slice(0, character)))
        },
      ),
      { numRuns: 500 },
    )
  })
})
