import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Inspection } from '../../../src/pipeline/inspect/inspect.js'
import { showInspection } from '../../../src/pipeline/inspect/show.js'
import { inspectionJson } from '../../../src/pipeline/inspect/to-json.js'
import { jsonText, objectText } from '../../support/arbitraries.js'
import { inspected } from './support.js'

// biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal is what they would reach.
const CONTROL = /[\x00-\x09\x0b-\x1f\x7f-\x9f]/

/** Both ways to tell an inspection, which must be fit for a terminal and for a program. */
function told(inspection: Inspection): string {
  const shown = showInspection(inspection)
  expect(shown).not.toMatch(CONTROL)
  const json: unknown = JSON.parse(inspectionJson(inspection))
  expect(json).toMatchObject({ format: inspection.format, lookedAt: inspection.lookedAt })
  return shown
}

test('any JSON Lines of objects are recognised, and all of their records are looked at', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(objectText, { minLength: 2, maxLength: 12 }), async (objects) => {
      const inspection = await inspected(objects.map((json) => `${json}\n`).join(''), 'any')
      expect(inspection).toMatchObject({ format: 'jsonl', errors: [] })
      expect(inspection.lookedAt).toMatchObject({ records: objects.length, isAll: true })
      told(inspection)
    }),
  )
})

test('any array of objects is recognised', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(objectText, { minLength: 1, maxLength: 12 }), async (objects) => {
      const inspection = await inspected(`[${objects.join(',')}]`, 'any')
      expect(inspection).toMatchObject({ parse: { format: 'json' }, errors: [] })
      expect(inspection.lookedAt.records).toBe(objects.length)
      told(inspection)
    }),
  )
})

test('any bytes give an answer', async () => {
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.string({ unit: 'binary', maxLength: 100 }).map((text) => Buffer.from(text)),
    fc
      .array(
        fc.oneof(jsonText, fc.constantFrom('{', '[', '"', ',', ':', '}', ']', '\n', '\\', '\t', 'é', '\0')),
        {
          maxLength: 12,
        },
      )
      .map((pieces) => Buffer.from(pieces.join(''))),
  )
  await fc.assert(
    fc.asyncProperty(anything, async (bytes) => {
      // What looks like gzip and is none cannot be read at all.
      fc.pre(!(bytes[0] === 0x1f && bytes[1] === 0x8b))
      told(await inspected(bytes, 'any'))
    }),
    { numRuns: 500 },
  )
})

/** An object so many levels deep. */
const deep = (open: string, close: string, levels: number): string =>
  `${open.repeat(levels)}1${close.repeat(levels)}\n`

test.each<[string, string]>([
  ['lists in lists', `{"a":${'['.repeat(99_998)}${']'.repeat(99_998)}}\n`],
  ['objects in objects', deep('{"a":', '}', 99_999)],
  ['objects with other names in objects', deep('{"a":{"b":[', ']}}', 30_000)],
  ['replies to replies', deep('{"text":"x","role":"prompter","replies":[', ']}', 40_000)],
  ['deeper than is accepted', deep('{"a":', '}', 100_001)],
  ['a line without an end', `{"a":"${'x'.repeat(5_000_000)}`],
  ['text without an end', 'x'.repeat(5_000_000)],
  ['quotes', '"'.repeat(5_000_000)],
  ['backslashes', `{"${'\\'.repeat(5_000_000)}`],
  ['line ends', `{}${'\n'.repeat(5_000_000)}`],
  ['a list of lists', '['.repeat(5_000_000)],
  [
    'an object with a great many keys',
    `{${Array.from({ length: 200_000 }, (_, i) => `"k${i}":${i}`).join()}}\n`,
  ],
  ['a great many separators', `${','.repeat(300_000)}\n`.repeat(3)],
])('%s: a short answer', async (_, text) => {
  const inspection = await inspected(text, 'hostile')
  const shown = told(inspection)
  expect(shown.split('\n').length).toBeLessThan(120)
  for (const line of shown.split('\n')) expect(line.length).toBeLessThan(400)
})
