/**
 * What a label may be, and the vector that it becomes.
 */
import { describe, expect, test } from 'vitest'
import { regressionExpand } from '../../src/index.js'
import { asked, counts, linesThrough, refusal } from './support.js'

const UNKNOWN = 'unknown attribute dropped'
const NONE = 'no known score'

/** The first two numbers of the vector (quality, toxicity), as they are written, and the notes. */
async function vector(label: string) {
  const stage = regressionExpand()
  const [line] = await linesThrough([asked({ label })], stage)
  const numbers = /"label": \[(.*)\]\}$/.exec(line)?.[1].split(', ') ?? []
  expect(numbers).toHaveLength(9)
  expect(numbers.slice(2)).toEqual(Array(7).fill('-100.0'))
  const { 'score outside its range kept': _range, ...notes } = counts(stage.counters).notes
  return [numbers[0], numbers[1], notes]
}

describe('taken', () => {
  test.each<[string, string, string, Record<string, number>?]>([
    ['quality:3', '3.0', '-100.0'],
    ['quality:3,toxicity:0', '3.0', '0.0'],
    ['toxicity:0,quality:3', '3.0', '0.0'],
    ['quality:1,quality:2', '2.0', '-100.0'],
    ['quality:1,toxicity:2,quality:3', '3.0', '2.0'],
    ['quality:3:what:ever', '3.0', '-100.0'],
    ['quality:3:', '3.0', '-100.0'],
    ['quality: 3', '3.0', '-100.0'],
    ['quality:3 ', '3.0', '-100.0'],
    ['quality:\t3\n,toxicity:\v1\f\r', '3.0', '1.0'],
    ['kindness:3', '-100.0', '-100.0', { [UNKNOWN]: 1, [NONE]: 1 }],
    ['kindness:3,quality:1,warmth:2', '1.0', '-100.0', { [UNKNOWN]: 2 }],
    [' quality:3', '-100.0', '-100.0', { [UNKNOWN]: 1, [NONE]: 1 }],
    ['quality :3', '-100.0', '-100.0', { [UNKNOWN]: 1, [NONE]: 1 }],
    ['Quality:3', '-100.0', '-100.0', { [UNKNOWN]: 1, [NONE]: 1 }],
    ['__proto__:3,constructor:1', '-100.0', '-100.0', { [UNKNOWN]: 2, [NONE]: 1 }],
    ['été "x":3,quality:1', '1.0', '-100.0', { [UNKNOWN]: 1 }],
  ])('%j', async (label, quality, toxicity, notes = {}) => {
    expect(await vector(label)).toEqual([quality, toxicity, notes])
  })

  test.each<[string, string]>([
    ['3', '3.0'],
    ['-3', '-3.0'],
    ['+3', '3.0'],
    ['3.', '3.0'],
    ['.5', '0.5'],
    ['007', '7.0'],
    ['3e0', '3.0'],
    ['1E+2', '100.0'],
    ['-0', '-0.0'],
    ['0.1', '0.1'],
    ['0.30000000000000004', '0.30000000000000004'],
    ['1e-7', '1e-07'],
    ['0.0001', '0.0001'],
    ['0.00001', '1e-05'],
    ['123456789012345678901', '1.2345678901234568e+20'],
    ['9007199254740993', '9007199254740992.0'],
    ['1e16', '1e+16'],
    ['1e-400', '0.0'],
    ['1.7976931348623157e308', '1.7976931348623157e+308'],
  ])('the number %s is %s in the vector', async (number, float) => {
    expect(await vector(`quality:${number}`)).toEqual([float, '-100.0', {}])
  })
})

describe('refused', () => {
  test.each<[string, string]>([
    ['quality', 'quality'],
    ['quality:', 'quality:'],
    ['quality: ', 'quality: '],
    [':3', ':3'],
    [':', ':'],
    [',', ''],
    [' ', ' '],
    ['quality:3,', ''],
    [',quality:3', ''],
    ['quality:3,,toxicity:1', ''],
    ['quality:3,toxicity', 'toxicity'],
    ['quality;3', 'quality;3'],
    ['quality=3', 'quality=3'],
    ['quality::3', 'quality::3'],
    ['quality:nan', 'quality:nan'],
    ['quality:NaN', 'quality:NaN'],
    ['quality:inf', 'quality:inf'],
    ['quality:-Infinity', 'quality:-Infinity'],
    ['quality:1_0', 'quality:1_0'],
    ['quality:0x1', 'quality:0x1'],
    ['quality:1e999', 'quality:1e999'],
    ['quality:1e', 'quality:1e'],
    ['quality:1 2', 'quality:1 2'],
    ['quality:- 1', 'quality:- 1'],
    ['quality:.', 'quality:.'],
    ['quality:3.1.4', 'quality:3.1.4'],
    ['quality:३', 'quality:३'],
    ['quality:3\u00a0', 'quality:3\u00a0'],
    ['quality:three', 'quality:three'],
    ['quality:true', 'quality:true'],
    ['quality:3\u00005', 'quality:3\u00005'],
    ['kindness:lots', 'kindness:lots'],
  ])('%j', async (label, part) => {
    const error = await refusal(asked({ label }), regressionExpand())
    expect(error).toMatchObject({
      code: 'BAD_LABEL',
      stage: 'regression-expand',
      expected: '`name:number`, with finite decimal numbers',
      place: { input: 'stream', line: 1, offset: 0 },
    })
    expect(error.found).toBe(`the label ${JSON.stringify(label)} has the part ${JSON.stringify(part)}`)
  })

  test('a long label is shown in part', async () => {
    const error = await refusal(asked({ label: `quality:${'9'.repeat(1000)}x` }), regressionExpand())
    expect(error.found.length).toBeLessThan(200)
  })
})

test('what a label is worth does not depend on those before it', async () => {
  // Labels are remembered; a bad one, and one that is noted, must be so again.
  const stage = regressionExpand({}, { onError: 'skip' })
  const lines = [
    'quality:1',
    'kindness:1',
    'quality:x',
    'quality:1',
    'kindness:1',
    'quality:x',
    'qu\u0061lity:1',
  ]
  const out = await linesThrough(
    lines.map((label) => asked({ label })),
    stage,
  )
  expect(out).toHaveLength(5)
  expect(new Set(out).size).toBe(2)
  expect(counts(stage.counters)).toEqual({
    in: 7,
    out: 5,
    leftOut: { BAD_LABEL: 2 },
    notes: { [UNKNOWN]: 2, [NONE]: 2 },
  })
})

test('tens of thousands of different labels', async () => {
  const lines = Array.from({ length: 45_000 }, (_, i) => asked({ label: `quality:${i % 22_500}.5` }))
  const out = await linesThrough(lines, regressionExpand())
  for (const i of [0, 1, 21_000, 22_499]) {
    expect(out[i]).toContain(`[${i}.5, `)
    expect(out[i + 22_500]).toBe(out[i])
  }
})
