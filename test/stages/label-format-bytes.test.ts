/**
 * label-format on records read from a file: `scores` becomes `label`, and every other byte stays.
 */
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { labelFormat, parse, template } from '../../src/index.js'
import { linesFrom, linesThrough } from './support.js'

/** The line after label-format, with its line end as it was read. */
const labelled = async (line: string, ...before: NodeJS.ReadWriteStream[]): Promise<string> =>
  (await linesThrough(Buffer.from(`${line}\n`), ...before, labelFormat()))[0]

/** A line with `turn` as its only turn. */
const holding = (turn: string): string => `{"conversations":[${turn}],"mask":"User"}`

/** Each is a line with `<…>` around what label-format replaces, and the label that stands there afterwards. */
const replaced: [string, string, string][] = [
  ['canonical spelling', '{"value": "a", "from": "A", <"scores": {"quality": 3}>}', 'quality:3'],
  ['compact', '{"value":"a","from":"A",<"scores":{"quality":3}>}', 'quality:3'],
  ['scores first', '{<"scores":{"quality":3}>,"value":"a","from":"A"}', 'quality:3'],
  ['scores in the middle', '{"from":"A",<"scores" : { "quality" : 3 }> , "value":"a"}', 'quality:3'],
  ['odd spacing', ' {\t"value" :"a" ,\r"from": "A" , <"scores":{}>\t} ', ''],
  ['empty scores', '{"value":"a","from":"A",<"scores":{}>}', ''],
  ['only unknown names', '{"value":"a","from":"A",<"scores":{"x":3}>}', ''],
  ['an escaped key', '{"value":"a","from":"A",<"\\u0073cores":{"quality":3}>}', 'quality:3'],
  [
    'escapes elsewhere',
    '{"v\\u0061lue":"\\u00e9\\/\\ud800é😀","fr\\u006fm":"\\u0041",<"scores":{"quality":3}>}',
    'quality:3',
  ],
  [
    'unknown fields',
    '{"id":12345678901234567890,"x":[{"scores":{"quality":1}}],"value":"a","from":"A",<"scores":{"quality":3}>,"n":1.0e5}',
    'quality:3',
  ],
  [
    'other fields given twice',
    '{"value":0,"id":1,"value":"a","from":"A","id":2,<"scores":{"quality":3}>}',
    'quality:3',
  ],
  [
    'a text that looks like scores',
    '{"value":"\\"scores\\": {}","from":"A",<"scores":{"quality":3}>}',
    'quality:3',
  ],
  ['string scores', '{"value":"a","from":"A",<"scores":{"quality":" 3.0"}>}', 'quality: 3.0'],
]

test.each(replaced)('%s', async (_name, marked, label) => {
  const before = holding(marked.replace('<', '').replace('>', ''))
  const after = holding(marked.replace(/<.*>/, () => `"label": "${label}"`))
  expect(await labelled(before)).toBe(after)
})

test.each<[string, string, string]>([
  [
    'a label beside the scores, behind them',
    '{"value":"a", "scores":{"quality":3},  "from":"A" , "label":"old:1"}',
    '{"value":"a", "label": "quality:3", "from":"A"}',
  ],
  [
    'a label beside the scores, before them',
    '{"label":null,"value":"a","n":1.0,"scores":{"quality":3},"from":"A"}',
    '{"value":"a", "n":1.0, "label": "quality:3", "from":"A"}',
  ],
  [
    'scores twice: the last ones count, in their place',
    '{"scores":{"quality":1},"value":"a","scores":{"quality":3},"from":"A"}',
    '{"value":"a", "label": "quality:3", "from":"A"}',
  ],
  [
    'scores twice, spelled in two ways',
    '{"scores":{"quality":1},"value":"a","from":"A","s\\u0063ores":{"humor":0}}',
    '{"value":"a", "from":"A", "label": "humor:0"}',
  ],
])('%s: one label takes the place of all', async (_name, before, after) => {
  expect(await labelled(holding(before))).toBe(holding(after))
})

test('around the turns nothing changes', async () => {
  const turn = '{"value":"a","from":"A","scores":{"quality":3}}'
  const label = '{"value":"a","from":"A","label": "quality:3"}'
  const line = (inside: string) =>
    ` {"id" : 9007199254740993,"scores":{"quality":0}, "conversations"\t: [ ${inside} ,${inside}],"m\\u0061sk":"User", "système":[null, -0, 1E400]} `
  expect(await labelled(line(turn))).toBe(line(label))
})

test('of conversations given twice the last ones count', async () => {
  const turn = '{"value":"a","from":"A","scores":{"quality":3}}'
  const line = (last: string) => `{"conversations":[${turn}],"mask":"User","conversations":[${last}]}`
  expect(await labelled(line(turn))).toBe(line('{"value":"a","from":"A","label": "quality:3"}'))
})

test('a line without scores is the same line', async () => {
  const line = ' {"mask":"User","conversations":[ {"from":"U","value":"\\u00e9","label":null}],"n":1.50} '
  expect(await labelled(line)).toBe(line)
})

test('line ends: a carriage return stays, a missing one is added', async () => {
  const line = holding('{"value":"a","from":"A","scores":{"quality":3}}')
  const after = holding('{"value":"a","from":"A","label": "quality:3"}')
  const source = Readable.from([Buffer.from(`\ufeff${line}\r\n\r\n${line}`)])
  expect(await linesFrom(source, parse(), labelFormat())).toEqual([`${after}\r`, after])
})

describe('records of templates', () => {
  test('that come back from a file are as those that never left', async () => {
    const row = { prompt: 'qué', response: '\u0001😀', helpfulness: 3.5, quality: 1 }
    const straight = await linesThrough([row], template({ dataset: 'helpsteer2' }), labelFormat())
    const kept = await linesThrough([row], template({ dataset: 'helpsteer2' }))
    expect(await linesThrough(kept, labelFormat())).toEqual(straight)
    expect(await linesThrough(kept, template({ dataset: 'conversations' }), labelFormat())).toEqual(straight)
    expect(straight[0]).toContain('"from": "Assistant", "label": "quality:1,helpfulness:3.5"}')
  })
})
