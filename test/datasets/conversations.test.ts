/**
 * conversations: records that have been templated already. What a conversation may be holds for every stage that
 * takes one, so each case goes through all of them.
 */
import { describe, expect, test } from 'vitest'
import { labelFormat, regressionExpand, template } from '../../src/index.js'
import { asked, linesThrough, refusal, scored } from '../stages/support.js'

const takers = {
  template: () => template({ dataset: 'conversations' }),
  'label-format': () => labelFormat(),
  'regression-expand': () => regressionExpand(),
}
const each = Object.entries(takers)

const turns = [
  { from: 'User', value: 'q' },
  { from: 'Assistant', value: 'a', label: 'quality:1' },
]

describe.each(each)('%s takes', (name, open) => {
  test.each<[string, unknown]>([
    ['what is needed and no more', { conversations: turns, mask: 'User' }],
    ['no turns', { conversations: [], mask: 'User' }],
    ['fields of null', { conversations: turns, mask: 'User', system: null, type: null }],
    ['unknown fields', { conversations: [{ ...turns[0], id: 7 }, turns[1]], mask: 'User', more: [1] }],
    ['speakers of any name', { conversations: turns, mask: 'Human' }],
    ['a label of null', asked({ label: null })],
    ['a label of ""', asked({ label: '' })],
    ['no label', asked({})],
    ['another type', { conversations: turns, mask: 'User', type: 'TEXT_TO_VALUE' }],
  ])('%s', async (_name, conversation) => {
    const line = JSON.stringify(conversation)
    const lines = await linesThrough([line], open())
    if (name === 'regression-expand') expect(lines.length).toBe(line.includes('quality:1') ? 1 : 0)
    else expect(lines).toEqual([line])
  })

  test('a field given twice: the last one counts', async () => {
    const line =
      '{"mask":3,"conversations":null,"conversations":[{"value":0,"from":"User","value":"q"}],"mask":"User"}'
    expect(await linesThrough([line], open())).toHaveLength(name === 'regression-expand' ? 0 : 1)
  })
})

describe.each(each)('%s refuses', (name, open) => {
  const wrong = (found: RegExp): [string, RegExp] => ['WRONG_TYPE', found]
  const missing = (found: RegExp): [string, RegExp] => ['MISSING_FIELD', found]
  test.each<[string, unknown, [string, RegExp]]>([
    ['no mask', { conversations: turns }, missing(/no `mask`/)],
    ['a mask of null', { conversations: turns, mask: null }, wrong(/`mask`/)],
    ['a mask that is a number', { conversations: turns, mask: 1 }, wrong(/`mask`/)],
    [
      'a system prompt that is a number',
      { conversations: turns, mask: 'User', system: 1 },
      wrong(/`system`/),
    ],
    ['a type that is a number', { conversations: turns, mask: 'User', type: 1 }, wrong(/`type`/)],
    ['conversations of null', { conversations: null, mask: 'User' }, wrong(/`conversations`/)],
    ['an object of turns', { conversations: {}, mask: 'User' }, wrong(/`conversations`/)],
    ['a turn that is a text', { conversations: ['q'], mask: 'User' }, wrong(/turn 1/)],
    ['a turn of null', { conversations: [turns[0], null], mask: 'User' }, wrong(/turn 2/)],
    [
      'a turn without `from`',
      { conversations: [{ value: 'q' }], mask: 'User' },
      missing(/turn 1 has no `from`/),
    ],
    [
      'a turn without `value`',
      { conversations: [turns[0], { from: 'A' }], mask: 'User' },
      missing(/turn 2 has no `value`/),
    ],
    [
      '`from` of null',
      { conversations: [{ from: null, value: 'q' }], mask: 'User' },
      wrong(/`from` of turn 1/),
    ],
    [
      '`value` that is a number',
      { conversations: [{ from: 'A', value: 4 }], mask: 'User' },
      wrong(/`value` of turn 1/),
    ],
    ['a label that is a number', asked({ label: 3 }), wrong(/`label` of turn 2/)],
    ['a label that is an array', asked({ label: ['quality:1'] }), wrong(/`label` of turn 2/)],
    ['a label that is true', asked({ label: true }), wrong(/`label` of turn 2/)],
    ['scores that are an array', asked({ scores: [1] }), wrong(/`scores` of turn 2/)],
    ['scores of null', asked({ scores: null }), wrong(/`scores` of turn 2/)],
    ['scores that are a text', asked({ scores: 'quality:1' }), wrong(/`scores` of turn 2/)],
  ])('%s', async (_name, conversation, [code, found]) => {
    const error = await refusal(conversation, open())
    expect(error).toMatchObject({ code, stage: name, place: { input: 'stream', line: 1, offset: 0 } })
    expect(error.found).toMatch(found)
  })
})

describe('records of another shape', () => {
  test.each(each.filter(([name]) => name !== 'template'))('rows straight into %s', async (name, open) => {
    const error = await refusal({ prompt: 'q', response: 'a', helpfulness: 3 }, open())
    expect(error).toMatchObject({ code: 'WRONG_RECORD', stage: name })
    expect(error.found).toBe('no `conversations`: it has "prompt", "response", "helpfulness"')
    expect(error.fix).toMatch(/Add `template`/)
  })

  test.each(each)('samples into %s', async (_name, open) => {
    const error = await refusal({ text: 'x', label: [1] }, open())
    expect(error.code).toBe('WRONG_RECORD')
    expect(error.fix).toMatch(/last form/)
  })

  test('an empty record', async () => {
    expect(await refusal({}, labelFormat())).toMatchObject({
      code: 'WRONG_RECORD',
      found: 'no `conversations`: the record is empty',
    })
  })
})

test('what has been templated already passes as it is, scores and all', async () => {
  const line = ` ${scored('{ "quality" :3.0,"x":[null] }')} `
  expect(await linesThrough([line], template({ dataset: 'conversations' }))).toEqual([line])
})

test('its scores are for label-format to turn into labels', async () => {
  const stage = () => template({ dataset: 'conversations' })
  const [line] = await linesThrough([scored('{"quality":3}')], stage(), labelFormat())
  expect(line).toContain('"label": "quality:3"')
  const error = await refusal(scored('{"quality":3}'), stage(), regressionExpand())
  expect(error).toMatchObject({ code: 'UNLABELLED_SCORES', stage: 'regression-expand', place: { line: 1 } })
  expect(error.found).toBe('turn 2 has `scores` but no `label`')
})
