import { beforeEach, describe, expect, test } from 'vitest'
import { lint, optionsOf, put, rows, useWorkFolder } from './support.js'

useWorkFolder()
beforeEach(() => put({ 'in.jsonl': rows(1, 3) }))

/** A definition with its attributes in the first line. */
const withAttributes = (attributes: string, template = 'helpsteer2'): string =>
  `attributes: ${attributes}
name: x
inputs: in.jsonl
stages:
  - template: ${template}
  - label-format
  - write: out.jsonl
`

const BAD = 'DEFINITION_INVALID'

test.each<[string, string[]]>([
  ['[quality]', []],
  ['[quality, { name: humor }, { name: odd, min: -3, max: 3.5, sentinel: -1 }]', []],
  ['[]', [`1:13 ${BAD} \`attributes\` is empty`]],
  ['quality', [`1:13 ${BAD} \`attributes\` is "quality"`]],
  ['{ quality: 3 }', [`1:13 ${BAD} \`attributes\` is a map`]],
  ['[quality, humor, quality]', [`1:13 ${BAD} \`attributes\`: an attribute is named twice`]],
  ['[quality, { name: quality, max: 9 }]', [`1:13 ${BAD} \`attributes\`: an attribute is named twice`]],
  [
    '["quality,humor"]',
    [
      `1:14 ${BAD} \`attributes.0\`: an attribute name cannot hold \`,\` or \`:\`, which separate the parts of a label`,
    ],
  ],
  [
    '[humor, { name: "a:b" }]',
    [
      `1:29 ${BAD} \`attributes.1.name\`: an attribute name cannot hold \`,\` or \`:\`, which separate the parts of a label`,
    ],
  ],
  ['[""]', [`1:14 ${BAD} \`attributes.0\`: too small: expected string to have >=1 characters`]],
  ['[3]', [`1:14 ${BAD} \`attributes.0\` is 3`]],
  ['[null]', [`1:14 ${BAD} \`attributes.0\` is empty`]],
  ['[{ min: 0 }]', [`1:14 ${BAD} \`attributes.0.name\` is missing`]],
  ['[{ nam: quality }]', [`1:16 ${BAD} unknown key \`attributes.0.nam\` (did you mean \`name\`?)`]],
  ['[{ name: quality, mx: 3 }]', [`1:31 ${BAD} unknown key \`attributes.0.mx\` (did you mean \`max\`?)`]],
  ['[{ name: quality, max: "3" }]', [`1:36 ${BAD} \`attributes.0.max\` is "3"`]],
  ['[{ name: quality, max: .inf }]', [`1:36 ${BAD} \`attributes.0.max\` is Infinity`]],
  ['[{ name: quality, min: 3, max: 1 }]', [`1:14 ${BAD} \`attributes.0\`: min is greater than max`]],
  ['[{ name: quality, min: 5 }]', [`1:14 ${BAD} \`attributes.0\`: min is greater than max`]],
  ['[humor, { name: quality, max: -1 }]', [`1:21 ${BAD} \`attributes.1\`: min is greater than max`]],
])('attributes: %s', async (attributes, expected) => {
  expect(await lint(withAttributes(attributes))).toEqual(expected)
})

describe('they reach every stage that uses them', () => {
  test('with their defaults', async () => {
    const options = await optionsOf(withAttributes('[quality, { name: odd, min: -3 }]'))
    const expected = [
      { name: 'quality', min: 0, max: 4, sentinel: -100 },
      { name: 'odd', min: -3, max: 4, sentinel: -100 },
    ]
    expect(options.get('template')?.attributes).toEqual(expected)
    expect(options.get('label-format')?.attributes).toEqual(expected)
    expect(options.get('write')).toEqual({ to: 'out.jsonl', ascii: false })
  })

  test('but for one that has its own', async () => {
    const options = await optionsOf(
      withAttributes('[quality]', '{ dataset: helpsteer2, attributes: [humor] }'),
    )
    expect(options.get('template')?.attributes).toEqual([{ name: 'humor', min: 0, max: 4, sentinel: -100 }])
    expect(options.get('label-format')?.attributes).toEqual([
      { name: 'quality', min: 0, max: 4, sentinel: -100 },
    ])
  })

  test('the nine where there are none', async () => {
    const options = await optionsOf(withAttributes('').replace('attributes: \n', ''))
    expect(options.get('label-format')?.attributes).toHaveLength(9)
  })
})

const MAPPING = '{ mapping: { prompt: p, response: r, scores: '

test.each<[string, string, string[]]>([
  ['[quality]', `${MAPPING}[quality] } }`, []],
  ['[quality]', `${MAPPING}{ quality: rating } } }`, []],
  [
    '[quality]',
    `${MAPPING}[quality, helpfulness] } }`,
    ['5:60 BAD_OPTION `template`: `mapping.scores`: `helpfulness` is not among the attributes'],
  ],
  [
    '[quality]',
    `${MAPPING}{ qualty: rating } } }`,
    ['5:60 BAD_OPTION `template`: `mapping.scores`: `qualty` is not among the attributes'],
  ],
  ['[quality]', `${MAPPING}quality } }`, ['5:60 BAD_OPTION `template`: `mapping.scores` is "quality"']],
  [
    '[quality]',
    `${MAPPING}{ quality: 3 } } }`,
    ['5:71 BAD_OPTION `template`: `mapping.scores.quality` is 3'],
  ],
  ['[quality]', '{ mapping: { prompt: p } }', ['5:26 BAD_OPTION `template`: `mapping.response` is missing']],
  [
    '[quality]',
    '{ mapping: { promt: p, response: r } }',
    ['5:28 BAD_OPTION `template` has no option `mapping.promt` (did you mean `prompt`?)'],
  ],
  [
    '[quality]',
    '{ dataset: helpsteer2, mapping: { prompt: p, response: r } }',
    ['5:15 BAD_OPTION `template`: give either `dataset` or `mapping`'],
  ],
  ['[quality]', '{ system: x }', ['5:15 BAD_OPTION `template`: give either `dataset` or `mapping`']],
  // What hangs on attributes that are wrong is not judged.
  ['[3]', `${MAPPING}[anything] } }`, [`1:14 ${BAD} \`attributes.0\` is 3`]],
])('with %s, template: %s', async (attributes, template, expected) => {
  expect(await lint(withAttributes(attributes, template))).toEqual(expected)
})

test('template alone says what it wants', async () => {
  const text = withAttributes('[quality]').replace('template: helpsteer2', 'template')
  expect(await lint(text)).toEqual(['5:5 BAD_OPTION `template`: give either `dataset` or `mapping`'])
})
