import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SteerpipeError } from '../../src/errors.js'
import { lintFile } from '../../src/pipeline/check.js'
import { put, rows, useWorkFolder } from './support.js'

useWorkFolder()

/** A definition with a bit of everything in it. */
const RIGHT = `name: &name x
description: *name
vars: { a: 1, b: "\${a}-\${env.H:-h}", none: null, g: 2 }
attributes: [quality, { name: odd, min: -3, max: "\${g}" }]
inputs:
  one: in.jsonl
  two: { from: [in.jsonl, { from: "i*.jsonl", stages: &own [parse: { group: 2 }] }], stages: [label-format] }
  three: [{ from: in.jsonl, stages: *own }, "hf://datasets/x/y/z"]
stages:
  - parse: { format: jsonl, max-line-bytes: 100 }
  - write: "\${input}-\${b}.jsonl"
  - regression-expand:
      tokens: { end: "$\${x}" }
  - write: { to: "out/\${none}" }
overwrite: true
`

/** Bits that mean something to YAML, to interpolation or to the schema. */
const bit = fc.oneof(
  fc.constantFrom(
    '\n',
    '  ',
    '\t',
    '- ',
    ': ',
    ' #',
    '"',
    "'",
    '{',
    '}',
    '[',
    ']',
    ',',
    '&x ',
    '*x',
    '*own',
    '<<: ',
    '!!set ',
    '?',
  ),
  fc.constantFrom(
    '${',
    '$${',
    '}',
    '${a}',
    '${none}',
    '${input}',
    '${part}',
    '${nmae}',
    '${env.X}',
    ':-',
    '\0',
    '\u2028',
    '😀',
    '|\n',
  ),
  fc.constantFrom(
    'parse',
    'write',
    'template',
    'from',
    'stages',
    'null',
    '~',
    '3',
    '-1e999',
    '0x10',
    'true',
    '__proto__',
    '-',
  ),
  fc.string({ maxLength: 4, unit: 'binary' }),
)
const edit = fc.record({ at: fc.nat(RIGHT.length), cut: fc.constantFrom(0, 0, 1, 3, 20), bit })

test('whatever is in the file, lint finds mistakes and does not fail', async () => {
  put({ 'in.jsonl': rows(1, 1) })
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { maxLength: 4 }), async (edits) => {
      let text = RIGHT
      for (const { at, cut, bit } of edits) text = text.slice(0, at) + bit + text.slice(at + cut)
      put({ 'p.yaml': text })
      const lines = text.split('\n').length
      for (const error of await lintFile('p.yaml', { env: {} })) {
        expect(error).toBeInstanceOf(SteerpipeError)
        expect(error.place?.input).toBe('p.yaml')
        expect(error.place?.line ?? 1).toBeLessThanOrEqual(lines)
        expect(error.message).not.toMatch(/undefined|\[object|NaN|[^\P{Cc}\t\n\r\u0085]/u)
      }
    }),
    { numRuns: 500 },
  )
})

test('the definition that it is made from is right', async () => {
  put({ 'in.jsonl': rows(1, 1), 'p.yaml': RIGHT })
  expect((await lintFile('p.yaml', { env: {} })).map(({ message }) => message)).toEqual([])
})
