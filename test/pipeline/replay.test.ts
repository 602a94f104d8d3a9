/**
 * Records that were set aside, run again: over the same stages they fail again, mended they give what the run would
 * have given for them.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { countLeftOut } from '../../src/observe/report.js'
import type { DeadLetter } from '../../src/pipeline/dead-letter.js'
import { replayedName } from '../../src/pipeline/replay.js'
import { lettersOf, linesOf, mend, mergedBack, replayed, runAside } from '../support/dead-letters.js'
import { filesBelow, put, row, textOf, useWorkFolder } from './support.js'

useWorkFolder()

const over = (stages: readonly string[], inputs = 'only: in.jsonl'): string =>
  `name: p\ninputs: { ${inputs} }\nstages:\n${stages.map((stage) => `  - ${stage}\n`).join('')}`

const without = ({ tries: _, at: __, ...rest }: DeadLetter) => rest

/** Of a letter all but `raw`, which is replaced. */
const withRaw =
  (raw: string) =>
  (letter: DeadLetter): DeadLetter => ({ ...letter, raw, encoding: 'utf-8' })

const LABELLED = ['parse', 'template: helpsteer2', 'label-format: { range: error }']

const BAD = ['bad', '\xff', '[1]', '{}', row(5, { response: 1 }), row(6, { helpfulness: 9 }), '{"a": 1}\r']

describe('over the same definition', () => {
  test.each([
    ['lines', LABELLED, 'latin1'],
    ['pairs', ['parse: { group: 2 }', ...LABELLED.slice(1)], 'latin1'],
    ['pairs that are bound later', ['parse', 'template: { dataset: helpsteer2, group: 2 }'], 'latin1'],
    ['plain text', ['parse: { format: lines }', 'map: ./map.mjs', 'template: helpsteer2'], 'latin1'],
    ['a document', ['parse: { format: json }', ...LABELLED.slice(1)], 'json'],
    ['after a shuffle', [...LABELLED.slice(0, 2), 'shuffle', 'label-format: { range: error }'], 'latin1'],
  ])('all fail again, with the same errors and one try more: %s', async (_name, stages, how) => {
    const lines = BAD.flatMap((bad, index) => [row(index), bad])
    const text =
      how === 'json'
        ? `[${row(1)}, [1], {"prompt": "é"}, ${row(2, { helpfulness: 9 })}, 3]`
        : Buffer.from(lines.join('\n'), 'latin1')
    put({ 'in.jsonl': text, 'map.mjs': "export default () => { throw Error('x') }" })
    put({ 'p.yaml': over([...stages, 'write: out.jsonl']) })
    const first = await runAside('bad.jsonl')
    const report = await replayed('bad.jsonl', 'again.jsonl')
    const again = lettersOf('again.jsonl')
    expect(again.length).toBeGreaterThan(2)
    expect(again.map(without)).toEqual(lettersOf('bad.jsonl').map(without))
    expect(new Set(again.map(({ tries }) => tries))).toEqual(new Set([2]))
    expect(countLeftOut(report)).toBe(countLeftOut(first))
    expect(linesOf('out.replayed.jsonl')).toEqual([])
    await replayed('again.jsonl', 'third.jsonl')
    expect(new Set(lettersOf('third.jsonl').map(({ tries }) => tries))).toEqual(new Set([3]))
  })
})

describe('mended', () => {
  test('a pair goes whole, also where only one half was mended', async () => {
    put({ 'in.jsonl': [row(1), 'bad', row(3), row(4), row(5, { response: 1 }), row(6), row(7)].join('\n') })
    put({ 'p.yaml': over(['parse: { group: 2 }', 'template: helpsteer2', 'write: out.jsonl']) })
    await runAside('bad.jsonl')
    mend('bad.jsonl', 'mended.jsonl', (letter) => (letter.line === 2 ? withRaw(row(2))(letter) : letter))
    await replayed('mended.jsonl', 'rest.jsonl')
    expect(linesOf('out.replayed.jsonl').map((line) => /p\d/.exec(line)?.[0])).toEqual(['p1', 'p2'])
    expect(lettersOf('rest.jsonl').map(({ line, code }) => `${line} ${code}`)).toEqual([
      '5 WRONG_TYPE',
      '6 partner',
      '7 GROUP_INCOMPLETE',
    ])
  })

  test('a record without its partner does not pair with one of another file', async () => {
    put({ 'a.jsonl': `${row(1)}\n`, 'b.jsonl': `${row(2, { response: 1 })}\n${row(3)}\n` })
    const input = 'all: [a.jsonl, b.jsonl]'
    put({ 'p.yaml': over(['parse: { group: 2 }', 'template: helpsteer2', 'write: out.jsonl'], input) })
    await runAside('bad.jsonl')
    mend('bad.jsonl', 'mended.jsonl', (letter) =>
      letter.code === 'WRONG_TYPE' ? withRaw(row(2))(letter) : letter,
    )
    await replayed('mended.jsonl', 'rest.jsonl')
    expect(linesOf('out.replayed.jsonl').map((line) => /p\d/.exec(line)?.[0])).toEqual(['p2', 'p3'])
    expect(lettersOf('rest.jsonl').map(({ code }) => code)).toEqual(['GROUP_INCOMPLETE'])
  })

  test('the messages of a tree go whole', async () => {
    const message = (id: string, parent: string | null, role: string) =>
      JSON.stringify({ message_id: id, message_tree_id: 'a', parent_id: parent, role, text: `text ${id}` })
    const lines = [message('a', null, 'prompter'), message('b', 'a', 'robot'), message('c', 'a', 'assistant')]
    put({ 'in.jsonl': lines.join('\n'), 'p.yaml': over(['parse', 'template: oasst', 'write: out.jsonl']) })
    await runAside('bad.jsonl')
    mend('bad.jsonl', 'mended.jsonl', ({ raw, ...letter }) => ({
      ...letter,
      raw: raw?.replace('robot', 'assistant') ?? null,
    }))
    await replayed('mended.jsonl', 'rest.jsonl')
    expect(linesOf('out.replayed.jsonl').length).toBe(2)
  })

  test('each goes through the stages of its own source, also when the sources are gone', async () => {
    put({ 'a.jsonl': `${row(1, { response: 1 })}\n`, 'b.txt': 'bad\n' })
    put({
      'map.mjs': 'export default ({ text }) => { if (text === "bad") throw Error("x"); return { text } }',
    })
    put({
      'p.yaml': `name: p
inputs:
  one: { from: [{ from: a.jsonl, stages: [template: helpsteer2] }, { from: b.txt, stages: [parse: { format: lines }, map: ./map.mjs] }] }
  two: a.jsonl
stages: [write: "out/\${input}.jsonl"]
`,
    })
    await runAside('bad.jsonl')
    for (const file of ['a.jsonl', 'b.txt']) rmSync(file)
    mend('bad.jsonl', 'mended.jsonl', (letter) =>
      withRaw(letter.input === 'b.txt' ? 'said "so"' : row(1))(letter),
    )
    await replayed('mended.jsonl', 'rest.jsonl')
    const [first, second] = linesOf('out/one.replayed.jsonl')
    expect(first).toContain('"conversations"')
    expect(second).toBe('{"text": "said \\"so\\""}')
    expect(filesBelow('out')).toEqual(['out/one.jsonl', 'out/one.replayed.jsonl', 'out/two.jsonl'])
  })

  test('a record that `repeat` has made into several is read once', async () => {
    put({ 'in.jsonl': `${row(1)}\n${row(2, { helpfulness: 9 })}\n` })
    put({
      'p.yaml': over([
        ...LABELLED.slice(0, 2),
        'repeat: 3',
        'label-format: { range: error }',
        'write: out.jsonl',
      ]),
    })
    await runAside('bad.jsonl')
    expect(lettersOf('bad.jsonl').length).toBe(3)
    mend('bad.jsonl', 'mended.jsonl', withRaw(row(2)))
    await mergedBack('mended.jsonl', 'rest.jsonl')
    expect(linesOf('out.jsonl').map((line) => /p\d/.exec(line)?.[0])).toEqual([
      'p1',
      'p1',
      'p1',
      'p2',
      'p2',
      'p2',
    ])
  })

  test('a file that is listed twice is replayed twice, and is not merged', async () => {
    put({ 'in.jsonl': `${row(1)}\nbad\n` })
    put({ 'p.yaml': over(['parse', 'write: out.jsonl'], 'all: [in.jsonl, in.jsonl]') })
    await runAside('bad.jsonl')
    mend('bad.jsonl', 'mended.jsonl', withRaw(row(2)))
    await replayed('mended.jsonl', 'rest.jsonl')
    expect(linesOf('out.replayed.jsonl')).toEqual([row(2), row(2)])
    await expect(mergedBack('mended.jsonl', 'rest.jsonl')).rejects.toMatchObject({ code: 'MERGE_REFUSED' })
  })

  test('one file that two inputs read is merged into the outputs of both', async () => {
    put({ 'in.jsonl': `${row(1)}\nbad\n${row(3)}\n` })
    put({ 'p.yaml': over(['parse', 'write: "out/${input}.jsonl"'], 'a: in.jsonl, b: in.jsonl') })
    await runAside('bad.jsonl')
    mend('bad.jsonl', 'mended.jsonl', withRaw(row(2)))
    await mergedBack('mended.jsonl', 'rest.jsonl')
    for (const name of ['a', 'b']) expect(linesOf(`out/${name}.jsonl`)).toEqual([row(1), row(2), row(3)])
  })

  test.each([
    ['with a line end', '{"a":\n1}', 'utf-8', '`raw` has a line end in it'],
    ['empty', '', 'utf-8', '`raw` is empty'],
    ['blank', ' \r', 'utf-8', '`raw` is empty'],
    ['text that is said to be base64', '{"a":1}', 'base64', '`raw` is not in base64, as `encoding` says'],
    ['not kept', null, 'utf-8', '`bad` where a value belongs'],
  ] as const)('badly, it is set aside once more as it is now: %s', async (_name, raw, encoding, said) => {
    put({ 'in.jsonl': `${row(1)}\nbad\n`, 'p.yaml': over(['parse: { group: 2 }', 'write: out.jsonl']) })
    await runAside('bad.jsonl')
    mend('bad.jsonl', 'mended.jsonl', (letter) => (letter.line === 2 ? { ...letter, raw, encoding } : letter))
    await replayed('mended.jsonl', 'rest.jsonl')
    const [partner, rest] = lettersOf('rest.jsonl')
    expect(partner).toMatchObject({ line: 1, code: 'partner', raw: row(1) })
    expect(rest).toMatchObject({ line: 2, tries: 2, raw: encoding === 'base64' ? null : raw })
    expect(rest.message).toContain(said)
  })

  test('the definition instead of the data', async () => {
    put({ 'in.jsonl': `${row(1)}\n${row(2, { helpfulness: 9 })}\n${row(3)}\n` })
    const stages = ['parse', 'template: helpsteer2', 'label-format', 'write: sft.jsonl']
    put({ 'p.yaml': over([...stages, 'regression-expand: { range: error }', 'write: reg.jsonl']) })
    await runAside('bad.jsonl')
    expect(Object.keys(lettersOf('bad.jsonl')[0].at)).toEqual(['reg.jsonl'])
    const sft = textOf('sft.jsonl')
    put({ 'p.yaml': over([...stages, 'regression-expand', 'write: reg.jsonl']) })
    await mergedBack('bad.jsonl', 'rest.jsonl')
    expect(textOf('sft.jsonl')).toBe(sft)
    expect(linesOf('reg.jsonl').map((line) => /p\d/.exec(line)?.[0])).toEqual(['p1', 'p2', 'p3'])
  })
})

describe('--merge-into', () => {
  const BEFORE = ['parse', 'template: helpsteer2', 'label-format: { range: error }']

  test.each([
    ['limit: 2'],
    ['skip: 1'],
    ['sample: { fraction: 0.5 }'],
    ['dedupe'],
    ['shuffle'],
    ['split: { parts: { train: 0.5, val: 0.5 } }'],
  ])('is refused behind %s', async (stage) => {
    put({ 'in.jsonl': `${row(1)}\nbad\n${row(3)}\n`, 'p.yaml': over([...BEFORE, stage, 'write: out.jsonl']) })
    await runAside('bad.jsonl')
    await refused({ found: expect.stringContaining(`\`${/\w+/.exec(stage)?.[0]}\` is among the stages`) })
  })

  test('is refused where sources are mixed', async () => {
    put({ 'a.jsonl': `${row(1)}\nbad\n${row(3)}\n`, 'b.jsonl': row(4) })
    put({
      'p.yaml': over([...BEFORE, 'write: out.jsonl'], 'all: { from: [a.jsonl, b.jsonl], order: interleave }'),
    })
    await runAside('bad.jsonl')
    await refused({ found: expect.stringContaining('a run that mixes its sources') })
  })

  test('is refused for an output that has changed, was merged before, or is gone; of several inputs none is merged', async () => {
    const stages = [...BEFORE, 'write: "out/${input}.jsonl"']
    put({
      'a.jsonl': `${row(1)}\nbad\n${row(3)}\n`,
      'b.jsonl': `${row(4)}\nbad\n`,
      'p.yaml': over(stages, 'a: a.jsonl, b: b.jsonl'),
    })
    await runAside('bad.jsonl')
    mend('bad.jsonl', 'mended.jsonl', withRaw(row(2)))
    const whole = textOf('out/b.jsonl') ?? ''
    writeFileSync('out/b.jsonl', whole.replace('p4', 'p5'))
    await refused({
      found: expect.stringMatching(/^its first \d+ bytes are not those/),
      place: { input: 'out/b.jsonl' },
    })
    writeFileSync('out/b.jsonl', whole.slice(0, -5))
    await refused({ found: expect.stringMatching(/^it ends at byte \d+, and a record belongs at byte \d+/) })
    rmSync('out/b.jsonl')
    await refused({ found: 'this output is not there' })
    writeFileSync('out/b.jsonl', whole)
    await mergedBack('mended.jsonl', 'rest.jsonl')
    await refused({ found: expect.stringContaining('stands there already') })
  })

  test('is refused for records that belong into other outputs', async () => {
    put({ 'in.jsonl': `${row(1)}\nbad\n`, 'p.yaml': over([...BEFORE, 'write: out.jsonl']) })
    await runAside('bad.jsonl')
    await replayed('bad.jsonl', 'mended.jsonl')
    await refused({ found: expect.stringContaining('belong into out.replayed.jsonl') })
  })

  test('is refused where another output has a line of the record as it was', async () => {
    const stages = ['parse', 'template: helpsteer2', 'label-format', 'write: sft.jsonl']
    put({ 'in.jsonl': `${row(1)}\n${row(2, { helpfulness: 9 })}\n${row(3)}\n` })
    put({ 'p.yaml': over([...stages, 'regression-expand: { range: error }', 'write: reg.jsonl']) })
    await runAside('bad.jsonl')
    mend('bad.jsonl', 'mended.jsonl', withRaw(row(2)))
    await refused({
      found: expect.stringContaining('a record has changed'),
      fix: expect.stringContaining('`--merge-into PATH`'),
      place: { input: 'sft.jsonl' },
    })
    const sft = textOf('sft.jsonl')
    await mergedBack('mended.jsonl', 'rest.jsonl', 'reg.jsonl')
    expect(linesOf('reg.jsonl').length).toBe(3)
    expect(textOf('sft.jsonl')).toBe(sft)
  })

  test('is refused where only some of what was made of a record was left out', async () => {
    put({ 'map.mjs': 'let n = 0; export default (r) => { if (++n === 2) throw Error("x"); return r }' })
    put({ 'in.jsonl': `${row(1)}\n${row(2)}\n` })
    put({ 'p.yaml': over(['parse', 'repeat: 3', 'map: ./map.mjs', 'write: out.jsonl']) })
    await runAside('bad.jsonl')
    expect(linesOf('out.jsonl').length).toBe(5)
    await refused({
      found: expect.stringContaining('only some of what was made of it was left out'),
      fix: expect.stringMatching(/^Mend the input, and run again over all of it/),
    })
  })

  test('does not put a record in twice that has come to grief earlier than before', async () => {
    const stages = ['parse', 'template: helpsteer2', 'label-format', 'write: sft.jsonl']
    put({ 'in.jsonl': `${row(1)}\n${row(2, { helpfulness: 9 })}\n${row(3)}\n` })
    put({ 'p.yaml': over([...stages, 'regression-expand: { range: error }', 'write: reg.jsonl']) })
    await runAside('bad.jsonl')
    const sft = textOf('sft.jsonl')
    mend('bad.jsonl', 'mended.jsonl', withRaw('bad'))
    await mergedBack('mended.jsonl', 'rest.jsonl')
    expect(lettersOf('rest.jsonl').map(({ stage, at }) => [stage, Object.keys(at)])).toEqual([
      ['parse', ['reg.jsonl']],
    ])
    mend('rest.jsonl', 'mended.jsonl', withRaw(row(2, { helpfulness: 9 })))
    put({ 'p.yaml': over([...stages, 'regression-expand', 'write: reg.jsonl']) })
    await mergedBack('mended.jsonl', 'rest.jsonl')
    expect(textOf('sft.jsonl')).toBe(sft)
    expect(linesOf('reg.jsonl').length).toBe(3)
  })

  test('puts what was left out of many batches into its place', async () => {
    const stages = ['parse', 'template: helpsteer2', 'repeat: 5000', "filter: 'helpfulness != 0.0'"]
    const bad = [row(1, { helpfulness: 0 }), row(2, { helpfulness: 9 }), 'bad', row(4)]
    put({ 'p.yaml': over([...stages, 'label-format: { range: error }', 'write: out.jsonl']) })
    put({ 'in.jsonl': [bad[0], row(2), row(2), bad[3]].join('\n') })
    await runAside('none.jsonl')
    const expected = textOf('out.jsonl')
    put({ 'in.jsonl': bad.join('\n') })
    await runAside('bad.jsonl')
    mend('bad.jsonl', 'mended.jsonl', withRaw(row(2)))
    await mergedBack('mended.jsonl', 'rest.jsonl')
    expect(textOf('out.jsonl') === expected).toBe(true)
  })

  test('with a path: one of the outputs, or where the only one is now', async () => {
    put({ 'in.jsonl': `${row(1)}\nbad\n${row(3)}\n` })
    put({ 'p.yaml': over([...BEFORE, 'write: a.jsonl', 'write: b.jsonl']) })
    await runAside('bad.jsonl')
    mend('bad.jsonl', 'mended.jsonl', withRaw(row(2)))
    await mergedBack('mended.jsonl', 'rest.jsonl', 'b.jsonl')
    expect([linesOf('a.jsonl').length, linesOf('b.jsonl').length]).toEqual([2, 3])
    await mergedBack('mended.jsonl', 'rest.jsonl', 'a.jsonl')
    expect(textOf('a.jsonl')).toBe(textOf('b.jsonl'))
    await expect(mergedBack('mended.jsonl', 'rest.jsonl', 'c.jsonl')).rejects.toMatchObject({ code: 'USAGE' })
    put({ 'p.yaml': over([...BEFORE, 'write: c.jsonl']) })
    await runAside('bad.jsonl')
    put({ 'moved.jsonl': textOf('c.jsonl') ?? '' })
    mend('bad.jsonl', 'mended.jsonl', withRaw(row(2)))
    await mergedBack('mended.jsonl', 'rest.jsonl', 'moved.jsonl')
    expect(textOf('moved.jsonl')).toBe(textOf('a.jsonl'))
    expect(linesOf('c.jsonl').length).toBe(2)
  })

  /** Merging is refused, and leaves everything as it was. */
  async function refused(error: Readonly<Record<string, unknown>>): Promise<void> {
    if (textOf('mended.jsonl') === undefined) mend('bad.jsonl', 'mended.jsonl', withRaw(row(2)))
    const before = filesBelow('.').map((path) => [path, textOf(path)])
    await expect(mergedBack('mended.jsonl', 'rest.jsonl')).rejects.toMatchObject({
      code: 'MERGE_REFUSED',
      exitCode: 2,
      ...error,
    })
    rmSync('rest.jsonl', { force: true })
    expect(filesBelow('.').map((path) => [path, textOf(path)])).toEqual(
      before.filter(([path]) => path !== 'rest.jsonl'),
    )
  }
})

test.each([
  ['out.jsonl', 'out.replayed.jsonl'],
  ['out/${input}.v2/a.jsonl.gz', 'out/${input}.v2/a.replayed.jsonl.gz'],
  ['out', 'out.replayed'],
  ['.hidden', '.hidden.replayed'],
  ['../out.jsonl', '../out.replayed.jsonl'],
  ['a/${part}.jsonl', 'a/${part}.replayed.jsonl'],
  ['a/${part}', 'a/${part}.replayed'],
])('%s is %s', (path, expected) => {
  expect(replayedName(path)).toBe(expected)
})
