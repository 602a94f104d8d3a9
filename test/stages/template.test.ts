/**
 * template: rows to conversations; its options. (What each data set takes is in test/datasets.)
 */
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { labelFormat, regressionExpand, type TemplateOptions, template } from '../../src/index.js'
import {
  asked,
  counts,
  file,
  linesFrom,
  linesThrough,
  objectsThrough,
  refusal,
  SYSTEM,
  thrown,
} from './support.js'

const row = { prompt: 'q', response: 'a', helpfulness: 3 }
const helpsteer2: TemplateOptions = { dataset: 'helpsteer2' }

/** What becomes of one row. */
const templated = async (options: TemplateOptions, line: unknown = row) =>
  (await objectsThrough([line], template(options)))[0]

test('a row becomes a conversation, to the byte', async () => {
  expect(await linesThrough([row], template(helpsteer2))).toEqual([
    `{"conversations": [{"value": "q", "from": "User", "label": null}, {"value": "a", "from": "Assistant", "scores": {"helpfulness": 3}}], "system": "${SYSTEM}", "mask": "User", "type": "VALUE_TO_TEXT"}`,
  ])
})

test('text keeps what it says; the spelling becomes canonical, numbers stay', async () => {
  const line =
    '{"p\\u0072ompt":"\\u00e9\\/\\u0001\\t\\ud83d\\ude00\\ud800","response":"\x7f\u2028\\"\\\\","helpfulness":3.50e0,"prompt2":1}'
  const [conversation] = await linesThrough([line], template(helpsteer2))
  expect(conversation).toContain('{"value": "é/\\u0001\\t😀\\ud800", "from": "User", "label": null}')
  expect(conversation).toContain(
    '{"value": "\x7f\u2028\\"\\\\", "from": "Assistant", "scores": {"helpfulness": 3.50e0}}',
  )
})

test('of a repeated key the last one counts', async () => {
  const [line] = await linesThrough(
    ['{"prompt":"no","response":"a","helpfulness":0,"prompt":"q","helpfulness":3}'],
    template(helpsteer2),
    labelFormat(),
  )
  expect(line).toContain('"value": "q"')
  expect(line).toContain('"label": "helpfulness:3"')
})

describe('attributes', () => {
  test('scores come in the order of the attributes, not of the row', async () => {
    const scores = { verbosity: 1, quality: 2, helpfulness: 3, extra: 9 }
    const [line] = await linesThrough([{ prompt: 'q', response: 'a', ...scores }], template(helpsteer2))
    expect(line).toContain('"scores": {"quality": 2, "helpfulness": 3, "verbosity": 1}')
  })

  test('of one’s own: three, with names that need escapes', async () => {
    const attributes = ['warmth', 'a "quoted" one', 'été']
    const line = { prompt: 'q', response: 'a', été: 1, 'a "quoted" one': 2, warmth: 3, helpfulness: 4 }
    const [conversation] = await linesThrough([line], template({ ...helpsteer2, attributes }))
    expect(conversation).toContain('"scores": {"warmth": 3, "a \\"quoted\\" one": 2, "été": 1}}')
  })

  test('none there: empty scores, and a note', async () => {
    const stage = template(helpsteer2)
    const [line] = await linesFrom(Readable.from([{ prompt: 'q', response: 'a' }, row]), stage)
    expect(line).toContain('"from": "Assistant", "scores": {}}')
    expect(counts(stage.counters)).toEqual({ in: 2, out: 2, leftOut: {}, notes: { 'row without scores': 1 } })
  })
})

describe('system and speakers', () => {
  test('the system prompt is an option', async () => {
    expect(await templated({ ...helpsteer2, system: 'Be "brief".\n' })).toMatchObject({
      system: 'Be "brief".\n',
    })
    expect(await templated({ ...helpsteer2, system: '' })).toMatchObject({ system: '' })
  })

  test('so are the speakers; the mask is the user', async () => {
    const speakers = { user: 'Human "1"', assistant: 'Bot' }
    expect(await templated({ ...helpsteer2, speakers })).toMatchObject({
      conversations: [{ from: 'Human "1"' }, { from: 'Bot' }],
      mask: 'Human "1"',
    })
  })

  test('one speaker alone may be given', async () => {
    expect(await templated({ ...helpsteer2, speakers: { assistant: 'Bot' } })).toMatchObject({
      conversations: [{ from: 'User' }, { from: 'Bot' }],
      mask: 'User',
    })
  })

  test('the regression text tells them apart', async () => {
    const speakers = { user: 'Human', assistant: 'Bot' }
    const stages = [template({ ...helpsteer2, speakers }), labelFormat(), regressionExpand()]
    expect(await objectsThrough([row], ...stages)).toMatchObject([
      {
        text: `<extra_id_0>System\n${SYSTEM}\n<extra_id_1>User\nq\n<extra_id_1>Assistant\na\n<extra_id_2>`,
      },
    ])
  })
})

describe('mapping', () => {
  const mapping = { prompt: 'question', response: 'answer' }
  const line = { question: 'q', answer: 'a', rating: 2, helpfulness: 3, verbosity: 1 }
  const label = async (given: NonNullable<TemplateOptions['mapping']>, more: object = {}) => {
    const [conversation] = await objectsThrough(
      [{ ...line, ...more }],
      template({ mapping: given }),
      labelFormat(),
    )
    return (conversation as { conversations: { label: string }[] }).conversations[1].label
  }

  test('by default each attribute is the field of its name', async () => {
    expect(await label(mapping)).toBe('helpfulness:3,verbosity:1')
  })

  test('a list takes some of them', async () => {
    expect(await label({ ...mapping, scores: ['verbosity'] })).toBe('verbosity:1')
    expect(await label({ ...mapping, scores: [] })).toBe('')
  })

  test('or a field for each attribute, in the order of the attributes', async () => {
    expect(await label({ ...mapping, scores: { verbosity: 'helpfulness', quality: 'rating' } })).toBe(
      'quality:2,verbosity:3',
    )
  })

  test('an attribute may have any name', async () => {
    const attributes = ['constructor', '__proto__', 'toString', 'quality']
    const given = { mapping: { ...mapping, scores: { quality: 'rating' } }, attributes }
    const [conversation] = await linesThrough([line], template(given))
    expect(conversation).toContain('"scores": {"quality": 2}}')
    const own = '{"question":"q","answer":"a","__proto__":1,"constructor":"2"}'
    const [named] = await linesThrough([own], template({ mapping, attributes }), labelFormat({ attributes }))
    expect(named).toContain('"label": "constructor:2,__proto__:1"')
  })

  test('a field may hold the system prompt; then each row needs it', async () => {
    const stage = () => template({ mapping: { ...mapping, system: 'role' }, system: 'unused' })
    expect(await objectsThrough([{ ...line, role: 'Be kind.' }], stage())).toMatchObject([
      { system: 'Be kind.' },
    ])
    expect(await refusal(line, stage())).toMatchObject({
      code: 'MISSING_FIELD',
      found: expect.stringContaining('`role`'),
    })
  })

  test('a row without its fields says which, and what there is', async () => {
    const error = await refusal({ quest: 'q', answer: 'a' }, template({ mapping }))
    expect(error).toMatchObject({ code: 'MISSING_FIELD', stage: 'template' })
    expect(error.place).toEqual({ input: 'stream', line: 1, offset: 0 })
    expect(error.found).toBe('no `question`; the row has "quest", "answer"')
    expect(error.expected).toBe('`question`, `answer`')
  })
})

describe('the wrong records', () => {
  test('conversations, where rows belong', async () => {
    const error = await refusal(asked({ label: 'helpfulness:3' }), template(helpsteer2))
    expect(error.code).toBe('WRONG_RECORD')
    expect(error.fix).toMatch(/leave `template` out, or use `dataset: conversations`/)
  })

  test.each<[string, NodeJS.ReadWriteStream[], RegExp]>([
    ['templated twice', [template(helpsteer2)], /a conversation where a row belongs/],
    ['samples', [template(helpsteer2), labelFormat(), regressionExpand()], /a sample where a row belongs/],
  ])('%s', async (_name, before, found) => {
    const error = await refusal(row, ...before, template(helpsteer2))
    expect(error).toMatchObject({ code: 'WRONG_RECORD', stage: 'template', place: { line: 1 } })
    expect(error.found).toMatch(found)
  })
})

test('onError: skip counts bad rows, and tells of them', async () => {
  const told: unknown[] = []
  const stage = template(helpsteer2, {
    onError: 'skip',
    onLeftOut: ({ code, place }) => told.push([code, place?.line]),
  })
  const rows = [row, { prompt: 'q' }, { ...row, prompt: 3 }, { ...row, helpfulness: null }, row]
  expect(await linesThrough(file(rows), stage)).toHaveLength(2)
  expect(counts(stage.counters)).toEqual({
    in: 5,
    out: 2,
    leftOut: { MISSING_FIELD: 1, WRONG_TYPE: 1, BAD_SCORE: 1 },
    notes: {},
  })
  expect(told).toEqual([
    ['MISSING_FIELD', 2],
    ['WRONG_TYPE', 3],
    ['BAD_SCORE', 4],
  ])
})

describe('options', () => {
  test.each<[unknown, RegExp]>([
    [{}, /give either `dataset` or `mapping`/],
    [{ dataset: 'helpsteer2', mapping: { prompt: 'p', response: 'r' } }, /give either/],
    [{ dataset: 'helpsteer3' }, /`dataset`: .*found `helpsteer3` \(did you mean `helpsteer2?`\?\)/],
    [{ mapping: { prompt: 'p' } }, /`mapping.response`/],
    [{ mapping: { prompt: 'p', response: 'r', reply: 'x' } }, /unknown option `reply` in `mapping`/],
    [
      { mapping: { prompt: 'p', response: 'r', scores: ['kindness'] } },
      /`kindness` is not among the attributes/,
    ],
    [{ mapping: { prompt: 'p', response: 'r', scores: { kindness: 'k' } } }, /`kindness` is not among/],
    [{ dataset: 'helpsteer2', attributes: [] }, /`attributes`/],
    [{ dataset: 'helpsteer2', attributes: ['a', 'b', 'a'] }, /named twice/],
    [{ dataset: 'helpsteer2', attributes: ['a:b'] }, /cannot hold `,` or `:`/],
    [{ dataset: 'helpsteer2', attributes: [{ name: 'a', min: 5 }] }, /min is greater than max/],
    [{ dataset: 'helpsteer2', sistem: 'x' }, /unknown option `sistem` \(did you mean `system`\?\)/],
    [{ dataset: 'helpsteer2', round: 'none' }, /`round`: not an option of `helpsteer2`/],
    [{ dataset: 'helpsteer2', labels: ['quality'] }, /`labels`: not an option of `helpsteer2`/],
    [{ mapping: { prompt: 'p', response: 'r' }, round: 'half-even' }, /`round`: not an option of `mapping`/],
    [{ dataset: 'conversations', splitTurns: true }, /`splitTurns`: not an option of `conversations`/],
    [{ dataset: 'oasst', splitTurns: true }, /`splitTurns`: not an option of `oasst`/],
    [{ dataset: 'oasst', labels: ['quality', 'spam'] }, /`labels`: `spam` is not among the attributes/],
    [{ dataset: 'oasst', labels: ['quality', 'quality'] }, /`labels`: a label is named twice/],
    [{ dataset: 'oasst', labels: [] }, /`labels`/],
    [{ dataset: 'oasst', round: 'half-up' }, /`round`/],
    [{ dataset: 'helpsteer2', speakers: { bot: 'x' } }, /unknown option `bot` in `speakers`/],
  ])('%j is refused', (options, message) => {
    const error = thrown(() => template(options as TemplateOptions))
    expect(error).toMatchObject({ code: 'BAD_OPTION', stage: 'template' })
    expect(error.found).toMatch(message)
  })

  test('what is off may be said of any data set', () => {
    expect(() => template({ dataset: 'oasst', splitTurns: false })).not.toThrow()
  })
})
