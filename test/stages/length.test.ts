/**
 * length: conversations that are too long are dropped, or cut between turns.
 */
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type LengthOptions,
  labelFormat,
  length,
  parse,
  regressionExpand,
  template,
} from '../../src/index.js'
import { labelFormatSpec } from '../../src/stages/label-format.js'
import { lengthSpec } from '../../src/stages/length.js'
import { stageOptions } from '../../src/stages/spec.js'
import { inCrumbs } from '../support/crumbs.js'
import { conversationLine, scoredLine } from '../support/records.js'
import { runStages } from '../support/run.js'
import { counts, file, linesFrom, linesThrough, objectsThrough, refusal, thrown } from './support.js'

/** A conversation in which the speakers, by their first letters, say texts of one character and more. */
const talk = (speakers: string, values: readonly string[] = [], n = 0) => ({
  n,
  conversations: [...speakers].map((letter, index) => ({
    from: letter === 'U' ? 'User' : 'Assistant',
    value: values[index] ?? 'x',
    label: letter === 'U' ? null : `quality:${index}`,
  })),
  mask: 'User',
})

/** The speakers of what comes out, in the same form; undefined if nothing does. */
async function speakers(
  conversation: ReturnType<typeof talk>,
  options: LengthOptions,
): Promise<string | undefined> {
  const [out] = (await objectsThrough([conversation], length(options))) as ReturnType<typeof talk>[]
  if (out === undefined) return undefined
  expect(out).toEqual({
    ...conversation,
    conversations: conversation.conversations.slice(0, out.conversations.length),
  })
  return out.conversations.map(({ from }) => from[0]).join('')
}

describe('drop', () => {
  test.each<[string, LengthOptions, boolean]>([
    ['UAUA', { maxTurns: 4 }, true],
    ['UAUA', { maxTurns: 3 }, false],
    ['UAUA', { maxChars: 4 }, true],
    ['UAUA', { maxChars: 3 }, false],
    ['UAUA', { maxChars: 4, maxTurns: 3 }, false],
    ['UAUA', { maxChars: 3, maxTurns: 4 }, false],
    ['UAU', { maxChars: 3 }, true],
    ['', { maxChars: 1, maxTurns: 1 }, true],
  ])('%s with %j', async (turns, options, kept) => {
    expect(await speakers(talk(turns), options)).toBe(kept ? turns : undefined)
  })

  test('characters are code points, of all turns and nothing else', async () => {
    const conversation = { ...talk('UA', ['\u{1f600}ä\n', '"\ud800']), system: 'x'.repeat(100) }
    expect(await speakers(conversation, { maxChars: 5 })).toBe('UA')
    expect(await speakers(conversation, { maxChars: 4 })).toBeUndefined()
    const escaped =
      '{"conversations": [{"from": "User", "value": "\\u00e9\\u000a\\/\\ud83d\\ude00"}], "mask": "User"}'
    expect(await linesThrough([escaped], length({ maxChars: 4 }))).toEqual([escaped])
    expect(await linesThrough([escaped], length({ maxChars: 3 }))).toEqual([])
  })
})

describe('cut-turns', () => {
  test.each<[string, LengthOptions, string | undefined]>([
    ['UAUAUA', { maxTurns: 6 }, 'UAUAUA'],
    ['UAUAUA', { maxTurns: 5 }, 'UAUA'],
    ['UAUAUA', { maxTurns: 4 }, 'UAUA'],
    ['UAUAUA', { maxTurns: 1 }, undefined],
    ['UAUAUA', { maxChars: 5 }, 'UAUA'],
    ['UAUAUA', { maxChars: 5, maxTurns: 3 }, 'UA'],
    ['UAAUU', { maxTurns: 4 }, 'UAA'],
    ['UUUU', { maxTurns: 3 }, undefined],
    ['AUA', { maxTurns: 2 }, 'A'],
    // What fits is not touched, whoever speaks last.
    ['UAU', { maxTurns: 3 }, 'UAU'],
    ['U', { maxTurns: 1, maxChars: 1 }, 'U'],
  ])('%s with %j', async (turns, options, kept) => {
    expect(await speakers(talk(turns), { ...options, on: 'cut-turns' })).toBe(kept)
  })

  test('a turn is not cut through, and none behind it is taken', async () => {
    const conversation = talk('UAUA', ['q', 'a', 'long', 'b'])
    expect(await speakers(conversation, { maxChars: 5, on: 'cut-turns' })).toBe('UA')
    expect(await speakers(talk('UA', ['q', 'long']), { maxChars: 3, on: 'cut-turns' })).toBeUndefined()
  })

  test('of a line that was read all other bytes stay', async () => {
    const line =
      '{"id" : 1.0, "conversations":[ {"from":"User","value":"\\u0071"} ,{"value":"a","from":"Assistant","extra":[1]} , {"from":"User","value":"x"},\t{"from":"Assistant","value":"y"} ] ,"mask":"User", "z": {}} '
    expect(await linesThrough([line], length({ maxTurns: 3, on: 'cut-turns' }))).toEqual([
      '{"id" : 1.0, "conversations":[ {"from":"User","value":"\\u0071"} ,{"value":"a","from":"Assistant","extra":[1]} ] ,"mask":"User", "z": {}} ',
    ])
  })

  test('again, and before and after other stages', async () => {
    const conversation = { ...talk('UAUAUA'), mask: 'User' }
    for (const turn of conversation.conversations) {
      if (turn.label !== null) Object.assign(turn, { label: undefined, scores: { quality: 1 } })
    }
    const cut = (maxTurns: number) => length({ maxTurns, on: 'cut-turns' })
    const expected = await linesThrough([conversation], labelFormat(), cut(2))
    expect(expected[0]).toMatch(/"value":"x","label": "quality:1"}\],"mask":"User"}$/)
    expect(await linesThrough([conversation], cut(2), labelFormat())).toEqual(expected)
    expect(await linesThrough([conversation], cut(5), labelFormat(), cut(3))).toEqual(expected)
    expect(await linesThrough([conversation], cut(5), cut(2), labelFormat())).toEqual(expected)
    expect(await linesThrough([conversation], cut(2), labelFormat(), regressionExpand())).toHaveLength(1)
  })

  test('of conversations that a template made', async () => {
    const row = { prompt: 'q', response: 'long', helpfulness: 1 }
    const stages = (options: LengthOptions) => [
      template({ dataset: 'helpsteer2' }),
      length(options),
      labelFormat(),
    ]
    expect(await linesThrough([row], ...stages({ maxChars: 5, on: 'cut-turns' }))).toHaveLength(1)
    expect(await linesThrough([row], ...stages({ maxChars: 4, on: 'cut-turns' }))).toEqual([])
  })
})

describe('against plain objects', () => {
  interface Plain {
    mask: string
    conversations: { from: string; value: string }[]
  }
  const on = fc.constantFrom('drop' as const, 'cut-turns' as const)
  const limit = fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined })
  const limits = fc
    .record({ maxChars: limit, maxTurns: limit, on })
    .filter(({ maxChars, maxTurns }) => maxChars !== undefined || maxTurns !== undefined)

  /** What should come of a line: undefined if nothing. */
  function expected(line: string, { maxChars = Infinity, maxTurns = Infinity, on }: LengthOptions): unknown {
    const plain = JSON.parse(line) as Plain
    const turns = [...plain.conversations]
    const fits = () =>
      turns.length <= maxTurns && turns.reduce((sum, { value }) => sum + [...value].length, 0) <= maxChars
    if (fits()) return plain
    if (on === 'drop') return undefined
    while (!fits() || turns.at(-1)?.from === plain.mask) turns.pop()
    return turns.length === 0 ? undefined : { ...plain, conversations: turns }
  }

  test('any conversation', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(conversationLine, { maxLength: 4 }), limits, async (lines, given) => {
        const options = stageOptions(lengthSpec, given)
        const { lines: out, errors } = await runStages(file(lines), (context) =>
          lengthSpec.create(options, context),
        )
        const good = lines.filter((_, index) => !errors.has(index + 1))
        const kept = good.flatMap((line) => expected(line, given) ?? [])
        expect(out.map((line) => JSON.parse(line))).toEqual(kept)
        // What is not cut is not touched.
        const whole = good.filter(
          (line) => JSON.stringify(expected(line, given)) === JSON.stringify(JSON.parse(line)),
        )
        expect(out).toEqual(expect.arrayContaining(whole))
      }),
    )
  })

  test('cutting and labelling can be done in either order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(scoredLine, { maxLength: 3 }), limits, async (list, given) => {
        const cut = stageOptions(lengthSpec, given)
        const label = stageOptions(labelFormatSpec, {})
        const bytes = file(list.map(({ before }) => before))
        const one = await runStages(
          bytes,
          (context) => lengthSpec.create(cut, context),
          (context) => labelFormatSpec.create(label, context),
        )
        const other = await runStages(
          bytes,
          (context) => labelFormatSpec.create(label, context),
          (context) => lengthSpec.create(cut, context),
        )
        expect(one.lines).toEqual(other.lines)
      }),
    )
  })
})

describe('groups', () => {
  const through = async (
    list: readonly ReturnType<typeof talk>[],
    options: LengthOptions,
    sizes: Iterator<number> = [1e9].values(),
  ) => {
    const lines = await linesFrom(
      Readable.from(inCrumbs(file(list), sizes)),
      parse({ group: 2 }),
      length(options),
    )
    return lines.map((line) => {
      const { n, conversations } = JSON.parse(line) as ReturnType<typeof talk>
      return [n, conversations.length]
    })
  }
  const pairs = ['UA', 'UAUA', 'UA', 'UA', 'UAUA', 'UAUAUA', 'UA', 'UUUU'].map((turns, n) =>
    talk(turns, [], n),
  )

  test('go as a whole, and each record is cut for itself', async () => {
    expect(await through(pairs, { maxTurns: 3 })).toEqual([
      [2, 2],
      [3, 2],
    ])
    expect(await through(pairs, { maxTurns: 3, on: 'cut-turns' })).toEqual([
      [0, 2],
      [1, 2],
      [2, 2],
      [3, 2],
      [4, 2],
      [5, 2],
    ])
  })

  test('stay together, whatever the chunks', async () => {
    for (const on of ['drop', 'cut-turns'] as const) {
      const options = { maxTurns: 3, on }
      const whole = await through(pairs, options)
      await fc.assert(
        fc.asyncProperty(fc.infiniteStream(fc.integer({ min: 1, max: 300 })), async (sizes) => {
          expect(await through(pairs, options, sizes)).toEqual(whole)
        }),
        { numRuns: 15 },
      )
    }
  })
})

test('counts what it drops, and notes what it cuts', async () => {
  const stage = length({ maxTurns: 2, on: 'cut-turns' })
  await linesThrough(
    ['UA', 'UAUA', 'UUU', 'UAUAU'].map((turns) => talk(turns)),
    stage,
  )
  expect(counts(stage.counters)).toEqual({ in: 4, out: 3, leftOut: {}, notes: { 'turns cut': 5 } })
  expect(Object.fromEntries(stage.counters.dropped)).toEqual({ length: 1 })
})

test('rows are no conversations', async () => {
  expect(await refusal({ prompt: 'p' }, length({ maxChars: 3 }))).toMatchObject({
    code: 'WRONG_RECORD',
    stage: 'length',
  })
})

test.each([{}, { on: 'cut-turns' }, { maxChars: 0 }, { maxTurns: 1.5 }, { maxTurns: 1, on: 'cut' }])(
  'options: %j',
  (options) => {
    // A script without types may give anything.
    expect(thrown(() => length(options as never)).code).toBe('BAD_OPTION')
  },
)
