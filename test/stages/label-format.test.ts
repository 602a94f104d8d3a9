/**
 * label-format: scores to labels; its options. (That nothing else changes is in label-format-bytes.)
 */
import { describe, expect, test } from 'vitest'
import { type LabelFormatOptions, labelFormat, regressionExpand, template } from '../../src/index.js'
import { asked, counts, linesThrough, objectsThrough, refusal, scored, thrown } from './support.js'

type Labelled = { conversations: [unknown, { label: string }] }

/** The label that the scores (JSON) of a turn become, and what was noted. */
async function label(scores: string, options?: LabelFormatOptions) {
  const stage = labelFormat(options)
  const [line] = await linesThrough([scored(scores)], stage)
  return { label: (JSON.parse(line) as Labelled).conversations[1].label, notes: counts(stage.counters).notes }
}

describe('by default', () => {
  test('the nine, in their order, those that are there', async () => {
    const scores = '{"verbosity":1,"helpfulness":3,"quality":2,"creativity":0}'
    expect((await label(scores)).label).toBe('quality:2,creativity:0,helpfulness:3,verbosity:1')
  })

  test.each<[string, string]>([
    ['{}', ''],
    ['{"quality":1}', 'quality:1'],
    ['{"quality":1,"quality":2}', 'quality:2'],
    ['{"\\u0071uality":1}', 'quality:1'],
  ])('%s gives %j', async (scores, expected) => {
    expect(await label(scores)).toEqual({ label: expected, notes: {} })
  })

  test.each<[string, string]>([
    ['3', '3'],
    ['3.0', '3.0'],
    ['3.50', '3.5'],
    ['3e0', '3.0'],
    ['1e2', '100.0'],
    ['-0', '0'],
    ['-0.0', '-0.0'],
    ['-0e0', '-0.0'],
    ['0.00001', '1e-05'],
    ['1e22', '1e+22'],
    ['123456789012345678901234567890', '123456789012345678901234567890'],
    ['"3"', '3'],
    ['"3.50"', '3.50'],
    ['" 3"', ' 3'],
    ['"+.5E1"', '+.5E1'],
  ])('the score %s is spelled %s: neither rounded nor clamped', async (json, spelled) => {
    expect((await label(`{"quality":${json}}`)).label).toBe(`quality:${spelled}`)
  })

  test('a score outside its range is kept, and counted', async () => {
    expect(await label('{"quality":5,"humor":-1,"helpfulness":"4.5","verbosity":4}')).toEqual({
      label: 'quality:5,humor:-1,helpfulness:4.5,verbosity:4',
      notes: { 'score outside its range kept': 3 },
    })
  })

  test('a name that is no attribute is dropped, and counted, whatever its score', async () => {
    expect(await label('{"kindness":3,"quality":1,"Quality":null}')).toEqual({
      label: 'quality:1',
      notes: { 'unknown attribute dropped': 2 },
    })
  })
})

describe('attributes', () => {
  const attributes = ['warmth', { name: 'depth', min: -1, max: 1 }, { name: 'pace', max: 10 }]
  test('of one’s own give a label of one’s own', async () => {
    expect(await label('{"pace":7,"depth":-1,"warmth":4}', { attributes })).toEqual({
      label: 'warmth:4,depth:-1,pace:7',
      notes: {},
    })
  })

  test('have ranges of their own', async () => {
    const scores = '{"pace":11,"depth":2,"warmth":5,"quality":1}'
    expect(await label(scores, { attributes, range: 'clamp' })).toEqual({
      label: 'warmth:4,depth:1,pace:10',
      notes: { 'score clamped to its range': 3, 'unknown attribute dropped': 1 },
    })
  })
})

describe('range', () => {
  const outside = '{"quality":7,"humor":-2,"helpfulness":4.5,"verbosity":"5"}'
  test('clamp: integers stay integers, floats floats', async () => {
    expect(await label(outside, { range: 'clamp' })).toEqual({
      label: 'quality:4,humor:0,helpfulness:4.0,verbosity:4',
      notes: { 'score clamped to its range': 4 },
    })
    expect((await label('{"quality":3.50}', { range: 'clamp' })).label).toBe('quality:3.5')
  })

  test('error', async () => {
    const error = await refusal(scored('{"quality":4,"humor":4.5}'), labelFormat({ range: 'error' }))
    expect(error).toMatchObject({
      code: 'OUT_OF_RANGE',
      stage: 'label-format',
      found: 'the score 4.5 of `humor`',
      expected: '0 to 4',
      place: { input: 'stream', line: 1, offset: 0 },
    })
    expect((await label('{"quality":0,"humor":4}', { range: 'error' })).label).toBe('quality:0,humor:4')
  })
})

describe('round: half-even', () => {
  test.each<[string, string]>([
    ['0.5', '0'],
    ['1.5', '2'],
    ['2.5', '2'],
    ['3.5', '4'],
    ['2.4999999', '2'],
    ['2.51', '3'],
    ['-0.5', '0'],
    ['-1.5', '-2'],
    ['3', '3'],
    ['3.0', '3'],
    ['"2.5"', '2'],
    ['-0.0', '0'],
    ['1e20', '100000000000000000000'],
  ])('%s is %s', async (json, rounded) => {
    expect((await label(`{"quality":${json}}`, { round: 'half-even' })).label).toBe(`quality:${rounded}`)
  })

  test('comes before the range', async () => {
    const options: LabelFormatOptions = { round: 'half-even', range: 'error' }
    expect((await label('{"quality":4.4,"humor":-0.3}', options)).label).toBe('quality:4,humor:0')
    expect(await refusal(scored('{"quality":4.6}'), labelFormat(options))).toMatchObject({
      code: 'OUT_OF_RANGE',
    })
    expect((await label('{"quality":4.6}', { round: 'half-even', range: 'clamp' })).label).toBe('quality:4')
  })
})

describe('a score that is none', () => {
  test.each<string>([
    'null',
    'true',
    'false',
    '[3]',
    '{"a":1}',
    '""',
    '"nan"',
    '"inf"',
    '"1_0"',
    '"0x10"',
    '"1e999"',
    '1e999',
    '"three"',
  ])('%s', async (json) => {
    const error = await refusal(scored(`{"humor":${json}}`), labelFormat())
    expect(error).toMatchObject({
      code: 'BAD_SCORE',
      stage: 'label-format',
      expected: 'a finite number',
      place: { input: 'stream', line: 1, offset: 0 },
    })
    expect(error.found).toBe(`the score of \`humor\` is ${json}`)
  })

  test('a long one is shown in part', async () => {
    const error = await refusal(scored(`{"humor":"${'x'.repeat(1000)}"}`), labelFormat())
    expect(error.found.length).toBeLessThan(80)
  })
})

test('only turns with scores get a label', async () => {
  const turns = [
    { from: 'User', value: '1', label: null },
    { from: 'Assistant', value: '2', scores: { quality: 1 } },
    { from: 'User', value: '3' },
    { from: 'Assistant', value: '4' },
    { from: 'Assistant', value: '5', label: 'kept:as it is' },
    { from: 'User', value: '6', scores: { quality: 2 } },
  ]
  const [labelled] = await objectsThrough([{ conversations: turns, mask: 'User' }], labelFormat())
  const { conversations } = labelled as { conversations: { label?: string | null; scores?: unknown }[] }
  expect(conversations.map((turn) => turn.label)).toEqual([
    ...[null, 'quality:1', undefined, undefined, 'kept:as it is', 'quality:2'],
  ])
  expect(conversations.some((turn) => 'scores' in turn)).toBe(false)
})

test('twice is as good as once', async () => {
  const lines = [scored('{"quality":3.50}'), JSON.stringify(asked({ label: 'x:1' }))]
  const once = await linesThrough(lines, labelFormat())
  expect(await linesThrough(lines, labelFormat(), labelFormat({ round: 'half-even' }))).toEqual(once)
  expect(await linesThrough(once, labelFormat({ round: 'half-even' }))).toEqual(once)
})

test('samples have no scores any more', async () => {
  const stages = [template({ dataset: 'helpsteer2' }), labelFormat(), regressionExpand(), labelFormat()]
  const error = await refusal({ prompt: 'q', response: 'a', quality: 1 }, ...stages)
  expect(error).toMatchObject({ code: 'WRONG_RECORD', stage: 'label-format', place: { line: 1 } })
  expect(error.fix).toContain('before `regression-expand`')
})

test('onError: skip counts by code', async () => {
  const stage = labelFormat({ range: 'error' }, { onError: 'skip' })
  const lines = [
    scored('{"quality":1}'),
    scored('{"quality":null}'),
    scored('{"quality":9}'),
    '{"mask":"User"}',
  ]
  expect(await linesThrough(lines, stage)).toHaveLength(1)
  expect(counts(stage.counters)).toEqual({
    in: 4,
    out: 1,
    leftOut: { BAD_SCORE: 1, OUT_OF_RANGE: 1, WRONG_RECORD: 1 },
    notes: {},
  })
})

test.each<[unknown, RegExp]>([
  [{ round: 'up' }, /`round`/],
  [{ range: 'drop' }, /`range`/],
  [{ ranges: 'keep' }, /unknown option `ranges` \(did you mean `range`\?\)/],
  [{ attributes: 'quality' }, /`attributes`/],
])('the options %j are refused', (options, message) => {
  const error = thrown(() => labelFormat(options as LabelFormatOptions))
  expect(error).toMatchObject({ code: 'BAD_OPTION', stage: 'label-format' })
  expect(error.found).toMatch(message)
})

describe('from: raw-scores', () => {
  const line =
    '{"conversations": [{"from": "User", "value": "q", "label": null}, {"from": "Assistant", "value": "a", "label": "helpfulness:3", "human_label": "helpfulness:1", "raw_scores": {"helpfulness": 2.5, "verbosity": -0.75, "quality": 4.25}, "own": 1.0}], "mask": "User"}'
  const relabelled = (label: string) => line.replace('"label": "helpfulness:3"', `"label": "${label}"`)

  test.each([
    [{}, 'quality:4.25,helpfulness:2.5,verbosity:-0.75'],
    [{ round: 'half-even' }, 'quality:4,helpfulness:2,verbosity:-1'],
    [{ round: 'half-even', range: 'clamp' }, 'quality:4,helpfulness:2,verbosity:0'],
    [{ attributes: ['verbosity', 'helpfulness'] }, 'verbosity:-0.75,helpfulness:2.5'],
    [{ attributes: ['humor'] }, ''],
  ] as const)('%j: %s', async (options, label) => {
    const stage = labelFormat({ from: 'raw-scores', ...options } as LabelFormatOptions)
    expect(await linesThrough([line], stage)).toEqual([relabelled(label)])
    expect(stage.counters.notes.get('unknown attribute dropped')).toBe(undefined)
  })

  test('again and again, in one row and over files', async () => {
    const twice = [
      labelFormat({ from: 'raw-scores' }),
      labelFormat({ from: 'raw-scores', round: 'half-even', range: 'clamp' }),
    ]
    expect(await linesThrough([line], ...twice)).toEqual([relabelled('quality:4,helpfulness:2,verbosity:0')])
  })

  test('a turn without a label gets one; a conversation without raw scores stays, and is told of', async () => {
    const bare = '{"conversations":[{"from":"A","value":"x","raw_scores":{"humor":1.5}}],"mask":"U"}'
    const plain = '{"conversations":[{"from":"A","value":"x","label":"humor:1"}],"mask":"U"}'
    const stage = labelFormat({ from: 'raw-scores' })
    expect(await linesThrough([bare, plain], stage)).toEqual([
      '{"conversations":[{"from":"A","value":"x","raw_scores":{"humor":1.5}, "label": "humor:1.5"}],"mask":"U"}',
      plain,
    ])
    expect(Object.fromEntries(stage.counters.notes)).toEqual({ 'conversation without raw scores': 1 })
  })

  test('raw scores that are no numbers are refused', async () => {
    const bad = '{"conversations":[{"from":"A","value":"x","raw_scores":{"humor":true}}],"mask":"U"}'
    expect((await refusal(bad, labelFormat({ from: 'raw-scores' }))).code).toBe('BAD_SCORE')
  })
})
