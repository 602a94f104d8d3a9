import fc, { type Arbitrary } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { labelFormatSpec } from '../../src/stages/label-format.js'
import { regressionExpandSpec } from '../../src/stages/regression-expand.js'
import { type StageContext, stageOptions } from '../../src/stages/spec.js'
import { templateSpec } from '../../src/stages/template.js'
import { recordLine } from '../support/arbitraries.js'
import { conversationLine, helpSteerRow, scoredLine } from '../support/records.js'
import { type RunResult, runStages } from '../support/run.js'
import { type Expected, slowConversation, slowFloat, slowSamples, slowText } from '../support/slow.js'

const template = (context: StageContext) =>
  templateSpec.create(stageOptions(templateSpec, { dataset: 'helpsteer2' }), context)
const labelFormat = (context: StageContext) =>
  labelFormatSpec.create(stageOptions(labelFormatSpec, {}), context)
const regressionExpand = (context: StageContext) =>
  regressionExpandSpec.create(stageOptions(regressionExpandSpec, {}), context)

const fileOf = (lines: readonly string[]): Buffer => Buffer.from(lines.map((line) => `${line}\n`).join(''))

/** Compares what came out with what the slow way says of each line, and counts the codes. */
function compare(found: RunResult, expected: readonly Expected[], seen: Map<string, number>): void {
  expect(found.lines).toEqual(expected.flatMap(({ lines }) => lines))
  expected.forEach(({ codes }, i) => {
    const code = found.errors.get(i + 1)?.code ?? 'good'
    expect(codes.size > 0 ? [...codes] : ['good']).toContain(code)
    seen.set(code, (seen.get(code) ?? 0) + 1)
  })
}

/** Files of so many records; a run of the streams is dearer than a record. */
const filesOf = <T>(record: Arbitrary<T>) => fc.array(record, { maxLength: 60, size: 'max' })

describe('the fast way is the slow way', () => {
  test('records that no stage touches are written as they were read', async () => {
    await fc.assert(
      fc.asyncProperty(filesOf(recordLine), async (lines) => {
        expect((await runStages(fileOf(lines))).lines).toEqual(lines)
      }),
      { numRuns: 60 },
    )
  })

  test('HelpSteer2 rows to labelled conversations', async () => {
    const seen = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(filesOf(helpSteerRow), async (rows) => {
        const found = await runStages(fileOf(rows.map(({ line }) => line)), template, labelFormat)
        compare(
          found,
          rows.map(({ members }) => slowConversation(members)),
          seen,
        )
      }),
      { numRuns: 160 },
    )
    expect(seen.get('good')).toBeGreaterThan(1500)
    for (const code of ['MISSING_FIELD', 'WRONG_TYPE', 'BAD_SCORE'])
      expect(seen.get(code)).toBeGreaterThan(20)
  })

  test('conversations to regression samples', async () => {
    const seen = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(filesOf(conversationLine), async (lines) => {
        compare(await runStages(fileOf(lines), regressionExpand), lines.map(slowSamples), seen)
      }),
      { numRuns: 160 },
    )
    expect(seen.get('good')).toBeGreaterThan(1500)
    const codes = ['WRONG_RECORD', 'MISSING_FIELD', 'WRONG_TYPE', 'BAD_LABEL', 'UNLABELLED_SCORES']
    for (const code of codes) expect(seen.get(code)).toBeGreaterThan(5)
  })

  test('rows to samples in one go', async () => {
    await fc.assert(
      fc.asyncProperty(filesOf(helpSteerRow), async (rows) => {
        const good = rows.map(({ members }) => slowConversation(members))
        const labelled = good.flatMap(({ lines }) => lines).map(slowSamples)
        const found = await runStages(
          fileOf(rows.map(({ line }) => line)),
          template,
          labelFormat,
          regressionExpand,
        )
        expect(found.lines).toEqual(labelled.flatMap(({ lines }) => lines))
      }),
      { numRuns: 40 },
    )
  })

  test('label-format replaces the scores in a line, and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(filesOf(scoredLine), async (list) => {
        const found = await runStages(fileOf(list.map(({ before }) => before)), labelFormat)
        expect(found.errors.size).toBe(0)
        expect(found.lines).toEqual(list.map(({ after }) => after))
        // What it has written it leaves alone.
        expect((await runStages(fileOf(found.lines), labelFormat)).lines).toEqual(found.lines)
      }),
      { numRuns: 60 },
    )
  })

  test('through files between the stages come the same bytes as without', async () => {
    await fc.assert(
      fc.asyncProperty(filesOf(helpSteerRow), async (rows) => {
        const file = fileOf(rows.map(({ line }) => line))
        const straight = await runStages(file, template, labelFormat, regressionExpand)
        const templated = await runStages(file, template)
        const labelled = await runStages(fileOf(templated.lines), labelFormat)
        expect(labelled.errors.size).toBe(0)
        const samples = await runStages(fileOf(labelled.lines), regressionExpand)
        expect(samples.lines).toEqual(straight.lines)
      }),
      { numRuns: 40 },
    )
  })
})

test('what is said of a bad score shows it in its own characters', async () => {
  const row = '{"prompt":"","response":"","quality":"sehr schön"}'
  const { errors } = await runStages(fileOf(['{}', row]), template)
  expect(errors.get(2)?.message).toBe(
    'stream:2 (byte 3), template: the score of `quality` is "sehr schön"; expected a finite number. ' +
      'Mend the record, or go on without it with `--on-error skip`. [BAD_SCORE]',
  )
})

describe('the slow way itself', () => {
  test.each([
    ['3', '3.0'],
    ['-0', '-0.0'],
    ['0.5', '0.5'],
    ['.5', '0.5'],
    ['120', '120.0'],
    ['1.25e1', '12.5'],
    ['0.0001', '0.0001'],
    ['0.00001', '1e-05'],
    ['123e-9', '1.23e-07'],
    ['1e15', '1000000000000000.0'],
    ['1e16', '1e+16'],
    ['12.5E+20', '1.25e+21'],
    [' +007.50 ', '7.5'],
  ])('the float of %j is %s', (text, float) => {
    expect(slowFloat(text)).toBe(float)
  })

  test('texts', () => {
    expect(slowText('a"\\/\b\f\n\r\t\x01\x7f\u2028é😀\ud800')).toBe(
      '"a\\"\\\\/\\b\\f\\n\\r\\t\\u0001\x7f\u2028é😀\\ud800"',
    )
  })
})
