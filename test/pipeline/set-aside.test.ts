/**
 * What a run sets aside: each bad record, once, as it was read, in the order in which it was read.
 */
import { describe, expect, onTestFinished, test } from 'vitest'
import { countLeftOut, type RunReport } from '../../src/observe/report.js'
import { lettersOf, linesOf, runAside } from '../support/dead-letters.js'
import { startRewardServer } from '../support/reward-server.js'
import { filesBelow, put, row, useWorkFolder } from './support.js'

useWorkFolder()

const over = (stages: readonly string[], inputs = 'only: in.jsonl'): string =>
  `name: p\ninputs: { ${inputs} }\nstages:\n${stages.map((stage) => `  - ${stage}\n`).join('')}`

/** What was set aside, in short: `line stage code`. */
const found = (file = 'bad.jsonl'): string[] =>
  lettersOf(file).map(({ line, record, stage, code }) => `${line ?? record} ${stage} ${code}`)

/** Records that stages have dropped as they were asked to. */
const dropped = ({ inputs }: RunReport): number =>
  inputs
    .flatMap(({ stages }) => stages)
    .flatMap(({ counters }) => Object.values(counters.save().dropped))
    .reduce((sum, count) => sum + count, 0)

/** Rows between which others are bad. */
const [GOOD, GOOD_TOO] = [row(1), row(2)]
const conversation = (label: string) =>
  JSON.stringify({
    conversations: [
      { from: 'User', value: 'q', label: null },
      { from: 'Assistant', value: 'a', label },
    ],
    mask: 'User',
  })

interface Case {
  readonly stages: readonly string[]
  readonly good: string
  readonly bad: string
  readonly finds: string
}

const TEMPLATED = ['parse', 'template: helpsteer2']
const LABEL = conversation('quality:4')

const CASES: Readonly<Record<string, Case>> = {
  'parse, JSON': { stages: ['parse'], good: GOOD, bad: '{"a":}', finds: 'parse JSON_SYNTAX' },
  'parse, an array': { stages: ['parse'], good: GOOD, bad: '[1]', finds: 'parse NOT_AN_OBJECT' },
  'parse, a long line': {
    stages: ['parse: { max-line-bytes: 200 }'],
    good: GOOD,
    bad: `{"a":"${'x'.repeat(200)}"}`,
    finds: 'parse LINE_TOO_LONG',
  },
  'template, helpsteer': {
    stages: ['parse', 'template: helpsteer'],
    good: row(1, { correctness: 1, coherence: 1, complexity: 1, verbosity: 1 }),
    bad: row(1),
    finds: 'template MISSING_FIELD',
  },
  'template, helpsteer2': {
    stages: TEMPLATED,
    good: GOOD,
    bad: '{"prompt": "é😀", "response": 1}\r',
    finds: 'template WRONG_TYPE',
  },
  'template, preferences': {
    stages: ['parse', 'template: helpsteer2-preference'],
    good: '{"split":"train","prompt":"p","response_1":"a","response_2":"b","preference_strength":1}',
    bad: '{"split":"train","prompt":"p","response_1":"a","response_2":"b","preference_strength":"x"}',
    finds: 'template BAD_SCORE',
  },
  'template, a tree': {
    stages: ['parse', 'template: oasst'],
    good: '{"prompt":{"text":"q","role":"prompter","replies":[{"text":"a","role":"assistant"}]}}',
    bad: '{"prompt":{"text":"q","role":"prompter","replies":[{"text":"a","role":"robot"}]}}',
    finds: 'template BAD_TREE',
  },
  'template, conversations': {
    stages: ['parse', 'template: conversations'],
    good: LABEL,
    bad: '{"conversations": 1}',
    finds: 'template WRONG_TYPE',
  },
  'template, a mapping': {
    stages: ['parse', 'template: { mapping: { prompt: q, response: a, scores: { helpfulness: s } } }'],
    good: '{"q":"q","a":"a","s":1}',
    bad: '{"q":"q","s":1}',
    finds: 'template MISSING_FIELD',
  },
  'label-format': {
    stages: [...TEMPLATED, 'label-format: { range: error }'],
    good: GOOD,
    bad: row(1, { helpfulness: 7 }),
    finds: 'label-format OUT_OF_RANGE',
  },
  'regression-expand': {
    stages: ['parse', 'regression-expand'],
    good: LABEL,
    bad: conversation('quality:x'),
    finds: 'regression-expand BAD_LABEL',
  },
  filter: {
    stages: ['parse', "filter: 'source.n > 0'"],
    good: row(1, { n: 1 }),
    bad: row(1),
    finds: 'filter FILTER_FAILED',
  },
  length: {
    stages: ['parse', 'length: { max-turns: 4 }'],
    good: LABEL,
    bad: '{"a":1}',
    finds: 'length WRONG_RECORD',
  },
  'dedupe by a field': {
    stages: ['parse', 'dedupe: { by: id }'],
    good: '{"id":1}',
    bad: '{"no":2}',
    finds: 'dedupe MISSING_FIELD',
  },
  'split by a field': {
    stages: ['parse', 'split: { by: id, parts: { a: 0.5, b: 0.5 } }'],
    good: '{"id":1}',
    bad: '{"no":2}',
    finds: 'split MISSING_FIELD',
  },
  map: {
    stages: ['parse', 'map: ./map.mjs'],
    good: GOOD,
    bad: row(1, { bad: true }),
    finds: 'map MAP_FAILED',
  },
  'a stage behind map': {
    stages: ['parse', 'map: ./map.mjs', 'template: helpsteer2', 'label-format: { range: error }'],
    good: GOOD,
    bad: row(1, { helpfulness: '1e1' }),
    finds: 'label-format OUT_OF_RANGE',
  },
}

describe.each(Object.entries(CASES))('%s', (_name, { stages, good, bad, finds }) => {
  test.each(['in order', 'a shuffle before', 'a shuffle behind'])(
    'sets its bad records aside: %s',
    async (how) => {
      const lines = [bad, good, '', bad, good, bad].filter((line, index) => line !== '' || index === 2)
      const shuffle = 'shuffle: { algorithm: buckets, memory: 1MB }'
      const [parse, ...rest] = stages
      const all =
        how === 'in order'
          ? stages
          : how === 'a shuffle before'
            ? [parse, shuffle, ...rest]
            : [...stages, shuffle]
      put({ 'in.jsonl': lines.join('\n'), 'map.mjs': MAP })
      put({ 'p.yaml': over([...all, 'write: out.jsonl']) })
      const report = await runAside('bad.jsonl')
      const where = lines.flatMap((line, index) => (line === bad ? [index + 1] : []))
      const letters = lettersOf('bad.jsonl').toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0))
      expect(letters.map(({ line, stage, code }) => `${line} ${stage} ${code}`)).toEqual(
        where.map((line) => `${line} ${finds}`),
      )
      for (const { line = 0, name, input, offset, raw, encoding, tries, message } of letters) {
        expect({ name, input, encoding, tries }).toEqual({
          name: 'only',
          input: 'in.jsonl',
          encoding: 'utf-8',
          tries: 1,
        })
        expect(offset).toBe(
          Buffer.byteLength(
            lines
              .slice(0, line - 1)
              .map((each) => `${each}\n`)
              .join(''),
          ),
        )
        expect(raw).toBe(finds.endsWith('LINE_TOO_LONG') ? null : bad)
        expect(message).not.toBe('')
      }
      expect(countLeftOut(report)).toBe(letters.length)
    },
  )
})

const MAP = `export default (record) => {
  if (record.bad) throw new Error('no')
  return { ...record, mapped: 1 }
}
`

test('nothing is lost: what is written, set aside and dropped is what was read', async () => {
  const lines = Array.from({ length: 500 }, (_, n) => {
    if (n % 7 === 0) return 'no JSON'
    if (n % 11 === 0) return row(n, { response: null })
    return row(n, { helpfulness: n % 13 === 0 ? 9 : n % 5 })
  })
  put({ 'in.jsonl': `${lines.join('\n')}\n` })
  const stages = [
    ...TEMPLATED,
    "filter: 'helpfulness != 3.0'",
    'label-format: { range: error }',
    'write: out.jsonl',
  ]
  put({ 'p.yaml': over(stages) })
  const report = await runAside('bad.jsonl')
  const letters = lettersOf('bad.jsonl')
  expect(countLeftOut(report)).toBe(letters.length)
  expect(linesOf('out.jsonl').length + letters.length + dropped(report)).toBe(lines.length)
  expect(letters.map(({ line = 0 }) => line)).toEqual(
    letters.map(({ line = 0 }) => line).sort((a, b) => a - b),
  )
  for (const { line = 0, raw } of letters) expect(raw).toBe(lines[line - 1])
})

test('bytes that are no UTF-8 are in base64', async () => {
  const bytes = Buffer.from('{"a":"\xff\x00"}', 'latin1')
  put({
    'in.jsonl': Buffer.concat([Buffer.from('\ufeff\r\n'), bytes]),
    'p.yaml': over(['parse', 'write: out.jsonl']),
  })
  await runAside('bad.jsonl')
  const [letter] = lettersOf('bad.jsonl')
  expect(letter).toMatchObject({ line: 2, offset: 5, code: 'NOT_UTF8', encoding: 'base64' })
  expect(Buffer.from(letter.raw ?? '', 'base64')).toEqual(bytes)
})

test('lines of plain text are set aside as text, whichever stage refuses them', async () => {
  const text = Buffer.concat([Buffer.from('good\n"bad" \\ é\n'), Buffer.of(0xff), Buffer.from('\nbad too')])
  put({
    'in.txt': text,
    'map.mjs': "export default (r) => { if (r.said.includes('bad')) throw Error('x'); return r }",
  })
  put({
    'p.yaml': over(
      ['parse: { format: lines, field: said }', 'map: ./map.mjs', 'write: out.jsonl'],
      'only: in.txt',
    ),
  })
  await runAside('bad.jsonl')
  expect(found()).toEqual(['2 map MAP_FAILED', '3 parse NOT_UTF8', '4 map MAP_FAILED'])
  expect(lettersOf('bad.jsonl').map(({ raw }) => raw)).toEqual(['"bad" \\ é', '/w==', 'bad too'])
})

test('records of a document have their number and their bytes before them', async () => {
  const text = `{"rows": [${GOOD}, [1], {"prompt": "p"}]}`
  put({
    'in.json': text,
    'p.yaml': over(
      ['parse: { format: json, path: rows }', 'template: helpsteer2', 'write: o'],
      'only: in.json',
    ),
  })
  await runAside('bad.jsonl')
  expect(found()).toEqual(['2 parse NOT_AN_OBJECT', '3 template MISSING_FIELD'])
  const [, letter] = lettersOf('bad.jsonl')
  expect(letter).toMatchObject({ offset: text.indexOf('{"prompt": "p"}'), raw: '{"prompt": "p"}' })
})

test('a shuffle that has spilled keeps the line as it was read', async () => {
  const lines = Array.from({ length: 6000 }, (_, n) =>
    row(n, {
      helpfulness: n % 100 === 0 ? 9 : 1,
      'odd key': ' \\u00e9',
      response: `r${n} ${'x'.repeat(400)}`,
    }).replace('{', '{ '),
  )
  put({ 'in.jsonl': lines.join('\n') })
  for (const algorithm of ['buckets', 'python']) {
    const shuffle = `shuffle: { algorithm: ${algorithm}, memory: 1MB }`
    put({ 'p.yaml': over([...TEMPLATED, shuffle, 'label-format: { range: error }', 'write: out.jsonl']) })
    await runAside('bad.jsonl')
    const letters = lettersOf('bad.jsonl')
    expect(letters.length).toBe(60)
    for (const { line = 0, raw } of letters) expect(raw).toBe(lines[line - 1])
  }
})

test('both halves of a pair, the other one as a partner', async () => {
  const lines = [row(1), row(2), row(3), 'bad', row(5, { response: 1 }), row(6), row(7)]
  put({
    'in.jsonl': lines.join('\n'),
    'p.yaml': over(['parse: { group: 2 }', 'template: helpsteer2', 'write: o']),
  })
  const report = await runAside('bad.jsonl')
  expect(found()).toEqual([
    '3 parse partner',
    '4 parse JSON_SYNTAX',
    '5 template WRONG_TYPE',
    '6 template partner',
    '7 parse GROUP_INCOMPLETE',
  ])
  expect(lettersOf('bad.jsonl').map(({ raw }) => raw)).toEqual(lines.slice(2))
  expect(countLeftOut(report)).toBe(5)
  expect(linesOf('o').length).toBe(2)
})

test('halves that are bound only later', async () => {
  put({ 'in.jsonl': ['bad', row(2), row(3), 'bad', row(5), row(6)].join('\n') })
  put({ 'p.yaml': over(['parse', 'template: { dataset: helpsteer2, group: 2 }', 'write: o']) })
  await runAside('bad.jsonl')
  expect(found()).toEqual(['1 parse JSON_SYNTAX', '2  partner', '3  partner', '4 parse JSON_SYNTAX'])
  expect(linesOf('o').length).toBe(2)
})

const message = (id: string, parent: string | null, more: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({
    message_id: id,
    message_tree_id: id.slice(0, 1),
    parent_id: parent,
    role: id.length % 2 === 1 ? 'prompter' : 'assistant',
    text: `text of ${id}`,
    ...more,
  })

test('all messages of a tree that has a bad one', async () => {
  const lines = [
    ...[message('a', null), message('aa', 'a')],
    ...[message('b', null), message('bb', 'b'), '{', message('bc', 'b')],
    ...[message('c', null), message('cc', 'c', { text: 1 }), message('cd', 'c')],
    ...[message('d', null), message('dd', 'd')],
  ]
  put({ 'in.jsonl': lines.join('\n'), 'p.yaml': over(['parse', 'template: oasst', 'write: o']) })
  const report = await runAside('bad.jsonl')
  expect(found().map((each) => each.split(' ')[0])).toEqual(['3', '4', '5', '6', '7', '8', '9'])
  expect(lettersOf('bad.jsonl').map(({ raw }) => raw)).toEqual(lines.slice(2, 9))
  expect(countLeftOut(report)).toBe(7)
  expect(linesOf('o').length).toBe(2)
})

test('of sources with their own stages, one after the other and interleaved', async () => {
  put({
    'a.jsonl': `${row(1)}\nbad\n${row(3, { response: 1 })}\n`,
    'b.txt': `${'x'.repeat(9)}\n`,
    'c.jsonl': 'bad\n{"n":0}\n',
  })
  put({ 'map.mjs': "export default (r) => { if (r.text.startsWith('x')) throw Error('x'); return r }" })
  for (const order of ['concat', 'interleave']) {
    put({
      'p.yaml': `name: p
inputs:
  all:
    order: ${order}
    from:
      - { from: a.jsonl, stages: [template: helpsteer2] }
      - { from: b.txt, stages: [parse: { format: lines }, map: ./map.mjs, template: helpsteer2] }
      - { from: c.jsonl, stages: [filter: source.n > 0, template: helpsteer2] }
stages: [write: out.jsonl]
`,
    })
    const report = await runAside('bad.jsonl')
    const letters = lettersOf('bad.jsonl')
    const all = letters.map(({ input, line, stage, raw }) => `${input}:${line} ${stage} ${raw?.slice(0, 3)}`)
    const expected = [
      'a.jsonl:2 parse bad',
      'a.jsonl:3 template {"p',
      'b.txt:1 map xxx',
      'c.jsonl:1 parse bad',
    ]
    expect(order === 'concat' ? all : all.toSorted()).toEqual(expected)
    expect(countLeftOut(report)).toBe(4)
    for (const { at } of letters) expect(Object.keys(at)).toEqual(order === 'concat' ? ['out.jsonl'] : [])
  }
})

test('texts that a reward server refuses, with how often it was asked', async () => {
  const server = await startRewardServer({
    fault: ({ texts }) =>
      texts.some((text) => text.includes('never'))
        ? { status: 500 }
        : texts.some((text) => text.includes('refused'))
          ? { status: 400 }
          : undefined,
  })
  onTestFinished(() => server.close())
  const said = (answer: string) => conversation('quality:4').replace('"a"', JSON.stringify(answer))
  const lines = [said('good'), said('never'), 'bad', said('good too'), said('refused'), said('fine')]
  put({
    'in.jsonl': lines.join('\n'),
    'p.yaml': over(['parse', `annotate: { server: "${server.url}" }`, 'write: o']),
  })
  const report = await runAside('bad.jsonl')
  expect(found()).toEqual(['2 annotate SERVER_REFUSED', '3 parse JSON_SYNTAX', '5 annotate SERVER_REFUSED'])
  const [never, bad] = lettersOf('bad.jsonl')
  expect(never.tries).toBeGreaterThan(1)
  expect(bad.tries).toBe(1)
  expect(never.raw).toBe(lines[1])
  expect(countLeftOut(report)).toBe(3)
  expect(linesOf('o').length).toBe(3)
})

test('the file is there, if only empty', async () => {
  put({ 'in.jsonl': GOOD_TOO, 'p.yaml': over(['parse', 'write: out.jsonl']) })
  await runAside('bad.jsonl.gz')
  expect(linesOf('bad.jsonl.gz')).toEqual([])
  expect(filesBelow('.')).toContain('bad.jsonl.gz')
})

test('a stage that makes many records of a few does not change the order', async () => {
  const rows = [row(1, { helpfulness: 0 }), row(2, { helpfulness: 9 }), 'bad', row(4)]
  put({ 'in.jsonl': rows.join('\n') })
  const stages = [
    'repeat: 5000',
    "filter: 'helpfulness != 0.0'",
    'label-format: { range: error }',
    'write: out.jsonl',
  ]
  put({ 'p.yaml': over([...TEMPLATED, ...stages]) })
  await runAside('bad.jsonl')
  const lines = lettersOf('bad.jsonl').map(({ line }) => line)
  expect(lines).toEqual([...Array.from({ length: 5000 }, () => 2), 3])
})

test('a tree that comes in several pieces is set aside in one, in its order', async () => {
  const long = 'x'.repeat(200_000)
  const lines = [
    message('a', null, { long }),
    message('aa', 'a', { long }),
    '{',
    message('ab', 'a', { long }),
  ]
  put({ 'in.jsonl': [...lines, message('b', null), message('bb', 'b')].join('\n') })
  put({ 'p.yaml': over(['parse', 'template: oasst', 'write: o']) })
  await runAside('bad.jsonl')
  expect(lettersOf('bad.jsonl').map(({ line }) => line)).toEqual([1, 2, 3, 4])
  expect(linesOf('o').length).toBe(1)
})

test('a file that is named twice: each pass has its own, where it belongs', async () => {
  // The bad last line has no record behind it, but for those of the next pass.
  put({ 'in.jsonl': [row(1), 'bad', row(2), '[', ''].join('\n') })
  put({ 'p.yaml': over(['parse', 'write: o'], 'only: [in.jsonl, in.jsonl]') })
  await runAside('bad.jsonl')
  expect(lettersOf('bad.jsonl').map(({ line }) => line)).toEqual([2, 4, 2, 4])
  const [first, second] = [row(1), row(2)].map((line) => line.length + 1)
  const both = first + second
  expect(lettersOf('bad.jsonl').map(({ at }) => at?.o?.bytes)).toEqual([first, both, both + first, 2 * both])
})

test('behind a `write`, where the stages after it leave out all records that came with it', async () => {
  const bad = '{"prompt":1}'
  // What comes next is so long that it comes later.
  put({ 'in.jsonl': [bad, '[', row(2, { response: 'r'.repeat(2_000_000) }), ''].join('\n') })
  put({ 'p.yaml': over(['parse', 'write: o', 'template: helpsteer2', 'write: p']) })
  await runAside('bad.jsonl')
  expect(found()).toEqual(['1 template WRONG_TYPE', '2 parse JSON_SYNTAX'])
  expect(lettersOf('bad.jsonl').map(({ at }) => [at?.o?.bytes, at?.p?.bytes])).toEqual([
    [undefined, 0],
    [bad.length + 1, 0],
  ])
})
