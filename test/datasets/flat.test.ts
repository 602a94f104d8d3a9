/**
 * helpsteer, helpsteer2 and mapped rows: what a flat row may be.
 */
import { describe, expect, test } from 'vitest'
import { HELPSTEER_ATTRIBUTES, labelFormat, template } from '../../src/index.js'
import { linesThrough, objectsThrough, refusal } from '../stages/support.js'

const five = { helpfulness: 3, correctness: 4, coherence: 4, complexity: 2, verbosity: 1 }
const row = { prompt: 'q', response: 'a', ...five }

type Labelled = { conversations: [unknown, { label: string }] }

/** The label that a row gets. */
async function labelOf(line: unknown, dataset: 'helpsteer' | 'helpsteer2'): Promise<string> {
  const [conversation] = await objectsThrough([line], template({ dataset }), labelFormat())
  return (conversation as Labelled).conversations[1].label
}

describe('helpsteer', () => {
  test('the five scores, in their order', async () => {
    const shuffled = {
      verbosity: 1,
      response: 'a',
      coherence: 4,
      helpfulness: 3,
      prompt: 'q',
      complexity: 2,
      correctness: 4,
    }
    expect(await labelOf(shuffled, 'helpsteer')).toBe(
      'helpfulness:3,correctness:4,coherence:4,complexity:2,verbosity:1',
    )
  })

  test('others are not taken', async () => {
    expect(await labelOf({ ...row, quality: 2 }, 'helpsteer')).not.toContain('quality')
  })

  test.each([...HELPSTEER_ATTRIBUTES])('a row without %s', async (name) => {
    const { [name]: _left, ...rest } = row
    const error = await refusal(rest, template({ dataset: 'helpsteer' }))
    expect(error).toMatchObject({ code: 'MISSING_FIELD', stage: 'template', place: { line: 1, offset: 0 } })
    expect(error.found).toContain(`no \`${name}\``)
  })

  test('with attributes that are not the five, those that are', async () => {
    const attributes = ['verbosity', 'warmth']
    const [line] = await linesThrough([{ ...row, warmth: 3 }], template({ dataset: 'helpsteer', attributes }))
    expect(line).toContain('"scores": {"verbosity": 1}')
  })
})

describe('helpsteer2', () => {
  test('whatever of the attributes is there', async () => {
    expect(await labelOf({ ...row, quality: 2 }, 'helpsteer2')).toBe(
      'quality:2,helpfulness:3,correctness:4,coherence:4,complexity:2,verbosity:1',
    )
    expect(await labelOf({ prompt: 'q', response: 'a', coherence: 1 }, 'helpsteer2')).toBe('coherence:1')
    expect(await labelOf({ prompt: 'q', response: 'a' }, 'helpsteer2')).toBe('')
  })

  test.each(['prompt', 'response'])('a row without %s', async (name) => {
    const error = await refusal({ ...row, [name]: undefined }, template({ dataset: 'helpsteer2' }))
    expect(error.code).toBe('MISSING_FIELD')
    expect(error.found).toContain(`no \`${name}\``)
  })

  test('a misspelt field is suggested', async () => {
    const error = await refusal({ Prompt: 'q', response: 'a' }, template({ dataset: 'helpsteer2' }))
    expect(error.found).toContain('no `prompt` (did you mean `Prompt`?)')
  })

  test.each<[string, string]>([
    ['the number 3', '3'],
    ['null', 'null'],
    ['true', 'true'],
    ['an array', '["q"]'],
    ['an object', '{"q": 1}'],
  ])('%s where text belongs', async (kind, json) => {
    for (const name of ['prompt', 'response']) {
      const line = JSON.stringify(row).replace(
        `"${name}":"${name === 'prompt' ? 'q' : 'a'}"`,
        `"${name}":${json}`,
      )
      const error = await refusal(line, template({ dataset: 'helpsteer2' }))
      expect(error).toMatchObject({ code: 'WRONG_TYPE', place: { line: 1 } })
      expect(error.found).toContain(`\`${name}\``)
      expect(error.found).toContain(kind)
    }
  })

  test('empty text is text', async () => {
    const [line] = await linesThrough(
      [{ ...row, prompt: '', response: '' }],
      template({ dataset: 'helpsteer2' }),
    )
    expect(line).toContain('[{"value": "", "from": "User", "label": null}, {"value": "", "from": "Assistant"')
  })
})

describe('a row’s score', () => {
  const line = (json: string) => `{"prompt":"q","response":"a","helpfulness":${json}}`

  test.each<[string, string]>([
    ['3', '3'],
    ['3.0', '3.0'],
    ['3e0', '3.0'],
    ['1e2', '100.0'],
    ['-0', '0'],
    ['-0.0', '-0.0'],
    ['0.1', '0.1'],
    ['1E-7', '1e-07'],
    ['12345678901234567890', '12345678901234567890'],
    ['123456789012345678.5', '1.2345678901234568e+17'],
    ['"3"', '3'],
    ['"3.0"', '3.0'],
    ['"3e0"', '3e0'],
    ['" 3 "', ' 3 '],
    ['"+3"', '+3'],
    ['"007"', '007'],
    ['".5"', '.5'],
    ['"\\u0033"', '3'],
    ['"\\t3"', '\t3'],
  ])('%s gives %s', async (json, label) => {
    expect(await labelOf(line(json), 'helpsteer2')).toBe(`helpfulness:${label}`)
  })

  test.each<string>([
    'null',
    'true',
    'false',
    '[]',
    '[3]',
    '{}',
    '""',
    '" "',
    '"x"',
    '"nan"',
    '"inf"',
    '"-Infinity"',
    '"1_0"',
    '"0x1"',
    '"1e999"',
    '1e999',
    '-1e999',
    '"3,4"',
    '"3:4"',
    '"1 2"',
    '"3\\u00a0"',
    '"٣"',
  ])('%s is refused', async (json) => {
    const error = await refusal(line(json), template({ dataset: 'helpsteer2' }))
    expect(error).toMatchObject({
      code: 'BAD_SCORE',
      stage: 'template',
      expected: 'a finite number',
      place: { line: 1, offset: 0 },
    })
    expect(error.found).toContain('`helpfulness`')
  })

  test('of an attribute that is not taken is not looked at', async () => {
    const attributes = ['warmth']
    const stage = template({ dataset: 'helpsteer2', attributes })
    expect((await linesThrough([line('null')], stage))[0]).toContain('"scores": {}')
  })
})
