/** Definitions and outputs do not change by `--workers`: bytes, counts, places, dead letters, reports and checkpoints. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import fc, { type Arbitrary } from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { SteerpipeError } from '../../src/errors.js'
import type { RunReport } from '../../src/observe/report.js'
import { prepareFile } from '../../src/pipeline/check.js'
import { runPipeline } from '../../src/pipeline/run.js'
import { timeless } from '../support/timeless.js'

const folder = mkdtempSync(join(tmpdir(), 'steerpipe-workers-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const OTHERS = [1, 2, 7]

/** Lines longer than this are refused; some of the data's are. */
const MAX_LINE = 700_000

/** What lines are made of; with a number, so that no two of them are alike, and a length for their text. */
const MAKERS: Readonly<Record<string, (n: number, length: number) => string>> = {
  labelled: (n, length) =>
    JSON.stringify({
      conversations: [
        { from: 'User', value: `question ${n} ${'é'.repeat(length)}`, label: null },
        { from: 'Assistant', value: `answer ${n}\n${'x'.repeat(length)}`, label: `quality:${n % 5}` },
        { from: 'User', value: 'and?', label: null },
        { from: 'Assistant', value: 'so', label: 'helpfulness:3,unknown:1' },
      ],
      system: '',
      mask: 'User',
      type: 'VALUE_TO_TEXT',
    }),
  unlabelled: (n) => `{"conversations":[{"from":"User","value":"\\u00e9${n}"}],"mask":"User","more":1.50}\r`,
  blank: () => '',
  'no mask': (n) => `{"conversations":[{"from":"User","value":"${n}"}]}`,
  'bad label': (n) => `{"conversations":[{"from":"A","value":"${n}","label":"quality"}],"mask":"User"}`,
  'bad JSON': (n) => `{"conversations": ${n}`,
  'no object': (n) => `[${n}]`,
  row: (n, length) => `{"prompt":"p${n}","response":"${'r'.repeat(length)}","helpfulness":${n % 5}}`,
  'bad row': (n) => `{"prompt":${n},"response":"r","helpfulness":1}`,
}

/** A tree of an assistant's answers to one question, some of them with labels. */
const tree = (n: number, length: number): string => {
  const answer = (m: number) => ({
    message_id: `${n}-${m}`,
    text: `answer ${m} ${'é'.repeat(length)}`,
    role: 'assistant',
    replies: [],
    ...(m % 2 === 0 && { labels: { quality: { value: 0.625, count: 3 }, humor: { value: 0.5, count: 1 } } }),
  })
  const prompt = {
    message_id: `${n}`,
    text: `question ${n}`,
    role: 'prompter',
    replies: [answer(1), answer(2)],
  }
  return JSON.stringify({ message_tree_id: `${n}`, prompt })
}
Object.assign(MAKERS, {
  tree,
  'bad tree': (n: number) => `{"prompt":{"message_id":"${n}","text":"t","role":"nobody","replies":[]}}`,
  // One that is not in a tree: it may belong to those before and behind it.
  message: (n: number) => `{"message_id":"${n}","text":"t","role":"prompter","parent_id":null}`,
})

type Kind = keyof typeof MAKERS | 'not UTF-8' | 'too long'

function bytesOf(kind: Kind, n: number, length: number): Buffer {
  if (kind === 'not UTF-8')
    return Buffer.concat([Buffer.from(`{"a":"${n}`), Buffer.of(0xff), Buffer.from('"}')])
  if (kind === 'too long')
    return Buffer.from(`{"prompt":"p${n}","response":"${'l'.repeat(MAX_LINE + length)}"}`)
  return Buffer.from(MAKERS[kind](n, length))
}

/** Most lines are good, so that regions are full; lengths are such that some lines reach over regions. */
const file = (good: Kind, bad: readonly Kind[]): Arbitrary<Buffer> =>
  fc
    .record({
      lines: fc.array(
        fc.record({
          kind: fc.oneof(
            { weight: 12, arbitrary: fc.constant(good) },
            { weight: 1, arbitrary: fc.constantFrom<Kind>(...bad) },
          ),
          length: fc.oneof(
            { weight: 8, arbitrary: fc.integer({ min: 0, max: 3000 }) },
            { weight: 2, arbitrary: fc.integer({ min: 3000, max: 60_000 }) },
            { weight: 1, arbitrary: fc.integer({ min: 100_000, max: 650_000 }) },
          ),
        }),
        { minLength: 20, maxLength: 120 },
      ),
      mark: fc.boolean(),
      ended: fc.boolean(),
    })
    .map(({ lines, mark, ended }) => {
      const text = lines.flatMap(({ kind, length }, n) => [bytesOf(kind, n, length), Buffer.from('\n')])
      const bytes = Buffer.concat([Buffer.from(mark ? '\ufeff' : ''), ...text])
      return ended ? bytes : bytes.subarray(0, -1)
    })

const CONVERSATIONS = file('labelled', [
  'unlabelled',
  'blank',
  'no mask',
  'bad label',
  'bad JSON',
  'no object',
  'not UTF-8',
  'too long',
])
const ROWS = file('row', ['blank', 'bad row', 'bad JSON', 'not UTF-8', 'too long', 'no object'])

const TREES = file('tree', ['blank', 'bad tree', 'bad JSON', 'not UTF-8'])
const TREES_AND_MESSAGES = file('tree', ['message', 'bad tree', 'bad JSON'])

/** A run, and what it has made. */
interface Made {
  readonly files: Readonly<Record<string, string>>
  readonly told: readonly string[]
  readonly report: string
  readonly error: string
}

let runs = 0

/** Runs a definition over files with so many threads. `OUT` stands for its folder, `IN` for that of the files. */
async function made(
  yaml: string,
  input: string,
  workers: number,
  { onError, sets }: { readonly onError: 'skip' | 'stop'; readonly sets: boolean },
): Promise<Made> {
  const out = join(folder, `run-${runs++}`)
  mkdirSync(out)
  const definition = join(out, 'p.yaml')
  writeFileSync(definition, yaml.replaceAll('OUT', out).replaceAll('IN', input))
  writeFileSync(join(out, 'pure.mjs'), PURE)
  const told: string[] = []
  const checked = await prepareFile(definition, { env: {} })
  let report: RunReport | undefined
  let error: string | undefined
  try {
    report = await runPipeline(checked, {
      onError,
      workers,
      workersFrom: 0,
      onLeftOut: ({ message }) => told.push(message),
      ...(sets && { aside: { path: join(out, 'set-aside.jsonl') } }),
    })
  } catch (caught) {
    if (!(caught instanceof SteerpipeError)) throw caught
    error = caught.message
  }
  const hidden = (text: string) => text.replaceAll(out, 'OUT')
  const files = Object.fromEntries(
    readdirSync(out)
      .filter((name) => !['p.yaml', 'pure.mjs'].includes(name))
      .map((name) => [name, hidden(contentOf(join(out, name)))]),
  )
  rmSync(out, { recursive: true })
  const shown = report ? timeless(report) : 'none'
  return { files, told: told.sort().map(hidden), report: hidden(shown), error: hidden(error ?? 'none') }
}

/** What a file holds, one character a byte, and without compression. */
function contentOf(path: string): string {
  const bytes = readFileSync(path)
  return (/\.gz(\.partial)?$/.test(path) && bytes.length > 0 ? gunzipSync(bytes) : bytes).toString('latin1')
}

/**
 * What differs, in a form that can be read.
 *
 * @param isStopped behind the record that ended the run, a `write` before the stage that refused it may have written more
 */
function differences(expected: Made, found: Made, isStopped: boolean): string[] {
  const names = new Set([...Object.keys(expected.files), ...Object.keys(found.files)])
  const files = [...names].flatMap((name) => {
    const [one, other] = [expected.files[name], found.files[name]]
    if (one === other || (isStopped && one && other && (one.startsWith(other) || other.startsWith(one))))
      return []
    if (one === undefined || other === undefined) return `${name} is ${one === undefined ? 'new' : 'gone'}`
    let at = 0
    while (one[at] === other[at]) at++
    const around = (text: string) => JSON.stringify(text.slice(Math.max(0, at - 80), at + 80))
    return `${name} differs at byte ${at}: ${around(one)} became ${around(other)}`
  })
  const texts = (['report', 'error'] as const).flatMap((key) =>
    expected[key] === found[key] ? [] : `${key}: ${expected[key]} became ${found[key]}`,
  )
  const told =
    expected.told.join('\n') === found.told.join('\n') ? [] : [`told: ${expected.told} became ${found.told}`]
  return [...files, ...texts, ...told]
}

const PURE = `export default {
  pure: true,
  map: (record, { part, place, note }) => {
    if (record.prompt === 'p7') throw new RangeError('seven')
    if (record.prompt?.endsWith('5')) return null
    note('mapped')
    return { ...record, part, line: place.line === undefined }
  },
}
`

const parse = `parse: { max-line-bytes: ${MAX_LINE} }`

const DEFINITIONS: Readonly<
  Record<string, readonly [inputs: string, stages: string, data: Arbitrary<Buffer>]>
> = {
  'a recipe of one output': ['IN', 'regression-expand, write: OUT/a.jsonl', CONVERSATIONS],
  'two outputs of one pass': [
    'IN',
    'template: helpsteer2, write: OUT/scored.jsonl, label-format, write: OUT/sft.jsonl.gz, regression-expand, write: { to: OUT/samples.jsonl, ascii: true }',
    ROWS,
  ],
  'parts, and records several times': [
    'IN',
    "split: { parts: { train: 0.6, val: 0.4 }, by: conversation }, filter: 'turns.size() > 1', repeat: 2, write: 'OUT/${part}.jsonl'",
    CONVERSATIONS,
  ],
  'sources with stages of their own': [
    '{ from: [{ from: IN, stages: [write: OUT/own.jsonl, template: helpsteer2] }, { from: IN, stages: [template: { dataset: helpsteer2 }] }] }',
    'label-format, length: { max-chars: 20000 }, write: OUT/a.jsonl',
    ROWS,
  ],
  'a file twice': ['[IN, IN]', 'template: helpsteer2, write: OUT/a.jsonl', ROWS],
  'trees in another order': [
    'IN',
    "shuffle: { algorithm: python, memory: 1MB }, split: { parts: { train: 0.7, val: 0.3 } }, template: oasst, label-format, write: 'OUT/${part}.jsonl'",
    TREES,
  ],
  'trees, and messages of trees, in another order': [
    'IN',
    "shuffle: { algorithm: python }, split: { parts: { train: 0.7, val: 0.3 } }, template: oasst, label-format, write: 'OUT/${part}.jsonl'",
    TREES_AND_MESSAGES,
  ],
  'rows in another order, and some dropped before': [
    'IN',
    "filter: 'source.helpfulness != 2', shuffle: { algorithm: buckets, memory: 1MB }, template: helpsteer2, label-format, write: OUT/a.jsonl, regression-expand, write: OUT/b.jsonl.gz",
    ROWS,
  ],
  'a function that is pure': ['IN', 'map: ./pure.mjs, write: OUT/a.jsonl', ROWS],
}

const RUNS = Number(process.env.WORKERS_RUNS ?? 6)

describe.each(Object.entries(DEFINITIONS))('%s', (_, [inputs, stages, data]) => {
  const yaml = `name: x\ninputs: { input: ${inputs} }\nstages: [${parse}, ${stages}]\n`.replaceAll(
    /, (write|template|filter|repeat|split|length|map|regression-expand|parse): (?=[^{[\n])/g,
    ', $1: ',
  )

  test.each(['set aside', 'skip', 'stop'] as const)('bad records: %s', async (what) => {
    const settings = { onError: what === 'stop' ? what : 'skip', sets: what === 'set aside' } as const
    const result = await fc.check(
      fc.asyncProperty(data, fc.boolean(), async (bytes, isCompressed) => {
        const input = join(folder, `in-${runs}.jsonl`)
        writeFileSync(input, isCompressed ? gzipSync(bytes, { level: 1 }) : bytes)
        const expected = await made(yaml, input, 0, settings)
        for (const workers of OTHERS) {
          const found = await made(yaml, input, workers, settings)
          expect(differences(expected, found, what === 'stop'), `${workers} threads`).toEqual([])
        }
        rmSync(input)
      }),
      { numRuns: RUNS, endOnFailure: true },
    )
    // The counterexample is a file of a megabyte: the seed says more.
    const { failed, seed, counterexamplePath, errorInstance } = result
    if (failed) throw new Error(`seed ${seed}, path ${counterexamplePath}`, { cause: errorInstance })
  })
})
