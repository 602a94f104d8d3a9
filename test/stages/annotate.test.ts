import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { annotate, labelFormat, parse, repeat, type SteerpipeError } from '../../src/index.js'
import { scoresOf } from '../support/stand-ins/scores.js'
import {
  annotatedBy,
  conversation,
  conversations,
  labelled,
  labelOf,
  NINE,
  rounded,
  server,
  textOf,
} from './annotate-support.js'
import { asked, counts, file, linesFrom, linesThrough, objectsThrough, refusal, thrown } from './support.js'

describe('what is asked', () => {
  test('is each labelled turn with all that was said before, and the label is what the server says', async () => {
    const { url, stats } = await server()
    const given = conversation('a', 4)
    expect(await annotatedBy({ server: url }, [given])).toEqual([labelled(given)])
    expect(stats.texts.slice(1)).toEqual([textOf(given, 1), textOf(given, 3)])
  })

  test('is a turn with an empty label too, and a user’s that has one, but none without', async () => {
    const { url, stats } = await server()
    const given = {
      conversations: [
        { from: 'User', value: 'q', label: 'quality:1' },
        { from: 'Assistant', value: 'a', label: '' },
        { from: 'User', value: 'r' },
        { from: 'Assistant', value: 'b', label: null },
      ],
      mask: 'User',
    }
    expect(await annotatedBy({ server: url }, [given])).toEqual([labelled(given)])
    expect(stats.texts.slice(1)).toEqual([textOf(given, 0), textOf(given, 1)])
  })

  test.each([
    ['assistant', [1, 3]],
    ['last', [3]],
  ] as const)('with `turns: %s` needs no labels', async (turns, scored) => {
    const { url } = await server()
    const { mask, conversations: labelledTurns } = conversation('a', 5)
    const given = { conversations: labelledTurns.map(({ from, value }) => ({ from, value })), mask }
    const made = given.conversations.map((turn, index) =>
      (scored as readonly number[]).includes(index)
        ? { ...turn, label: labelOf(textOf(given, index)) }
        : turn,
    )
    expect(await annotatedBy({ server: url, turns }, [given])).toEqual([{ ...given, conversations: made }])
  })

  test('is nothing about a conversation without such a turn, which is told', async () => {
    const { url, stats } = await server()
    const given = [asked({}), { conversations: [], mask: 'User' }, conversation('a')]
    const stage = annotate({ server: url })
    const lines = await linesThrough(given, stage)
    expect(lines.slice(0, 2)).toEqual(given.slice(0, 2).map((each) => JSON.stringify(each)))
    expect(counts(stage.counters)).toEqual({
      in: 3,
      out: 3,
      leftOut: {},
      notes: { 'conversation without a turn to score': 2 },
    })
    expect(stats.requests).toBe(2) // the probe, and the third
  })

  test('begins with the record’s own system prompt where that is wanted and there', async () => {
    const { url, stats } = await server()
    const own = { ...conversation('a'), system: 'Be “kind”.' }
    const none = conversation('b')
    await annotatedBy({ server: url, system: 'record', systemPrompt: 'Else.' }, [own, none])
    expect(stats.texts[1]).toContain('<extra_id_0>System\nBe “kind”.\n<extra_id_1>User\na,')
    expect(stats.texts[2]).toContain('<extra_id_0>System\nElse.\n<extra_id_1>User\nb,')
  })

  test('has the tokens that are given', async () => {
    const { url, stats } = await server()
    const tokens = { system: 'S"', user: 'U', assistant: 'A', label: 'L', end: '|' }
    await annotatedBy({ server: url, tokens, systemPrompt: 'p' }, [asked({ label: '' })])
    expect(stats.texts[1]).toBe('S"p|Uq|Aa|L')
  })

  test('is sent as it reads, however it is spelled', async () => {
    const { url, stats } = await server()
    const line = String.raw`{"conversations": [{"from": "User", "value": "\u00e9\/\ud83d\ude00\n\"", "label": null}, {"from": "\u0041", "value": "", "label": ""}], "mask": "\u0055ser"}`
    await linesThrough([line], annotate({ server: url, systemPrompt: '' }))
    expect(stats.texts[1]).toBe(
      '<extra_id_0>System\n\n<extra_id_1>User\né/😀\n"\n<extra_id_1>Assistant\n\n<extra_id_2>',
    )
  })
})

describe('a label', () => {
  const heads = ['helpfulness', 'quality']

  test.each([
    [[2.5, 3.5], 'helpfulness:2,quality:4'],
    [[0.5, 1.5], 'helpfulness:0,quality:2'],
    [[-3, 17], 'helpfulness:0,quality:4'],
    [[-0.2, 3.49], 'helpfulness:0,quality:3'],
  ])('of %j is %s: within the range, halves to the even one', async (values, label) => {
    const { url } = await server({ heads: 2, scores: () => values })
    const attributes = [...heads]
    const [line] = await linesThrough([asked({ label: '' })], annotate({ server: url, attributes }))
    expect(line).toContain(`"label":"${label}"`)
  })

  test('has each attribute’s own range', async () => {
    const { url } = await server({ heads: 2, scores: () => [7.5, -7.5] })
    const attributes = [
      { name: 'a', min: -10, max: 10 },
      { name: 'b', min: -5, max: 5 },
    ]
    const [line] = await linesThrough([asked({ label: '' })], annotate({ server: url, attributes }))
    expect(line).toContain('"label":"a:8,b:-5"')
  })

  test('with `round: none` has the scores as they are', async () => {
    const { url } = await server({ heads: 2, scores: () => [2.25, -7] })
    const [line] = await linesThrough(
      [asked({ label: '' })],
      annotate({ server: url, attributes: heads, round: 'none' }),
    )
    expect(line).toContain('"label":"helpfulness:2.25,quality:-7.0"')
  })

  test('has the attributes in their order, whatever the server’s is; other heads are not used', async () => {
    const { url } = await server({ heads: 3, scores: () => [1, 2, 3] })
    const [line] = await linesThrough(
      [asked({ label: '' })],
      annotate({ server: url, heads: ['verbosity', 'charm', 'quality'], keep: { raw: true } }),
    )
    expect(line).toContain(
      '"label":"quality:3,verbosity:1", "raw_scores": {"quality": 3.0, "verbosity": 1.0}',
    )
  })
})

describe('what was known', () => {
  const given = asked({ label: 'quality:1', more: [1] })
  const one = { heads: 1, scores: () => [2.5] }
  const attributes = ['quality']

  test('is kept beside the label where that is wanted', async () => {
    const { url } = await server(one)
    const keep = { human: true, raw: true }
    const [line] = await linesThrough([given], annotate({ server: url, attributes, keep }))
    expect(line).toBe(
      JSON.stringify(given).replace(
        '"quality:1","more":[1]',
        '"quality:2","more":[1], "human_label": "quality:1", "raw_scores": {"quality": 2.5}',
      ),
    )
  })

  test('takes the place of what was kept before', async () => {
    const { url } = await server(one)
    const kept = asked({ raw_scores: { quality: 1 }, label: 'quality:1', human_label: 'quality:3' })
    const keep = { human: true, raw: true }
    const [made] = await objectsThrough([kept], annotate({ server: url, attributes, keep }))
    expect(made).toEqual(
      asked({ raw_scores: { quality: 2.5 }, label: 'quality:2', human_label: 'quality:1' }),
    )
  })

  test('is null where there was no label', async () => {
    const { url } = await server(one)
    const [made] = await objectsThrough(
      [asked({})],
      annotate({ server: url, attributes, turns: 'last', keep: { human: true } }),
    )
    expect(made).toEqual(asked({ label: 'quality:2', human_label: null }))
  })

  test('all else of a line keeps its bytes', async () => {
    const { url } = await server(one)
    const line = String.raw`{ "id":12345678901234567890 , "conversations":[{"value":"\u0071","from":"User"},{"label" : "old","x":1.50,"label":"quality:\u0031","from":"A","value":"a\/"}],"mask":"User"}`
    const [made] = await linesThrough([line], annotate({ server: url, attributes }))
    expect(made).toBe(line.replace(String.raw`"quality:\u0031"`, '"quality:2"'))
  })

  test('of scores that label-format has just made a label of', async () => {
    const { url } = await server(one)
    const [made] = await linesThrough(
      [
        '{"conversations":[{"from":"User","value":"q"},{"from":"A","scores":{"quality":3},"value":"a"}],"mask":"User"}',
      ],
      labelFormat(),
      annotate({ server: url, attributes, keep: { human: true } }),
    )
    expect(made).toBe(
      '{"conversations":[{"from":"User","value":"q"},{"from":"A","label": "quality:2","value":"a", "human_label": "quality:3"}],"mask":"User"}',
    )
  })
})

describe('texts that are alike', () => {
  test('are asked about once: the beginnings of threads, and records that stand there several times', async () => {
    const { url, stats } = await server()
    const threads = [4, 6, 2, 6].map((turns) => conversation('thread', turns))
    const stage = annotate({ server: url })
    expect(await objectsThrough(threads, repeat({ times: 2 }), stage)).toEqual(
      threads.flatMap((thread) => [labelled(thread), labelled(thread)]),
    )
    expect(stats.texts).toHaveLength(stats.distinct)
    expect(stats.distinct).toBe(4)
    expect(stage.details()?.data).toMatchObject({ texts: 18, distinct: 3, answered: 3 })
  })
})

describe('a text that is too long', () => {
  const maxChars = textOf(conversation('a', 6), 3).length

  test('is a bad record', async () => {
    const { url } = await server()
    const error = await refusal(conversation('a', 6), annotate({ server: url, maxChars }))
    expect(error).toMatchObject({
      code: 'TEXT_TOO_LONG',
      found: `the text up to turn 6 has ${textOf(conversation('a', 6), 5).length} characters`,
      expected: `at most ${maxChars}`,
    })
    expect(error.place?.line).toBe(1)
  })

  test('or is left out, and counted', async () => {
    const { url } = await server()
    const stage = annotate({ server: url, maxChars, onLong: 'skip' })
    const given = [conversation('a', 2), conversation('b', 6), conversation('c', 4)]
    expect(await objectsThrough(given, stage)).toEqual([labelled(given[0]), labelled(given[2])])
    expect(stage.counters.dropped).toEqual(new Map([['text too long', 1]]))
    expect([stage.counters.in, stage.counters.out]).toEqual([3, 2])
  })

  test('or loses turns from its end, up to an answer, and is left out if none is left', async () => {
    const { url, stats } = await server()
    const stage = annotate({ server: url, maxChars, onLong: 'cut-turns' })
    const long = {
      conversations: [
        { from: 'User', value: 'x'.repeat(maxChars) },
        { from: 'A', value: 'a', label: '' },
      ],
      mask: 'User',
    }
    expect(await objectsThrough([conversation('a', 6), long], stage)).toEqual([
      labelled(conversation('a', 4)),
    ])
    expect(stage.counters.notes).toEqual(new Map([['turns cut', 2]]))
    expect(stage.counters.dropped).toEqual(new Map([['text too long', 1]]))
    expect(stats.texts.every((text) => [...text].length <= maxChars)).toBe(true)
  })

  test('is counted in characters, not in bytes', async () => {
    const { url } = await server()
    const given = asked({ label: '', value: '😀'.repeat(100) })
    const chars = textOf(given as never, 1).length - 100
    await expect(annotatedBy({ server: url, maxChars: chars }, [given])).resolves.toHaveLength(1)
    await expect(annotatedBy({ server: url, maxChars: chars - 1 }, [given])).rejects.toThrow('TEXT_TOO_LONG')
  })
})

describe('bad records', () => {
  test.each([
    [
      'NOT_SENDABLE',
      String.raw`{"conversations":[{"from":"User","value":"\ud83d"},{"from":"A","value":"a","label":""}],"mask":"User"}`,
    ],
    ['WRONG_RECORD', '{"prompt":"p"}'],
    ['MISSING_FIELD', '{"conversations":[{"from":"User"}],"mask":"User"}'],
    ['WRONG_TYPE', '{"conversations":[{"from":"User","value":1}],"mask":"User"}'],
    [
      'UNLABELLED_SCORES',
      '{"conversations":[{"from":"A","value":"a","scores":{"quality":1}}],"mask":"User"}',
    ],
  ])('are %s; those before are kept, and with `skip` those behind too', async (code, bad) => {
    const { url } = await server()
    const [a, b] = [conversation('a'), conversation('b')]
    const error = await refusal(bad, annotate({ server: url }))
    expect(error).toMatchObject({ code, stage: 'annotate', place: { line: 1 } })
    const left: SteerpipeError[] = []
    const stage = annotate({ server: url }, { onError: 'skip', onLeftOut: (each) => left.push(each) })
    expect(await objectsThrough([a, bad, b], stage)).toEqual([labelled(a), labelled(b)])
    expect(left.map(({ code: found, place }) => [found, place?.line])).toEqual([[code, 2]])
  })

  test('half of a pair of halves in a turn that is not sent is no matter', async () => {
    const { url } = await server()
    const line = String.raw`{"conversations":[{"from":"User","value":"q"},{"from":"A","value":"a","label":""},{"from":"User","value":"\ud83d"}],"mask":"User"}`
    await expect(linesThrough([line], annotate({ server: url }))).resolves.toHaveLength(1)
  })
})

describe('in whatever pieces the records come', () => {
  test('the same comes out', async () => {
    const { url } = await server()
    const given = conversations(40, 4)
    const bytes = file(given)
    const expected = given.map((each) => labelled(each))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 6 }), async (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), bytes.length]
        const chunks = at
          .slice(1)
          .map((end, index) => bytes.subarray(at[index], end))
          .filter(({ length }) => length > 0)
        const lines = await linesFrom(Readable.from(chunks), parse(), annotate({ server: url }))
        expect(lines.map((line) => JSON.parse(line))).toEqual(expected)
      }),
      { numRuns: 10 },
    )
  })
})

describe('an option that cannot be', () => {
  test.each([
    [{ server: 'ftp://host' }, 'an address is `http://host:port`'],
    [{ server: 'http://user:secret@host' }, 'without a name or a password'],
    [{ server: 'http://host?key=secret' }, 'an address is'],
    [{ server: [] }, 'server'],
    [{ server: 'http://h', heads: ['charm'] }, 'none of `heads` is an attribute'],
    [{ server: 'http://h', heads: ['quality', 'quality'] }, 'named twice'],
    [{ server: 'http://h', apiKeyEnv: 'sk-1234' }, 'not the key itself'],
    [{ server: 'http://h', requestTimeout: '5 parsecs' }, 'write it as `30s`'],
  ])('%j: %s', (options, said) => {
    const error = thrown(() => annotate(options as never))
    expect(error.code).toBe('BAD_OPTION')
    expect(error.message).toContain(said)
    expect(error.message).not.toContain('secret')
  })
})

test('the scores of the stand-ins have halves, and such that are out of range', () => {
  const all = Array.from({ length: 100 }, (_, index) => scoresOf(String(index), NINE.length)).flat()
  expect(all.some((score) => score < 0) && all.some((score) => score > 4)).toBe(true)
  expect(all.filter((score) => score % 1 === 0.5).map(rounded)).toContain(2)
})
