/**
 * What must hold for a file, whatever its bytes are: nothing but coded errors with a place, and no difference from the
 * slow way.
 */

import { expect } from 'vitest'
import { CATALOGUE } from '../../src/errors.js'
import { parseJson } from '../../src/records/parse-json.js'
import { labelFormatSpec } from '../../src/stages/label-format.js'
import { regressionExpandSpec } from '../../src/stages/regression-expand.js'
import { type StageContext, stageOptions } from '../../src/stages/spec.js'
import type { Stage } from '../../src/stages/stage.js'
import { templateSpec } from '../../src/stages/template.js'
import { JsonDocumentReader } from '../../src/storage/json-document.js'
import { JsonLinesReader } from '../../src/storage/json-lines.js'
import { TextLinesReader } from '../../src/storage/text-lines.js'
import { respelled } from '../support/documents.js'
import { NO_LIMIT } from '../support/lines.js'
import { type RunResult, runStages } from '../support/run.js'
import { slowConversation, slowSamples } from '../support/slow.js'
import type { Case } from './case.js'
import type { Shape } from './seeds.js'
import { type Found, membersOf, nesting, readAll, slowDocument, slowLines, slowText } from './slow-way.js'

type Make = (context: StageContext) => Stage

const template =
  (dataset: 'helpsteer' | 'helpsteer2' | 'helpsteer2-preference' | 'oasst'): Make =>
  (context) =>
    templateSpec.create(stageOptions(templateSpec, { dataset }), context)
const labelFormat: Make = (context) => labelFormatSpec.create(stageOptions(labelFormatSpec, {}), context)
const expand: Make = (context) => regressionExpandSpec.create(stageOptions(regressionExpandSpec, {}), context)

/** What the lines of a shape go through. */
const STAGES: Readonly<Record<Shape, readonly Make[]>> = {
  helpsteer2: [template('helpsteer2'), labelFormat],
  helpsteer: [template('helpsteer'), labelFormat, expand],
  preference: [template('helpsteer2-preference'), labelFormat],
  tree: [template('oasst'), labelFormat, expand],
  conversation: [expand],
  scored: [labelFormat, expand],
  sample: [],
}

/** JSON Lines and plain text. */
export async function checkLines({ bytes, chunks, shape }: Case): Promise<void> {
  const found = await readAll(new JsonLinesReader({ input: 'x', maxLineBytes: NO_LIMIT }), chunks)
  const slow = slowLines(bytes)
  expect(found.map(({ line, offset }) => [line, offset])).toEqual(
    slow.map(({ line, offset }) => [line, offset]),
  )
  found.forEach(({ json, code }, i) => {
    if (slow[i].codes) expect(slow[i].codes).toContain(code)
    else expect(json).toBe(slow[i].json)
  })
  const text = await readAll(
    new TextLinesReader({ input: 'x', field: 'text', maxLineBytes: NO_LIMIT }),
    chunks,
  )
  expect(text).toEqual(slowText(bytes))
  await checkStages(bytes, shape, found)
}

/** One JSON document. */
export async function checkDocument({ bytes, chunks }: Case): Promise<void> {
  const found = await readAll(new JsonDocumentReader({ input: 'x', maxRecordBytes: NO_LIMIT }), chunks)
  for (const { offset } of found) expect(offset).toBeLessThanOrEqual(bytes.length)
  const slow = slowDocument(bytes)
  const fatal = found.findIndex((one) => one.fatal)
  if (slow === 'empty') expect(found).toEqual([])
  else if (slow === 'illegal' || nesting(bytes.toString('latin1')) > 100_000) {
    expect(fatal).toBe(found.length - 1)
    expect(['JSON_SYNTAX', 'NOT_UTF8', 'TOO_DEEP']).toContain(found.at(-1)?.code)
    // What stands before the damage is legal.
    for (const { json } of found) if (json !== undefined) JSON.parse(json)
  } else {
    expect(fatal).toBe(-1)
    expect(found.map(({ json, code }) => code ?? meant(json ?? ''))).toEqual(slow.map(elementOf))
  }
}

/** JSON.stringify does not go as deep as records may. */
const SHALLOW = 2000

const meant = (json: string): string => {
  if (nesting(json) > SHALLOW) return 'deep'
  return JSON.stringify(parseJson(Buffer.from(json, 'latin1').toString('utf8')))
}

function elementOf(value: unknown): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'NOT_AN_OBJECT'
  try {
    const json = JSON.stringify(value)
    return nesting(json) > SHALLOW ? 'deep' : json
  } catch {
    return 'deep'
  }
}

/** The stages, over what the parser has read. */
async function checkStages(bytes: Buffer, shape: Shape, parsed: readonly Found[]): Promise<void> {
  const fast = await runStages(bytes, ...STAGES[shape])
  checkErrors(fast.errors, bytes)
  const good = parsed.filter(({ json }) => json !== undefined)
  // The same in the canonical spelling: what a text means counts, not how it is written.
  const rows = good.map(({ json = '' }) => respelled(Buffer.from(json, 'latin1').toString('utf8')))
  const respelledFile = Buffer.from(rows.map((row) => `${row}\n`).join(''))
  const slow = await runStages(respelledFile, ...STAGES[shape])
  expect(fast.lines.map(respelled)).toEqual(slow.lines.map(respelled))
  const codes = good.map(({ line = 0 }) => fast.errors.get(line)?.code)
  expect(codes).toEqual(good.map((_, i) => slow.errors.get(i + 1)?.code))
  // And, for what there is an independent way for, as that says.
  const slowly = SLOWLY[shape]
  if (!slowly) return
  const expected = rows.map(slowly)
  expect(slow.lines).toEqual(expected.flatMap(({ lines }) => lines))
  expected.forEach(({ codes: possible }, i) => {
    expect(possible.size > 0 ? [...possible] : [undefined]).toContain(codes[i])
  })
}

const SLOWLY: Partial<Record<Shape, (row: string) => ReturnType<typeof slowSamples>>> = {
  helpsteer2: (row) => slowConversation(membersOf(row)),
  conversation: slowSamples,
  sample: (row) => ({ lines: [row], codes: new Set() }),
}

/** Every error has a known code, its line, and a line of words, which does nothing to a terminal. */
function checkErrors(errors: RunResult['errors'], bytes: Buffer): void {
  for (const [line, error] of errors) {
    expect(Object.keys(CATALOGUE)).toContain(error.code)
    expect(line).toBeGreaterThan(0)
    expect(error.place?.offset).toBeLessThan(bytes.length)
    expect(error.message).not.toMatch(/undefined|\[object|\p{Cc}/u)
    expect(error.message.length).toBeLessThan(1000)
  }
}
