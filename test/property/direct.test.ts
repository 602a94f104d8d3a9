/** From bytes to bytes a stage does what it does with records: bytes, counts, notes, and the error with its place. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import fc, { type Arbitrary } from 'fast-check'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { SteerpipeError } from '../../src/errors.js'
import { labelFormat, parse, regressionExpand, shuffle, template, write } from '../../src/index.js'
import { prepareFile } from '../../src/pipeline/check.js'
import { runPipeline } from '../../src/pipeline/run.js'
import type { Stage } from '../../src/stages/stage.js'
import { JsonLinesReader } from '../../src/storage/json-lines.js'
import { objectText, space, spelledText } from '../support/arbitraries.js'

const folder = mkdtempSync(join(tmpdir(), 'steerpipe-direct-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const INPUT = join(folder, 'in.jsonl')
const OUTPUT = join(folder, 'out.jsonl')

/** Mostly one thing, now and then one of the others. */
const mostly = <T>(usual: Arbitrary<T>, ...others: Arbitrary<T>[]): Arbitrary<T> =>
  fc.oneof({ weight: 30, arbitrary: usual }, ...others.map((arbitrary) => ({ weight: 1, arbitrary })))

const text = (...texts: string[]): Arbitrary<string> => fc.constantFrom(...texts.map((each) => `"${each}"`))

/** Values that are seldom right. */
const other = fc.constantFrom('null', '7', 'true', '{}', '[]', '""', '"\\u0061\\/"')

const said = mostly(
  fc.string({ maxLength: 60 }).map((value) => JSON.stringify(value)),
  spelledText(8).map(({ json }) => json),
  fc.integer({ min: 1000, max: 90_000 }).map((length) => `"${'é'.repeat(length)}"`),
  other,
)

/** A few forms that come again and again, with digits that change, and some that are not like that. */
const labelText = mostly(
  fc
    .tuple(
      fc.constantFrom(['quality'], ['helpfulness', 'verbosity'], ['toxicity', 'odd', 'humor']),
      fc.nat(9),
      fc.nat(4),
    )
    .map(([names, first, second]) => names.map((name, i) => `${name}:${i === 0 ? first : second}`).join(',')),
  fc.constantFrom(
    '',
    'quality',
    'quality:1,quality:3',
    'quality:1.5',
    'helpfulness:-1',
    'a1:2',
    'humor:2:1',
    'x:1,y:2',
  ),
)

const scores = mostly(
  fc
    .tuple(
      fc.constantFrom(['helpfulness', 'verbosity'], ['quality', 'odd', 'humor']),
      fc.nat(9),
      fc.nat(4),
      fc.boolean(),
    )
    .map(([names, first, second, spaced]) => {
      const gap = spaced ? ' ' : ''
      return `{${names.map((name, i) => `"${name}":${gap}${i === 0 ? first : second}`).join(`,${gap}`)}}`
    }),
  fc.constantFrom(
    '{}',
    '{"quality":1,"quality":3}',
    '{"quality":1.50}',
    '{"quality":"2"}',
    '{"quality":null}',
    '{"odd":1,"odd":2}',
    '{"quality":1e2, "a1":3}',
    '[]',
  ),
  other,
)

/** An object of some members, in any order, now and then with one that is there twice or does not belong. */
const object = (members: Readonly<Record<string, Arbitrary<string | undefined>>>): Arbitrary<string> =>
  fc
    .record({
      values: fc.record(members),
      order: mostly(fc.constant(0), fc.nat(7)),
      twice: mostly(fc.constant(-1), fc.nat(9)),
      more: mostly(fc.constant(''), fc.constantFrom('"more":[1.50,{"label":"x"}]', '"s\\u0079stem":"y"')),
      spaces: mostly<[string, string]>(fc.constant(['', ' ']), fc.tuple(space, space)),
    })
    .map(({ values, order, twice, more, spaces: [before, behind] }) => {
      const all = Object.entries(values).flatMap(([key, value]) =>
        value === undefined ? [] : `"${key}":${behind}${value}`,
      )
      const turned = [...all.slice(order % (all.length + 1)), ...all.slice(0, order % (all.length + 1))]
      if (twice >= 0 && twice < all.length) turned.push(all[twice])
      if (more) turned.push(more)
      return `{${before}${turned.join(`${before},${behind}`)}${before}}`
    })

const missing = fc.constant(undefined)
const ABSENT = mostly<string | undefined>(missing, other)

const turn = (label: Arbitrary<string | undefined>, scored: Arbitrary<string | undefined>) =>
  object({
    from: mostly<string | undefined>(text('User', 'Assistant'), text('\\u0055ser'), other, missing),
    value: mostly<string | undefined>(said, missing),
    label,
    scores: scored,
    raw_scores: ABSENT,
  })

const conversation = (turns: Arbitrary<string>) =>
  object({
    conversations: mostly(
      fc.array(turns, { maxLength: 5 }).map((all) => `[${all.join(', ')}]`),
      other,
    ),
    system: mostly<string | undefined>(fc.oneof(text('', 'Be good.'), missing), other),
    mask: mostly<string | undefined>(text('User'), text('Assistant', '\\u0055ser'), other, missing),
    type: mostly<string | undefined>(fc.oneof(text('VALUE_TO_TEXT'), missing), other),
  })

const quoted = labelText.map((label) => `"${label}"`)
const LABELLED = conversation(
  turn(mostly<string | undefined>(fc.oneof(quoted, fc.constant('null')), other, missing), ABSENT),
)
const SCORED = conversation(
  fc.oneof(
    turn(missing, mostly<string | undefined>(scores, missing)),
    turn(mostly<string | undefined>(fc.constant('null'), missing, quoted), ABSENT),
  ),
)
const digit = mostly<string | undefined>(
  fc.nat(9).map(String),
  fc.constantFrom('2.0', '"3"', '1e1', '-1', '10'),
  other,
  missing,
)
const ROW = object({
  prompt: mostly<string | undefined>(said, missing),
  response: mostly<string | undefined>(said, missing),
  system: mostly<string | undefined>(text('Be kind.'), missing),
  helpfulness: digit,
  verbosity: digit,
})

/** Files of such lines, most of which are all right. */
const fileOf = (line: Arbitrary<string>, most: number): Arbitrary<Buffer> =>
  fc
    .tuple(
      fc.array(mostly(line, fc.constant(''), fc.constant('{"a":'), objectText), {
        minLength: 1,
        maxLength: most,
      }),
      fc.boolean(),
      fc.boolean(),
    )
    .map(([lines, ended, mark]) =>
      Buffer.from(`${mark ? '\ufeff' : ''}${lines.join('\n')}${ended ? '\n' : ''}`),
    )

/** What has become of a file. */
interface Made {
  readonly lines: string
  readonly error: string
  readonly counts: readonly unknown[]
}

const hasThrown = (error: unknown): string => {
  if (!(error instanceof SteerpipeError)) throw error
  return error.message
}

/** By the streams. */
async function byRecords(bytes: Buffer, stage: Stage, onError: 'stop' | 'skip'): Promise<Made> {
  const parsing = parse({}, { onError, input: INPUT })
  const chunks: Buffer[] = []
  const collect = async (made: AsyncIterable<Buffer>) => {
    for await (const chunk of made) chunks.push(chunk)
  }
  let error = 'none'
  try {
    await pipeline(Readable.from([bytes]), parsing, stage, write({}), collect)
  } catch (failure) {
    error = hasThrown(failure)
  }
  const counts = [parsing, stage].map(({ counters }) => counters.save())
  return { lines: Buffer.concat(chunks).toString('latin1'), error, counts }
}

/** By a definition of this one stage. */
async function byBytes(bytes: Buffer, yaml: string, onError: 'stop' | 'skip'): Promise<Made> {
  writeFileSync(INPUT, bytes)
  rmSync(OUTPUT, { force: true })
  rmSync(`${OUTPUT}.partial`, { force: true })
  const definition = join(folder, 'p.yaml')
  writeFileSync(definition, `name: x\ninputs: ${INPUT}\nstages: [parse, ${yaml}, write: ${OUTPUT}]\n`)
  const linesOf = (path: string) => readFileSync(path, 'latin1')
  try {
    const { inputs } = await runPipeline(await prepareFile(definition, { env: {} }), { onError })
    const counts = inputs[0].stages.slice(0, 2).map(({ counters }) => counters.save())
    return { lines: linesOf(OUTPUT), error: 'none', counts }
  } catch (failure) {
    return { lines: partial(), error: hasThrown(failure), counts: [] }
  }

  function partial(): string {
    try {
      return linesOf(`${OUTPUT}.partial`)
    } catch {
      return '' // nothing stood before the error
    }
  }
}

const STAGES: Readonly<
  Record<string, readonly [yaml: string, make: (onError: 'stop' | 'skip') => Stage, Arbitrary<string>]>
> = {
  'regression-expand': ['regression-expand', (onError) => regressionExpand({}, { onError }), LABELLED],
  'regression-expand, with limits and the record’s own prompt': [
    'regression-expand: { system: record, range: error, tokens: { user: "<é>" } }',
    (onError) => regressionExpand({ system: 'record', range: 'error', tokens: { user: '<é>' } }, { onError }),
    LABELLED,
  ],
  'label-format': ['label-format', (onError) => labelFormat({}, { onError }), SCORED],
  'label-format, within the range': [
    'label-format: { round: half-even, range: clamp }',
    (onError) => labelFormat({ round: 'half-even', range: 'clamp' }, { onError }),
    SCORED,
  ],
  'template of HelpSteer2': [
    'template: helpsteer2',
    (onError) => template({ dataset: 'helpsteer2' }, { onError }),
    ROW,
  ],
  'template by a mapping': [
    'template: { mapping: { prompt: prompt, response: response, system: system, scores: { quality: verbosity, humor: helpfulness } } }',
    (onError) =>
      template(
        {
          mapping: {
            prompt: 'prompt',
            response: 'response',
            system: 'system',
            scores: { quality: 'verbosity', humor: 'helpfulness' },
          },
        },
        { onError },
      ),
    ROW,
  ],
}

/** Stages that hold all records, and take them as they lie. */
const HOLDING: typeof STAGES = {
  'shuffle as Python does': ['shuffle', (onError) => shuffle({}, { onError }), LABELLED],
  'shuffle in buckets': [
    'shuffle: { algorithm: buckets, memory: 1MB }',
    (onError) => shuffle({ algorithm: 'buckets', memory: '1MB' }, { onError }),
    ROW,
  ],
}

const RUNS = Number(process.env.DIRECT_RUNS ?? 60)

/** Checks that both ways make the same of random files. */
const bothAreTheSame = ([yaml, make, line]: (typeof STAGES)[string], onError: 'stop' | 'skip') =>
  fc.assert(
    fc.asyncProperty(fileOf(line, 60), async (bytes) => {
      const expected = await byRecords(bytes, make(onError), onError)
      const found = await byBytes(bytes, yaml, onError)
      expect(found).toEqual(found.error === 'none' ? expected : { ...expected, counts: [] })
    }),
    { numRuns: RUNS },
  )

describe.each(Object.entries(STAGES))('%s', (_, stage) => {
  test.each(['skip', 'stop'] as const)('bad records: %s', async (onError) => {
    const left = vi.spyOn(JsonLinesReader.prototype, 'recordAt')
    const raw = vi.spyOn(JsonLinesReader.prototype, 'doneWith')
    await bothAreTheSame(stage, onError)
    const records = raw.mock.calls.reduce((sum, [{ count }]) => sum + count, 0)
    const { length } = left.mock.calls
    vi.restoreAllMocks()
    if (onError === 'stop') return
    // Both ways were gone, by far the most records the short one.
    expect(length).toBeGreaterThan(0)
    expect(records).toBeGreaterThan(1.3 * length)
  })
})

describe.each(Object.entries(HOLDING))('%s', (_, stage) => {
  test.each(['skip', 'stop'] as const)('bad records: %s', async (onError) => {
    const raw = vi.spyOn(JsonLinesReader.prototype, 'doneWith')
    await bothAreTheSame(stage, onError)
    const { length } = raw.mock.calls
    vi.restoreAllMocks()
    expect(length).toBeGreaterThan(0)
  })
})
