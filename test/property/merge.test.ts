import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { countLeftOut } from '../../src/observe/report.js'
import { prepareFile } from '../../src/pipeline/check.js'
import { runPipeline } from '../../src/pipeline/run.js'
import { filesBelow, put, useWorkFolder } from '../pipeline/support.js'
import { lettersOf, linesOf, mend, mergedBack, runAside } from '../support/dead-letters.js'

useWorkFolder()

/** What can be wrong with a row. */
type Fault = 'syntax' | 'array' | 'bytes' | 'field' | 'score' | 'range' | 'expression'

interface Row {
  /** Undefined for a good one. */
  readonly fault: Fault | undefined
  readonly helpfulness: number
  /** Whether it is mended in the first of two steps. */
  readonly first: boolean
  readonly blank: boolean
}

interface Case {
  readonly rows: readonly Row[]
  readonly stages: readonly string[]
  readonly gzip: boolean
  /** Makes rows so long that a file is read in several pieces. */
  readonly padding: number
  readonly inputs: readonly string[]
}

const FAULTS: readonly Fault[] = ['syntax', 'array', 'bytes', 'field', 'score', 'range', 'expression']

const row: fc.Arbitrary<Row> = fc.record({
  fault: fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, fc.constantFrom(...FAULTS)),
  helpfulness: fc.integer({ min: 0, max: 4 }),
  first: fc.boolean(),
  blank: fc.boolean(),
})

/** Stages between which all others stand. What is refused is refused before the first `write`. */
const stages: fc.Arbitrary<string[]> = fc
  .record({
    before: fc.subarray(['repeat: 3', "filter: 'helpfulness >= 1.0'", 'map: ./map.mjs']),
    between: fc.subarray(["filter: 'helpfulness >= 2.0'", 'length: { max-turns: 4 }', 'repeat: 2']),
    parts: fc.boolean(),
    after: fc.subarray(["filter: 'helpfulness >= 3.0'", 'repeat: 2']),
    order: fc.boolean(),
  })
  .map(({ before, between, parts, after, order }) => [
    'parse',
    ...(order ? before : []),
    'template: helpsteer2',
    // Behind a `map`, what it gives is the source.
    ...(order ? [] : before).filter((stage) => !stage.startsWith('map')),
    'filter: \'source.lang == "en"\'',
    'label-format: { range: error }',
    ...between,
    ...(parts ? ['split: { by: prompt, parts: { train: 0.6, val: 0.4 } }'] : []),
    parts ? 'write: out/sft-${input}-${part}.jsonl' : 'write: out/sft-${input}.jsonl',
    ...after,
    'regression-expand',
    'write: out/reg-${input}.jsonlGZ',
  ])

const cases: fc.Arbitrary<Case> = fc.record({
  rows: fc.array(row, { maxLength: 25 }),
  stages,
  gzip: fc.boolean(),
  padding: fc.constantFrom(0, 0, 0, 30_000),
  inputs: fc.constantFrom(['a'], ['a', 'b']),
})

const good = ({ helpfulness }: Row, n: number, padding: number) => ({
  prompt: `prompt ${n} é${'x'.repeat(padding)}`,
  response: `response ${n}`,
  helpfulness,
  lang: 'en',
})

/** The line of a row, one character a byte. */
function lineOf(row: Row, n: number, padding: number, isMended: boolean): string {
  const value: Record<string, unknown> = good(row, n, padding)
  const fault = isMended ? undefined : row.fault
  if (fault === 'field') delete value.response
  if (fault === 'score') value.helpfulness = 'high'
  if (fault === 'range') value.helpfulness = 9
  if (fault === 'expression') delete value.lang
  let line = JSON.stringify(value)
  if (fault === 'syntax') line = line.slice(0, -1)
  if (fault === 'array') line = `[${line}]`
  line = Buffer.from(line).toString('latin1')
  return fault === 'bytes' ? `${line.slice(0, -2)}\xff"}` : line
}

const fileOf = ({ rows, padding }: Case, isMended: boolean): Buffer =>
  Buffer.from(
    rows.map((row, n) => `${lineOf(row, n, padding, isMended)}\n${row.blank ? ' \r\n' : ''}`).join(''),
    'latin1',
  )

const definition = ({ stages: list, gzip, inputs }: Case): string =>
  `name: p\ninputs: { ${inputs.map((name) => `${name}: ${name}.jsonl`).join(', ')} }\nstages:\n${list
    .map((stage) => `  - ${stage.replace('GZ', gzip ? '.gz' : '')}\n`)
    .join('')}`

/** The bytes of all outputs, by their names. */
const outputs = (): Map<string, string> =>
  new Map(filesBelow('out').map((path) => [path, readFileSync(path).toString('latin1')]))

/** What a run over good data gives. */
async function expected(given: Case): Promise<Map<string, string>> {
  rmSync('out', { recursive: true, force: true })
  for (const name of given.inputs) writeFileSync(`${name}.jsonl`, fileOf(given, true))
  await runPipeline(await prepareFile('p.yaml', { env: {} }), {})
  const made = outputs()
  rmSync('out', { recursive: true, force: true })
  for (const name of given.inputs) writeFileSync(`${name}.jsonl`, fileOf(given, false))
  return made
}

/** Writes the records of one file into another, with the bytes that they should have had. */
function mendRows({ rows, padding }: Case, from: string, to: string, which: (row: Row) => boolean): void {
  mend(from, to, (letter) => {
    const n = Number(/prompt (\d+)/.exec(rawOf(letter))?.[1])
    if (!which(rows[n])) return letter
    return {
      ...letter,
      encoding: 'utf-8',
      raw: Buffer.from(lineOf(rows[n], n, padding, true), 'latin1').toString(),
    }
  })
}

const rawOf = ({ raw, encoding }: { raw: string | null; encoding: string }): string =>
  encoding === 'base64' ? Buffer.from(raw ?? '', 'base64').toString('latin1') : (raw ?? '')

beforeEach(() => {
  put({ 'map.mjs': 'export default { pure: true, map: (record) => ({ ...record, mapped: true }) }\n' })
  mkdirSync('out')
})

describe('records that were set aside, mended and merged back', () => {
  test('give the bytes of a run over mended data', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (given) => {
        put({ 'p.yaml': definition(given) })
        const all = await expected(given)
        await runAside('bad.jsonl')
        expect(lettersOf('bad.jsonl')).toEqual(inOrderOfReading(lettersOf('bad.jsonl')))
        mendRows(given, 'bad.jsonl', 'mended.jsonl', () => true)
        const report = await mergedBack('mended.jsonl', 'rest.jsonl')
        expect(countLeftOut(report)).toBe(0)
        expect(linesOf('rest.jsonl')).toEqual([])
        expect(outputs()).toEqual(all)
      }),
      { numRuns: 40, interruptAfterTimeLimit: 40_000 },
    )
  })

  test('also in two steps', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (given) => {
        put({ 'p.yaml': definition(given) })
        const all = await expected(given)
        await runAside('bad.jsonl')
        mendRows(given, 'bad.jsonl', 'mended.jsonl', ({ first }) => first)
        await mergedBack('mended.jsonl', 'rest.jsonl')
        for (const { tries } of lettersOf('rest.jsonl')) expect(tries).toBe(2)
        mendRows(given, 'rest.jsonl', 'rest-mended.jsonl', () => true)
        await mergedBack('rest-mended.jsonl', 'none.jsonl')
        expect(linesOf('none.jsonl')).toEqual([])
        expect(outputs()).toEqual(all)
      }),
      { numRuns: 40, interruptAfterTimeLimit: 40_000 },
    )
  })
})

function inOrderOfReading<T extends { name: string; line?: number | undefined }>(letters: readonly T[]): T[] {
  return letters.toSorted((a, b) => a.name.localeCompare(b.name) || (a.line ?? 0) - (b.line ?? 0))
}
