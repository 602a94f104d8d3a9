/** From bytes to bytes stages do what they do with records: bytes, counts, notes, and the error with its place. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import fc, { type Arbitrary } from 'fast-check'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { SteerpipeError } from '../../src/errors.js'
import {
  filter,
  labelFormat,
  parse,
  regressionExpand,
  repeat,
  shuffle,
  split,
  template,
  write,
} from '../../src/index.js'
import { prepareFile } from '../../src/pipeline/check.js'
import { DirectRow } from '../../src/pipeline/direct/row.js'
import { runPipeline } from '../../src/pipeline/run.js'
import type { Stage } from '../../src/stages/stage.js'
import { JsonLinesReader } from '../../src/storage/json-lines.js'
import { objectText, space, spelledText } from '../support/arbitraries.js'

const folder = mkdtempSync(join(tmpdir(), 'steerpipe-direct-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const INPUT = join(folder, 'in.jsonl')
const OUT = join(folder, 'out')

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

/** Labels of a message: means, which are rounded, on both sides of the halves, and what is no such mean. */
const mean = mostly(
  fc.constantFrom('0.0', '1.0', '0', '1', '0.25', '0.5833333333333334', '0.16666666666666666', '0.999999'),
  fc.constantFrom('0.125', '0.375', '0.625', '0.875', '0.1250000001', '0.12499999999999999', '0.62500'),
  fc.constantFrom('2', '-0.5', '1e-1', '0.1234e1', '12.5', '"1"', '"0.25"', '1.5', '0.37500000000000000'),
  other,
)
const label = (count: Arbitrary<string | undefined>) =>
  object({ value: mostly<string | undefined>(mean, missing), count })
const labels = mostly(
  object({
    spam: mostly<string | undefined>(label(missing), other),
    quality: mostly<string | undefined>(label(fc.constant('3')), other, missing),
    humor: mostly<string | undefined>(label(missing), missing),
    toxicity: mostly<string | undefined>(label(missing), missing),
  }),
  fc.constantFrom('{}', '{"name":["quality"],"value":[0.5],"count":[3]}', '{"name":{"value":0.5}}'),
  other,
)

const { tree: TREE } = fc.letrec<{ message: string; tree: string }>((tie) => ({
  message: object({
    message_id: mostly<string | undefined>(text('a', 'b'), missing),
    text: mostly<string | undefined>(said, missing),
    role: mostly<string | undefined>(
      text('assistant', 'prompter'),
      text('nobody', '\\u0070rompter'),
      other,
      missing,
    ),
    replies: mostly<string | undefined>(
      fc
        .array(fc.oneof({ maxDepth: 3, withCrossShrink: true }, fc.constant(''), tie('message')), {
          maxLength: 3,
        })
        .map((replies) => `[${replies.filter(Boolean).join(', ')}]`),
      missing,
      other,
    ),
    labels: mostly<string | undefined>(fc.oneof(labels, missing), other),
    prompt: ABSENT,
  }),
  tree: object({
    message_tree_id: mostly<string | undefined>(text('a'), missing),
    prompt: mostly<string | undefined>(tie('message'), other),
  }),
}))

/** Messages in rows of their own, which do not stand alone. */
const MESSAGE = fc.constantFrom(
  '{"message_id":"a","text":"t","role":"prompter","parent_id":null}',
  '{"message_id":"b","text":"u","role":"assistant","parent_id":"a"}',
)

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
  readonly files: Readonly<Record<string, string>>
  readonly error: string
  readonly counts: readonly unknown[]
}

type OnError = 'stop' | 'skip'

/** Stages as a definition has them, the same ones as streams, where they write to, and what lines they are given. */
interface Case {
  readonly yaml: string
  readonly make: (onError: OnError) => readonly Stage[]
  readonly to?: string
  readonly parts?: readonly string[]
  readonly lines: Arbitrary<string>
  /** No record that can be read is left to the stages. */
  readonly leavesNone?: boolean
}

const hasThrown = (error: unknown): string => {
  if (!(error instanceof SteerpipeError)) throw error
  return error.message
}

/** A folder for what is written, as it was before anything was. */
function emptied(): void {
  rmSync(OUT, { recursive: true, force: true })
  mkdirSync(OUT)
}

/** What was written. Where a run has failed, what is whole or not hangs on how it ended. */
const written = (): Made['files'] =>
  Object.fromEntries(
    readdirSync(OUT).flatMap((name) => {
      const text = readFileSync(join(OUT, name), 'latin1')
      return text === '' ? [] : [[name.replace('.partial', ''), text]]
    }),
  )

/** By the streams. */
async function byRecords(bytes: Buffer, { make, to = 'out', parts }: Case, onError: OnError): Promise<Made> {
  emptied()
  const parsing = parse({}, { onError, input: INPUT })
  const stages = make(onError)
  const writing = write({ to: join(OUT, to) }, { onError, ...(parts && { parts }) })
  const ended = new Writable({ objectMode: true, write: (_batch, _encoding, callback) => callback() })
  let error = 'none'
  try {
    await pipeline([Readable.from([bytes]), parsing, ...stages, writing, ended])
  } catch (failure) {
    error = hasThrown(failure)
  }
  const counts = [parsing, ...stages, writing].map(({ counters }) => counters.save())
  return { files: written(), error, counts }
}

/** By a definition. */
async function byBytes(
  bytes: Buffer,
  { yaml, to = 'out' }: Case,
  onError: OnError,
  workers: number,
): Promise<Made> {
  emptied()
  writeFileSync(INPUT, bytes)
  const definition = join(folder, 'p.yaml')
  writeFileSync(
    definition,
    `name: x\ninputs: ${INPUT}\nstages: [parse, ${yaml}, write: '${join(OUT, to)}']\n`,
  )
  try {
    const checked = await prepareFile(definition, { env: {} })
    const { inputs } = await runPipeline(checked, { onError, workers, workersFrom: 0 })
    const counts = inputs[0].stages.map(({ counters }) => counters.save())
    return { files: written(), error: 'none', counts }
  } catch (failure) {
    return { files: written(), error: hasThrown(failure), counts: [] }
  }
}

/** Stages that can be gone through from bytes to bytes. */
const CASES: Readonly<Record<string, Case>> = {
  'regression-expand': {
    yaml: 'regression-expand',
    make: (onError) => [regressionExpand({}, { onError })],
    lines: LABELLED,
  },
  'regression-expand, with limits and the record’s own prompt': {
    yaml: 'regression-expand: { system: record, range: error, tokens: { user: "<é>" } }',
    make: (onError) => [
      regressionExpand({ system: 'record', range: 'error', tokens: { user: '<é>' } }, { onError }),
    ],
    lines: LABELLED,
  },
  'label-format': {
    yaml: 'label-format',
    make: (onError) => [labelFormat({}, { onError })],
    lines: SCORED,
  },
  'label-format, within the range': {
    yaml: 'label-format: { round: half-even, range: clamp }',
    make: (onError) => [labelFormat({ round: 'half-even', range: 'clamp' }, { onError })],
    lines: SCORED,
  },
  'template of HelpSteer2': {
    yaml: 'template: helpsteer2',
    make: (onError) => [template({ dataset: 'helpsteer2' }, { onError })],
    lines: ROW,
  },
  'template by a mapping': {
    yaml: 'template: { mapping: { prompt: prompt, response: response, system: system, scores: { quality: verbosity, humor: helpfulness } } }',
    make: (onError) => [
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
    ],
    lines: ROW,
  },
  'template and label-format': {
    yaml: 'template: helpsteer2, label-format: { range: clamp }',
    make: (onError) => [
      template({ dataset: 'helpsteer2' }, { onError }),
      labelFormat({ range: 'clamp' }, { onError }),
    ],
    lines: ROW,
  },
  'filter by scores and turns': {
    yaml: "filter: { where: '(quality >= 2.0 || helpfulness != 3) && turns.size() < 4', name: good }",
    make: (onError) => [
      filter(
        { where: '(quality >= 2.0 || helpfulness != 3) && turns.size() < 4', name: 'good' },
        { onError },
      ),
    ],
    lines: LABELLED,
  },
  'filter by all that a conversation says': {
    yaml: `filter: { where: 'has(system) || "User" in speakers || turns.exists(t, t.quality > 1.0 && t.chars < 90 && t.label != "" && t.value < "m" && t.from == mask) || chars > 5000', name: good }`,
    make: (onError) => [
      filter(
        {
          where:
            'has(system) || "User" in speakers || turns.exists(t, t.quality > 1.0 && t.chars < 90 && t.label != "" && t.value < "m" && t.from == mask) || chars > 5000',
          name: 'good',
        },
        { onError },
      ),
    ],
    lines: LABELLED,
  },
  'filter, split by the prompt, and repeat': {
    yaml: "filter: { where: 'turns.size() > 1', name: long }, split: { parts: { train: 0.6, val: 0.4 }, by: prompt }, repeat: 3",
    make: (onError) => [
      filter({ where: 'turns.size() > 1', name: 'long' }, { onError }),
      split({ parts: { train: 0.6, val: 0.4 }, by: 'prompt' }, { onError }),
      repeat({ times: 3 }, { onError }),
    ],
    to: '${part}',
    parts: ['train', 'val'],
    lines: LABELLED,
  },
  'split of rows by a field, and template': {
    yaml: 'split: { parts: { a: 0.3, b: 0.3, c: 0.4 }, by: response, seed: 3 }, template: helpsteer2, label-format',
    make: (onError) => [
      split({ parts: { a: 0.3, b: 0.3, c: 0.4 }, by: 'response', seed: 3 }, { onError }),
      template({ dataset: 'helpsteer2' }, { onError }),
      labelFormat({}, { onError }),
    ],
    to: '${part}',
    parts: ['a', 'b', 'c'],
    lines: ROW,
  },
  'split of rows by the prompt': {
    yaml: 'split: { parts: { train: 0.6, val: 0.4 }, by: prompt }',
    make: (onError) => [split({ parts: { train: 0.6, val: 0.4 }, by: 'prompt' }, { onError })],
    to: '${part}',
    parts: ['train', 'val'],
    lines: fc.oneof(ROW, LABELLED),
  },
  'split by the whole record, into one file': {
    yaml: 'split: { parts: { train: 0.6, val: 0.4 }, by: record }',
    make: (onError) => [split({ parts: { train: 0.6, val: 0.4 }, by: 'record' }, { onError })],
    lines: ROW,
    leavesNone: true,
  },
}

/** Stages that hold all records, and take them as they lie. */
const HOLDING: Readonly<Record<string, Case>> = {
  'shuffle as Python does': {
    yaml: 'shuffle',
    make: (onError) => [shuffle({}, { onError })],
    lines: LABELLED,
  },
  'shuffle in buckets': {
    yaml: 'shuffle: { algorithm: buckets, memory: 1MB }',
    make: (onError) => [shuffle({ algorithm: 'buckets', memory: '1MB' }, { onError })],
    lines: ROW,
  },
}

const TREES = {
  yaml: 'shuffle, split: { parts: { train: 0.6, val: 0.4 } }, template: oasst, label-format: { range: error }',
  make: (onError: OnError) => [
    shuffle({}, { onError }),
    split({ parts: { train: 0.6, val: 0.4 } }, { onError }),
    template({ dataset: 'oasst' }, { onError }),
    labelFormat({ range: 'error' }, { onError }),
  ],
  to: '${part}',
  parts: ['train', 'val'],
}

/** Stages behind a shuffle, whose work is done before that. */
const AHEAD: Readonly<Record<string, Case>> = {
  trees: { ...TREES, lines: TREE },
  'trees, and messages of trees': { ...TREES, lines: mostly(TREE, MESSAGE) },
  'rows, in buckets': {
    yaml: 'shuffle: { algorithm: buckets, memory: 1MB }, template: helpsteer2',
    make: (onError) => [
      shuffle({ algorithm: 'buckets', memory: '1MB' }, { onError }),
      template({ dataset: 'helpsteer2' }, { onError }),
    ],
    lines: ROW,
  },
  samples: {
    yaml: 'shuffle: { memory: 1MB }, regression-expand',
    make: (onError) => [shuffle({ memory: '1MB' }, { onError }), regressionExpand({}, { onError })],
    lines: LABELLED,
  },
}

const RUNS = Number(process.env.DIRECT_RUNS ?? 60)

/** Checks that both ways make the same of random files. */
const bothAreTheSame = (each: Case, onError: OnError, workers = 0) =>
  fc.assert(
    fc.asyncProperty(fileOf(each.lines, 60), async (bytes) => {
      const expected = await byRecords(bytes, each, onError)
      const found = await byBytes(bytes, each, onError, workers)
      expect(found).toEqual(found.error === 'none' ? expected : { ...expected, counts: [] })
    }),
    { numRuns: RUNS },
  )

describe.each(Object.entries(CASES))('%s', (_, each) => {
  test.each(['skip', 'stop'] as const)('bad records: %s', async (onError) => {
    const left = vi.spyOn(JsonLinesReader.prototype, 'recordAt')
    const raw = vi.spyOn(JsonLinesReader.prototype, 'doneWith')
    await bothAreTheSame(each, onError)
    const records = raw.mock.calls.reduce((sum, [{ count }]) => sum + count, 0)
    const { length } = left.mock.calls
    vi.restoreAllMocks()
    if (onError === 'stop') return
    // Both ways were gone, by far the most records the short one.
    if (!each.leavesNone) expect(length).toBeGreaterThan(0)
    expect(records).toBeGreaterThan(1.3 * length)
  })
})

describe.each(Object.entries(HOLDING))('%s', (_, each) => {
  test.each(['skip', 'stop'] as const)('bad records: %s', async (onError) => {
    const raw = vi.spyOn(JsonLinesReader.prototype, 'doneWith')
    await bothAreTheSame(each, onError)
    const { length } = raw.mock.calls
    vi.restoreAllMocks()
    expect(length).toBeGreaterThan(0)
  })
})

describe.each(Object.entries(AHEAD))('made ahead: %s', (_, each) => {
  test.each(['skip', 'stop'] as const)('bad records: %s', async (onError) => {
    const ahead = vi.spyOn(DirectRow.prototype, 'take')
    await bothAreTheSame(each, onError, 1)
    const { length } = ahead.mock.calls
    vi.restoreAllMocks()
    expect(length).toBeGreaterThan(0)
  })
})
