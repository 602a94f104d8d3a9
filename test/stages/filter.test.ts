/**
 * filter: which records an expression keeps.
 */
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type FilterOptions,
  filter,
  labelFormat,
  parse,
  regressionExpand,
  split,
  template,
} from '../../src/index.js'
import { filterSpec } from '../../src/stages/filter.js'
import { stageOptions } from '../../src/stages/spec.js'
import { inCrumbs } from '../support/crumbs.js'
import { conversationLine } from '../support/records.js'
import { runStages } from '../support/run.js'
import { slowSamples } from '../support/slow.js'
import { numbered, numbersOf, upTo } from './numbered.js'
import { asked, counts, failure, file, linesFrom, linesThrough, refusal, scored } from './support.js'

/** Whether the expression holds for a record. */
async function holds(where: string, line: unknown, rest: Partial<FilterOptions> = {}): Promise<boolean> {
  const text = typeof line === 'string' ? line : JSON.stringify(line)
  const kept = await linesThrough([text], filter({ ...rest, where }))
  // What goes on is not changed in a byte.
  if (kept.length > 0) expect(kept).toEqual([text])
  return kept.length > 0
}

const labelled = (label: string) => asked({ label })

describe('scores', () => {
  test.each<[string, string, boolean]>([
    ['helpfulness >= 3.0 && verbosity <= 2.0', 'helpfulness:3,verbosity:2', true],
    ['helpfulness >= 3.0 && verbosity <= 2.0', 'helpfulness:3,verbosity:2.5', false],
    ['helpfulness == 3', 'helpfulness:3.0', true],
    ['helpfulness != 3', 'helpfulness:3', false],
    ['helpfulness != 3', 'helpfulness:2', true],
    ['3 == helpfulness && 2.0 < helpfulness', 'helpfulness:3', true],
    ['helpfulness - 1 >= 2 && helpfulness / 2 == 1.5 && 2 * helpfulness + 1 == 7', 'helpfulness:3', true],
    ['helpfulness > verbosity', 'helpfulness:3,verbosity:2', true],
    ['helpfulness in [3.0, 4.0]', 'helpfulness:4', true],
    ['scores.helpfulness == 4.0 && scores["helpfulness"] == 4.0', 'helpfulness:4', true],
    // As label-format and regression-expand read them.
    ['helpfulness == 4.0', 'helpfulness:1,helpfulness:4', true],
    ['helpfulness == 4.0', 'helpfulness: 4 :9,other:1', true],
  ])('%s of %s is %s', async (where, label, expected) => {
    expect(await holds(where, labelled(label))).toBe(expected)
  })

  test.each([
    'helpfulness >= 0.0',
    'helpfulness < 9',
    'helpfulness == helpfulness',
    'helpfulness != 3.0',
    '3.0 != helpfulness',
    'helpfulness != verbosity',
    'helpfulness + 1.0 != 3.0',
    'has(helpfulness)',
    'has(scores.helpfulness)',
    'turns.exists(t, t.helpfulness >= 0.0 || t.helpfulness != 1.0)',
    'turns.exists(t, has(t.helpfulness) || has(t.scores.helpfulness))',
    'has(turns[1].helpfulness)',
  ])('a comparison with a score that is missing is false: %s', async (where) => {
    const record = labelled('verbosity:1,helpfulness:-100')
    expect(await holds(where, record)).toBe(false)
    expect(await holds(`!(${where})`, record)).toBe(true)
    expect(await holds(where, labelled('verbosity:1'))).toBe(false)
    expect(await holds(where, asked({}))).toBe(false)
    expect(await holds(where, scored('{"verbosity": 1}'))).toBe(false)
  })

  test('an attribute’s own sentinel is a missing score, and -100 is none then', async () => {
    const attributes = [{ name: 'tone', min: -200, sentinel: -1 }]
    expect(await holds('has(tone)', labelled('tone:-1'), { attributes })).toBe(false)
    expect(await holds('tone == -100.0', labelled('tone:-100'), { attributes })).toBe(true)
  })

  test('are those of the last turn that has some, and of each turn', async () => {
    const record = {
      conversations: [
        { from: 'User', value: '', label: null },
        { from: 'Assistant', value: '', label: 'quality:1' },
        { from: 'Assistant', value: '', scores: { quality: '2.50', humor: 0 } },
        { from: 'Assistant', value: '', label: '' },
        { from: 'Assistant', value: '', scores: {} },
      ],
      mask: 'User',
    }
    expect(await holds('quality == 2.5 && humor == 0', record)).toBe(true)
    expect(await holds('turns.map(t, has(t.quality)) == [false, true, true, false, false]', record)).toBe(
      true,
    )
    expect(await holds('turns[1].quality == 1 && turns[2].scores.quality == 2.5', record)).toBe(true)
  })

  test('attributes of any name', async () => {
    const attributes = ['is-safe', 'source', 'record', 'in', 'constructor', 'tür', 'from', 'chars']
    const record = labelled('is-safe:1,source:2,record:3,in:4,constructor:5,tür:6,from:7,chars:8')
    const where =
      'scores["is-safe"] == 1 && scores.source == 2 && record == 3 && scores["in"] == 4 && scores["tür"] == 6 && chars == 2 && scores.chars == 8 && turns[1].from == "Assistant" && turns[1].record == 3 && has(scores["is-safe"]) && turns[1]["is-safe"] == 1'
    expect(await holds(where, record, { attributes })).toBe(true)
  })

  test('of a row are its fields', async () => {
    const row = { prompt: 'p', response: 'r', helpfulness: 3, verbosity: '2.5', quality: -100 }
    expect(await holds('helpfulness == 3 && verbosity == 2.5 && !has(quality) && !has(humor)', row)).toBe(
      true,
    )
    expect(await holds('scores.helpfulness == 3', row)).toBe(true)
    expect(await holds('source.prompt == "p"', row)).toBe(true)
  })
})

describe('what a conversation has', () => {
  const record = {
    conversations: [
      { from: 'User', value: 'häi\n' },
      { from: 'Assistant', value: '"\u{1f600}', label: 'quality:1' },
    ],
    system: 'sys',
    mask: 'User',
    lang: 'en',
    meta: { tags: ['a', { b: null }], big: 1 },
    n: 3,
    '': 'empty',
  }

  test.each([
    'size(turns) == 2 && turns.size() > 1',
    'turns[0].value == "häi\\n" && turns[1].value == "\\"\u{1f600}"',
    'turns[0].from == "User" && turns[0].label == "" && turns[1].label == "quality:1"',
    '!has(turns[0].label) && has(turns[1].label)',
    'turns[0].chars == 4 && turns[1].chars == 2 && chars == 6 && chars / 2 == 3',
    'speakers == ["User", "Assistant"] && mask == "User" && system == "sys" && has(system)',
    'part == "" && !has(part)',
    'turns.filter(t, t.from != mask).all(t, t.quality == 1)',
    'turns.exists_one(t, t.value.contains("ä"))',
    'source.lang == "en" && source["lang"].startsWith("e") && source[""] == "empty"',
    'source.n == 3 && source.n >= 2.5 && source.n + 1 == 4 && source.n != 4 && source.n in [3]',
    'source.meta.tags[0] == "a" && source.meta.tags[1].b == null && source.meta.tags.size() == 2',
    'has(source.lang) && !has(source.nope) && !has(source.meta.nope) && !has(source.quality)',
    '"lang" in source && !("nope" in source) && source.exists(k, k == "mask")',
    'source.conversations.exists(t, has(t.label)) && !source.conversations.all(t, has(t.label))',
    'cel.bind(x, source.lang, x == "en" && has(source.n))',
    'source.nope == 1 || true',
  ])('%s', async (where) => {
    expect(await holds(where, record)).toBe(true)
  })

  test('integers that a number cannot hold keep their digits', async () => {
    const line = '{"id": 12345678901234567, "score": 12345678901234567890}'
    expect(await holds('source.id == 12345678901234567 && source.id != 12345678901234568', line)).toBe(true)
    expect(await holds('source.score > 12345678901234567', line)).toBe(true)
  })

  test('of a templated conversation, the source is the row', async () => {
    const rows = [1, 2].map((n) => ({
      prompt: `q${n}`,
      response: 'a',
      lang: n === 1 ? 'en' : 'de',
      helpfulness: n,
    }))
    const stages = [
      template({ dataset: 'helpsteer2' }),
      filter({ where: 'source.lang == "de" && helpfulness == 2' }),
    ]
    const out = await linesThrough(rows, ...stages, labelFormat())
    expect(out).toHaveLength(1)
    expect(out[0]).toContain('q2')
  })

  test('the part that a stage before has set', async () => {
    const stages = [split({ parts: { train: 0.5, val: 0.5 } }), filter({ where: 'part == "val"' })]
    expect(numbersOf(await linesThrough(numbered(10), ...stages))).toEqual([5, 6, 7, 8, 9])
  })
})

describe('groups', () => {
  const pairs = Array.from({ length: 4 }, (_, n) => ({ n, helpfulness: n < 3 ? 4 : 1 }))
  const through = async (options: FilterOptions) =>
    numbersOf(
      (await linesFrom(Readable.from([file(pairs)]), parse({ group: 2 }), filter(options))).map((line) =>
        line.replace('"n":', '"n": '),
      ),
    )

  test('go on when it holds for all of them, or for any', async () => {
    const where = 'helpfulness >= 3.0'
    expect(await through({ where })).toEqual([0, 1])
    expect(await through({ where, match: 'any' })).toEqual([0, 1, 2, 3])
    expect(await through({ where: 'helpfulness > 4', match: 'any' })).toEqual([])
  })

  test('stay together, whatever the chunks', async () => {
    const lines = Array.from({ length: 60 }, (_, n) => `{"n": ${n}, "helpfulness": ${(n * 7) % 5}}`)
    const run = (source: Readable, match: 'all' | 'any') =>
      linesFrom(source, parse({ group: 2 }), filter({ where: 'helpfulness >= 2', match }))
    for (const match of ['all', 'any'] as const) {
      const whole = numbersOf(await run(Readable.from([file(lines)]), match))
      const expected = upTo(30).filter((k) => {
        const good = [2 * k, 2 * k + 1].map((n) => (n * 7) % 5 >= 2)
        return match === 'all' ? good.every(Boolean) : good.some(Boolean)
      })
      expect(whole).toEqual(expected.flatMap((k) => [2 * k, 2 * k + 1]))
      await fc.assert(
        fc.asyncProperty(fc.infiniteStream(fc.integer({ min: 1, max: 80 })), async (sizes) => {
          expect(numbersOf(await run(Readable.from(inCrumbs(file(lines), sizes)), match))).toEqual(whole)
        }),
        { numRuns: 15 },
      )
    }
  })

  test('a bad record takes its partner with it, wherever it stands', async () => {
    const lines = [{ n: 0, helpfulness: 1 }, { n: 1, helpfulness: 'x' }, ...pairs]
    const stage = filter({ where: 'helpfulness >= 3.0', match: 'any' }, { onError: 'skip' })
    const out = await linesFrom(Readable.from([file(lines)]), parse({ group: 2 }), stage)
    expect(out).toHaveLength(4)
    expect(counts(stage.counters)).toMatchObject({ in: 6, out: 4, leftOut: { BAD_SCORE: 1, partner: 1 } })
  })
})

test('a pattern made to backtrack without end comes to its end', async () => {
  const a = 'a'.repeat(100)
  expect(await holds('source.text.matches("^(a+)+$")', { text: a })).toBe(true)
  expect(await holds('source.text.matches("^(a+)+$")', { text: `${a}b` })).toBe(false)
})

test('dropped records are counted under the expression, or under the name', async () => {
  const where = 'source.n >= 3'
  for (const name of [undefined, 'large']) {
    const stage = filter({ where, name })
    await linesThrough(numbered(10), stage)
    expect(counts(stage.counters)).toEqual({ in: 10, out: 7, leftOut: {}, notes: {} })
    expect(Object.fromEntries(stage.counters.dropped)).toEqual({ [name ?? where]: 3 })
  }
})

describe('records that cannot be judged', () => {
  test.each<[string, unknown, string, string, string]>([
    [
      'source.lang == "en"',
      asked({}),
      'FILTER_FAILED',
      'no such key: lang, in `source.lang`',
      'Ask first whether it is there: `has(source.lang) && …`.',
    ],
    [
      'source["a b"] == 1',
      {},
      'FILTER_FAILED',
      'no such key: a b, in `source["a b"]`',
      'Ask first whether it is there: `"name" in source && …`.',
    ],
    [
      'helpfulness > 0.0 || (source.a.b != 1)',
      { a: {} },
      'FILTER_FAILED',
      'no such key: b, in `source.a.b`',
      'Ask first whether it is there: `has(source.a.b) && …`.',
    ],
    [
      'turns[7].value == "x"',
      asked({}),
      'FILTER_FAILED',
      'no such key: index out of bounds, index 7 >= size 2, in `turns[7]`',
      'Ask first how many there are: `size(turns) > 2 && …`.',
    ],
    [
      'source.n > 3',
      { n: 'x' },
      'FILTER_FAILED',
      'no such overload: dyn<string> > int, in `source.n > 3`',
      'Let the expression ask first',
    ],
    ['source.n', { n: 3 }, 'FILTER_FAILED', 'the expression gives a number', 'Compare it with something'],
    ['source.n', { n: null }, 'FILTER_FAILED', 'the expression gives null', 'Compare it with something'],
    [
      'turns.size() > 1',
      { n: 3 },
      'WRONG_RECORD',
      'no `conversations`: it has "n"',
      'Add `template` before this stage',
    ],
    ['mask == "User"', {}, 'WRONG_RECORD', 'no `conversations`: the record is empty', 'Add `template`'],
    [
      'part == ""',
      { conversations: [{ from: 'User' }], mask: 'User' },
      'MISSING_FIELD',
      'turn 1 has no `value`',
      '',
    ],
    [
      'helpfulness > 1',
      labelled('helpfulness'),
      'BAD_LABEL',
      'the label "helpfulness" has the part "helpfulness"',
      'Mend the label',
    ],
    [
      'turns.exists(t, t.humor > 1)',
      labelled('x:'),
      'BAD_LABEL',
      'the label "x:" has the part "x:"',
      'Mend the label',
    ],
    ['humor > 1', scored('{"humor": null}'), 'BAD_SCORE', 'the score of `humor` is null', 'Mend the record'],
    ['humor > 1', { humor: 'high' }, 'BAD_SCORE', 'the score of `humor` is "high"', 'Mend the record'],
    // CEL lets `||` pass over an error; a bad record is one all the same.
    [
      'humor > 1 || part == ""',
      { humor: 'high' },
      'BAD_SCORE',
      'the score of `humor` is "high"',
      'Mend the record',
    ],
  ])('%s of %j is %s', async (where, line, code, found, fix) => {
    const error = await refusal(line, filter({ where }))
    expect(error).toMatchObject({
      code,
      found,
      stage: 'filter',
      place: { input: 'stream', line: 1, offset: 0 },
    })
    expect(error.fix).toContain(fix)
  })

  test('samples are no conversations', async () => {
    const error = await failure(
      linesThrough([labelled('quality:1')], regressionExpand(), filter({ where: 'quality > 0' })),
    )
    expect(error).toMatchObject({ code: 'WRONG_RECORD', found: 'a sample where a conversation belongs' })
  })

  test('values that are nested very deeply', async () => {
    const deep = `{"a": ${'['.repeat(90_000)}${']'.repeat(90_000)}}`
    expect(await holds('has(source.a)', deep)).toBe(true)
    const error = await refusal(deep, filter({ where: 'source.a == source.a' }))
    expect(error).toMatchObject({ code: 'FILTER_FAILED', found: 'a value is nested too deeply' })
  })
})

describe('against plain JavaScript', () => {
  const names = ['quality', 'humor'] as const
  type Term = { readonly text: string; readonly holds: (scores: Readonly<Record<string, number>>) => boolean }
  const number = fc.integer({ min: 0, max: 3 })
  const term: fc.Arbitrary<Term> = fc.letrec<{ term: Term }>((tie) => ({
    term: fc.oneof(
      { depthSize: 'small' },
      fc
        .tuple(
          fc.constantFrom(...names),
          fc.constantFrom('<', '<=', '>', '>=', '==', '!='),
          number,
          fc.boolean(),
        )
        .map(([name, operator, value, swapped]): Term => {
          const text = swapped ? `${value}.0 ${operator} ${name}` : `${name} ${operator} ${value}`
          return {
            text,
            holds: (scores) => {
              const score = scores[name]
              if (score === undefined) return false
              const [a, b] = swapped ? [value, score] : [score, value]
              if (operator === '<') return a < b
              if (operator === '<=') return a <= b
              if (operator === '>') return a > b
              if (operator === '>=') return a >= b
              return (a === b) === (operator === '==')
            },
          }
        }),
      fc
        .constantFrom(...names)
        .map((name): Term => ({ text: `has(${name})`, holds: (scores) => name in scores })),
      tie('term').map((one): Term => ({ text: `!(${one.text})`, holds: (scores) => !one.holds(scores) })),
      fc.tuple(tie('term'), fc.constantFrom('&&', '||', '==', '!='), tie('term')).map(
        ([one, operator, other]): Term => ({
          text: `(${one.text}) ${operator} (${other.text})`,
          holds: (scores) => {
            const [a, b] = [one.holds(scores), other.holds(scores)]
            if (operator === '&&') return a && b
            return operator === '||' ? a || b : (a === b) === (operator === '==')
          },
        }),
      ),
    ),
  })).term

  test('any expression of scores', async () => {
    const records = [{}, { quality: 0 }, { humor: 2 }, { quality: 3, humor: 3 }, { quality: 2, humor: 1 }]
    await fc.assert(
      fc.asyncProperty(term, async ({ text, holds }) => {
        const lines = records.map((scores, n) => ({ n, ...scores }))
        const out = await linesThrough(lines, filter({ where: text }))
        expect(out.map((line) => JSON.parse(line).n)).toEqual(lines.filter(holds).map(({ n }) => n))
      }),
    )
  })

  test('any conversation that regression-expand can take goes on as it is, and no line is changed', async () => {
    const options = stageOptions(filterSpec, { where: 'has(quality) || !has(quality)' })
    await fc.assert(
      fc.asyncProperty(fc.array(conversationLine, { maxLength: 5 }), async (lines) => {
        const { lines: out, errors } = await runStages(file(lines), (context) =>
          filterSpec.create(options, context),
        )
        expect(out).toEqual(lines.filter((_, index) => !errors.has(index + 1)))
        for (const [index, line] of lines.entries()) {
          if (slowSamples(line).codes.size === 0) expect(errors.get(index + 1)).toBeUndefined()
        }
      }),
    )
  })
})
