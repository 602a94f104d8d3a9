/**
 * template: prompts that hold several turns in one text, as HelpSteer2's do, become real turns.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { labelFormat, regressionExpand, type TemplateOptions, template } from '../../src/index.js'
import { spellWith } from '../support/arbitraries.js'
import { counts, linesThrough, objectsThrough, SYSTEM } from './support.js'

const split: TemplateOptions = { dataset: 'helpsteer2', splitTurns: true }
const THREE = 'one\n<extra_id_1>Assistant\ntwo\n<extra_id_1>User\nthree'

interface Turn {
  readonly value: string
  readonly from: string
}

/** The turns of the prompt, and what was noted. */
async function turnsOf(prompt: string, options = split): Promise<{ turns: string[]; notes: object }> {
  const stage = template(options)
  const [conversation] = await objectsThrough([{ prompt, response: 'a', helpfulness: 3 }], stage)
  const turns = (conversation as { conversations: Turn[] }).conversations
  expect(turns.map(({ from }) => from)).toEqual(turns.map((_, i) => (i % 2 === 0 ? 'User' : 'Assistant')))
  return { turns: turns.slice(0, -1).map(({ value }) => value), notes: counts(stage.counters).notes }
}

test('to the byte: users’ turns have no label, the assistant’s in the prompt none to be had', async () => {
  const row = { prompt: THREE, response: 'a', helpfulness: 3 }
  expect(await linesThrough([row], template(split), labelFormat())).toEqual([
    `{"conversations": [{"value": "one", "from": "User", "label": null}, {"value": "two", "from": "Assistant"}, {"value": "three", "from": "User", "label": null}, {"value": "a", "from": "Assistant", "label": "helpfulness:3"}], "system": "${SYSTEM}", "mask": "User", "type": "VALUE_TO_TEXT"}`,
  ])
})

test('off by default', async () => {
  expect(await turnsOf(THREE, { dataset: 'helpsteer2' })).toEqual({ turns: [THREE], notes: {} })
})

test.each<[string, TemplateOptions, object]>([
  [
    'helpsteer',
    { dataset: 'helpsteer' },
    { helpfulness: 1, correctness: 1, coherence: 1, complexity: 1, verbosity: 1 },
  ],
  ['a mapping', { mapping: { prompt: 'prompt', response: 'response' } }, { helpfulness: 1 }],
  [
    'helpsteer2-preference',
    { dataset: 'helpsteer2-preference' },
    { split: 'train', response_1: 'x', response_2: 'y', preference_strength: 1 },
  ],
])('%s can do it too', async (_name, options, fields) => {
  const stage = template({ ...options, splitTurns: true })
  const conversations = await objectsThrough([{ prompt: THREE, response: 'a', ...fields }], stage)
  for (const conversation of conversations) {
    const { conversations: turns } = conversation as { conversations: Turn[] }
    expect(turns.slice(0, 3).map(({ value }) => value)).toEqual(['one', 'two', 'three'])
    expect(turns).toHaveLength(4)
  }
  expect(conversations.length).toBeGreaterThan(0)
})

describe('markers', () => {
  test.each<[string, string, string[]]>([
    ['none', 'one', ['one']],
    [
      'five turns',
      `${THREE}\n<extra_id_1>Assistant\n4\n<extra_id_1>User\n5`,
      ['one', 'two', 'three', '4', '5'],
    ],
    ['empty turns', '\n<extra_id_1>Assistant\n\n<extra_id_1>User\n', ['', '', '']],
    [
      'lines round the turns',
      'one\n\n<extra_id_1>Assistant\n\ntwo\n\n<extra_id_1>User\n\nthree\n',
      ['one\n', '\ntwo\n', '\nthree\n'],
    ],
    ['other tokens', 'a <extra_id_2> <extra_id_0>System\n', ['a <extra_id_2> <extra_id_0>System\n']],
    [
      'a backslash before the line end',
      'one\\\n<extra_id_1>Assistant\ntwo\\\\\n<extra_id_1>User\n"three"',
      ['one\\', 'two\\\\', '"three"'],
    ],
  ])('%s', async (_name, prompt, turns) => {
    expect(await turnsOf(prompt)).toEqual({ turns, notes: {} })
  })

  test.each<[string, string]>([
    ['the last turn is the assistant’s', 'one\n<extra_id_1>Assistant\ntwo'],
    ['the user twice', 'one\n<extra_id_1>User\ntwo\n<extra_id_1>User\nthree'],
    ['the assistant twice', `one\n<extra_id_1>Assistant\ntwo\n<extra_id_1>Assistant\nthree`],
    ['another speaker', 'one\n<extra_id_1>System\ntwo\n<extra_id_1>User\nthree'],
    ['not on a line of its own', 'one <extra_id_1>Assistant\ntwo\n<extra_id_1>User\nthree'],
    ['at the very beginning', '<extra_id_1>Assistant\ntwo\n<extra_id_1>User\nthree'],
    ['no line end behind it', 'one\n<extra_id_1>Assistant two\n<extra_id_1>User\nthree'],
    ['one line end for two markers', 'one\n<extra_id_1>Assistant\n<extra_id_1>User\nthree'],
    ['the prompt ends with a marker', 'one\n<extra_id_1>Assistant\ntwo\n<extra_id_1>User'],
    ['a backslash and the letter n', 'one\\n<extra_id_1>Assistant\ntwo\n<extra_id_1>User\nthree'],
    ['backslashes and the letter n', 'one\\\\\\n<extra_id_1>Assistant\ntwo\n<extra_id_1>User\nthree'],
    ['lower case', THREE.replace('User', 'user')],
  ])('%s: the prompt stays whole, and that is noted', async (_name, prompt) => {
    expect(await turnsOf(prompt)).toEqual({
      turns: [prompt],
      notes: { 'prompt with irregular turn markers kept whole': 1 },
    })
  })
})

/** Text that comes close to markers. */
const piece = fc
  .array(
    fc.constantFrom('a', '\n', '\\', 'n', '\\n', 'é', '"', '<extra_id_', '1>', 'User', 'Assistant', '\u0001'),
    {
      maxLength: 8,
    },
  )
  .map((parts) => parts.join(''))

/** What stands between the markers, found out on plain text. */
function slowTurns(prompt: string): string[] {
  const pieces = prompt.split('<extra_id_1>')
  const speakers = ['User', 'Assistant']
  const regular = pieces.every(
    (text, i) =>
      (i === 0 || text.startsWith(`${speakers[i % 2]}\n`)) &&
      (i === pieces.length - 1 || text.slice(i === 0 ? 0 : speakers[i % 2].length + 1).endsWith('\n')),
  )
  if (pieces.length % 2 === 0 || !regular) return [prompt]
  return pieces.map((text, i) =>
    text.slice(i === 0 ? 0 : speakers[i % 2].length + 1, i === pieces.length - 1 ? undefined : -1),
  )
}

test('in any spelling it is as on plain text, and the regression text stays the same', async () => {
  let several = 0
  const prompts = fc
    .array(fc.tuple(piece, fc.nat({ max: 20 })), { minLength: 1, maxLength: 5 })
    .map((parts) =>
      parts
        .map(([text, style], i) => {
          if (i === 0) return text
          const speaker = style > 18 ? 'User' : i % 2 ? 'Assistant' : 'User'
          return `${style === 7 ? '' : '\n'}<extra_id_1>${speaker}\n${text}`
        })
        .join(''),
    )
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(prompts, fc.nat()), { maxLength: 20 }), async (list) => {
      const rows = list.map(
        ([prompt, seed]) => `{"prompt": "${spellWith(prompt, seed)}", "response": "a", "helpfulness": 3}`,
      )
      const found = (await objectsThrough(rows, template(split))) as { conversations: Turn[] }[]
      const expected = list.map(([prompt]) => slowTurns(prompt))
      several += expected.filter((turns) => turns.length > 1).length
      expect(found.map(({ conversations }) => conversations.slice(0, -1).map(({ value }) => value))).toEqual(
        expected,
      )
      const samples = (options: TemplateOptions) =>
        linesThrough(rows, template(options), labelFormat(), regressionExpand())
      expect(await samples(split)).toEqual(await samples({ dataset: 'helpsteer2' }))
    }),
    { numRuns: 100 },
  )
  expect(several).toBeGreaterThan(40)
})
