/**
 * regression-expand: labelled turns to samples; its options. (What a label may be is in labels.)
 */
import { describe, expect, test } from 'vitest'
import { type RegressionExpandOptions, regressionExpand } from '../../src/index.js'
import { asked, counts, linesThrough, objectsThrough, refusal, SYSTEM, thrown } from './support.js'

type Sample = { text: string; label: number[] }
const samples = async (line: unknown, options?: RegressionExpandOptions) =>
  (await objectsThrough([line], regressionExpand(options))) as Sample[]

/** Two questions and answers, the second turn and the fourth labelled. */
const dialogue = {
  conversations: [
    { from: 'User', value: 'q1' },
    { from: 'Assistant', value: 'a1', label: 'quality:1' },
    { from: 'User', value: 'q2', label: null },
    { from: 'Assistant', value: 'a2', label: 'quality:2' },
    { from: 'Assistant', value: 'a3', label: '' },
  ],
  mask: 'User',
  system: 'Be brief.',
}

const HEAD = `<extra_id_0>System\n${SYSTEM}\n`

describe('by default', () => {
  test('a sample for each labelled turn, with all that was said up to it', async () => {
    const first = `${HEAD}<extra_id_1>User\nq1\n<extra_id_1>Assistant\na1\n`
    const second = `${first}<extra_id_1>User\nq2\n<extra_id_1>Assistant\na2\n`
    expect((await samples(dialogue)).map(({ text }) => text)).toEqual([
      `${first}<extra_id_2>`,
      `${second}<extra_id_2>`,
    ])
  })

  test('to the byte', async () => {
    const line = asked({ value: 'é "x"\n😀\u0001', label: 'helpfulness:3,quality:1.5' })
    expect(await linesThrough([line], regressionExpand())).toEqual([
      `{"text": "<extra_id_0>System\\n${SYSTEM}\\n<extra_id_1>User\\nq\\n<extra_id_1>Assistant\\né \\"x\\"\\n😀\\u0001\\n<extra_id_2>", "label": [1.5, -100.0, -100.0, -100.0, 3.0, -100.0, -100.0, -100.0, -100.0]}`,
    ])
  })

  test('odd spellings become canonical', async () => {
    const line =
      '{"mask":"\\u0055ser","conversations":[{"from":"User","value":"\\/\\u00e9"},{"from":"A","value":"\\ud83d\\ude00\\ud800","label":"qu\\u0061lity:1"}]}'
    const [sample] = await linesThrough([line], regressionExpand())
    expect(sample).toContain('<extra_id_1>User\\n/é\\n<extra_id_1>Assistant\\n😀\\ud800\\n<extra_id_2>"')
    expect(sample).toContain('[1.0, ')
  })

  test('who speaks is told by the mask alone', async () => {
    const turns = [
      { from: 'Bot', value: '1' },
      { from: 'Human', value: '2' },
      { from: 'User', value: '3', label: 'quality:0' },
    ]
    const [{ text }] = await samples({ conversations: turns, mask: 'Human' })
    expect(text.slice(HEAD.length)).toBe(
      '<extra_id_1>Assistant\n1\n<extra_id_1>User\n2\n<extra_id_1>Assistant\n3\n<extra_id_2>',
    )
  })

  test('a labelled turn of the user gives a sample too', async () => {
    expect(
      await samples({ conversations: [{ from: 'U', value: 'q', label: 'quality:0' }], mask: 'U' }),
    ).toHaveLength(1)
  })

  test('nothing labelled, nothing made, and that is told', async () => {
    const stage = regressionExpand()
    expect(await linesThrough([asked({}), asked({ label: null }), asked({ label: '' })], stage)).toEqual([])
    const notes = { 'conversation without a label gave no sample': 3 }
    expect(counts(stage.counters)).toEqual({ in: 3, out: 0, leftOut: {}, notes })
  })

  test('scores that are no label yet would be lost without a word', async () => {
    const error = await refusal(asked({ scores: { quality: 1 } }), regressionExpand())
    expect(error).toMatchObject({
      code: 'UNLABELLED_SCORES',
      stage: 'regression-expand',
      found: 'turn 2 has `scores` but no `label`',
      place: { input: 'stream', line: 1, offset: 0 },
    })
    expect(error.fix).toMatch(/`label-format` before `regression-expand`/)
    expect(await refusal(asked({ label: '', scores: {} }), regressionExpand())).toMatchObject({
      code: 'UNLABELLED_SCORES',
    })
    expect(await samples(asked({ label: 'quality:1', scores: {} }))).toHaveLength(1)
  })
})

describe('attributes', () => {
  const attributes = [
    'warmth',
    { name: 'depth', min: -5, max: 5, sentinel: -999 },
    { name: 'pace', sentinel: 0.5 },
  ]
  test('three give a vector of three, with sentinels of their own', async () => {
    const stage = regressionExpand({ attributes })
    const lines = await linesThrough(
      [asked({ label: 'warmth:1' }), asked({ label: 'pace:2,depth:-5' })],
      stage,
    )
    expect(lines[0]).toMatch(/"label": \[1\.0, -999\.0, 0\.5\]\}$/)
    expect(lines[1]).toMatch(/"label": \[-100\.0, -5\.0, 2\.0\]\}$/)
    expect(counts(stage.counters).notes).toEqual({})
  })

  test('range is theirs', async () => {
    const stage = regressionExpand({ attributes, range: 'clamp' })
    const [line] = await linesThrough([asked({ label: 'warmth:9,depth:-9,pace:-1,quality:3' })], stage)
    expect(line).toMatch(/\[4\.0, -5\.0, 0\.0\]\}$/)
    expect(counts(stage.counters).notes).toEqual({
      'score clamped to its range': 3,
      'unknown attribute dropped': 1,
    })
  })

  test('the sentinel itself in a label is a score like any other', async () => {
    const stage = regressionExpand()
    await linesThrough([asked({ label: 'quality:-100' })], stage)
    expect(counts(stage.counters).notes).toEqual({ 'score outside its range kept': 1 })
  })
})

describe('range', () => {
  const outside = asked({ label: 'quality:4.5,humor:-1,helpfulness:4' })
  test('keep, the default, counts', async () => {
    const stage = regressionExpand()
    const [line] = await linesThrough([outside, outside], stage)
    expect(line).toContain('"label": [4.5, -100.0, -1.0, -100.0, 4.0, ')
    expect(counts(stage.counters).notes).toEqual({ 'score outside its range kept': 4 })
  })

  test('clamp', async () => {
    expect((await samples(outside, { range: 'clamp' }))[0].label.slice(0, 5)).toEqual([4, -100, 0, -100, 4])
  })

  test('error', async () => {
    const stage = regressionExpand({ range: 'error' })
    expect(await refusal(outside, stage)).toMatchObject({
      code: 'OUT_OF_RANGE',
      stage: 'regression-expand',
      found: 'the score 4.5 of `quality`',
      expected: '0 to 4',
      place: { line: 1, offset: 0 },
    })
  })
})

describe('system', () => {
  const opening = async (options: RegressionExpandOptions, line: object = dialogue) =>
    (await samples(line, options))[0].text.split('<extra_id_1>')[0]
  const { system: _left, ...unprompted } = dialogue

  test('constant, the default, takes no notice of the record’s', async () => {
    expect(await opening({})).toBe(HEAD)
    expect(await opening({ system: 'constant', systemPrompt: 'Mine "é".' })).toBe(
      '<extra_id_0>System\nMine "é".\n',
    )
  })

  test('record takes it, if there is one', async () => {
    expect(await opening({ system: 'record' })).toBe('<extra_id_0>System\nBe brief.\n')
    expect(await opening({ system: 'record' }, { ...dialogue, system: '' })).toBe('<extra_id_0>System\n\n')
    expect(await opening({ system: 'record' }, { ...dialogue, system: null })).toBe(HEAD)
    expect(await opening({ system: 'record', systemPrompt: 'Mine.' }, unprompted)).toBe(
      '<extra_id_0>System\nMine.\n',
    )
  })
})

describe('tokens', () => {
  test('all of them', async () => {
    const tokens = { system: '<|S|>', user: '<|U"|>', assistant: '<|A|>', label: '<|L|>\n', end: '\\é' }
    const [{ text }] = await samples(asked({ label: 'quality:1' }), { tokens, systemPrompt: 's' })
    expect(text).toBe('<|S|>s\\é<|U"|>q\\é<|A|>a\\é<|L|>\n')
  })

  test('one of them; the rest stay', async () => {
    const [{ text }] = await samples(asked({ label: 'quality:1' }), {
      tokens: { label: '<reward>' },
      systemPrompt: 's',
    })
    expect(text).toBe('<extra_id_0>System\ns\n<extra_id_1>User\nq\n<extra_id_1>Assistant\na\n<reward>')
  })
})

test('a bad turn leaves out the whole conversation', async () => {
  const bad = {
    ...dialogue,
    conversations: [...dialogue.conversations, { from: 'A', value: 'x', label: 'no' }],
  }
  const stage = regressionExpand({}, { onError: 'skip' })
  expect(await linesThrough([dialogue, bad, dialogue], stage)).toHaveLength(4)
  expect(counts(stage.counters)).toEqual({ in: 3, out: 4, leftOut: { BAD_LABEL: 1 }, notes: {} })
})

test.each<[unknown, RegExp]>([
  [{ system: 'mine' }, /`system`/],
  [{ tokens: { sistem: 'x' } }, /unknown option `sistem` in `tokens`/],
  [{ round: 'half-even' }, /unknown option `round`/],
  [{ range: 'no' }, /`range`/],
])('the options %j are refused', (options, message) => {
  const error = thrown(() => regressionExpand(options as RegressionExpandOptions))
  expect(error).toMatchObject({ code: 'BAD_OPTION', stage: 'regression-expand' })
  expect(error.found).toMatch(message)
})
