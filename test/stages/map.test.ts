/**
 * Records through a function of the user's.
 */

import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  type Batch,
  compose,
  defineStage,
  labelFormat,
  type MapDefinition,
  type MapFunction,
  map,
  parse,
  regressionExpand,
  SteerpipeError,
  type TypedStage,
  template,
  type Wire,
} from '../../src/index.js'
import { parseJson } from '../../src/records/parse-json.js'
import { jsonText } from '../support/arbitraries.js'
import { asked, counts, failure, file, linesFrom, linesThrough, refusal, thrown } from './support.js'

interface Row {
  n: number
  more?: unknown
}
const rows = (count: number): Row[] => Array.from({ length: count }, (_, n) => ({ n }))
const skip = { onError: 'skip' } as const

/** The batches that come out at the end of stages, for a file in chunks of some bytes. */
async function batchesOf(
  lines: readonly unknown[],
  size: number,
  group: number,
  stage: ReturnType<typeof map>,
): Promise<Batch[]> {
  const bytes = file(lines)
  const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    bytes.subarray(i * size, (i + 1) * size),
  )
  const batches: Batch[] = []
  const stream = Readable.from(chunks).pipe(parse({ group })).pipe(stage)
  for await (const batch of stream.batches()) batches.push(batch)
  return batches
}

describe('what the function returns', () => {
  test('an object: a new record in the canonical spelling', async () => {
    const stage = map<Row>(({ n }) => ({ text: `é"\n${n}`, list: [1, { a: null }], date: new Date(0) }))
    expect(await linesThrough(['{"n":1}'], stage)).toEqual([
      '{"text": "é\\"\\n1", "list": [1, {"a": null}], "date": "1970-01-01T00:00:00.000Z"}',
    ])
  })

  test('a list: several records; an empty one, null and undefined: none, which is counted', async () => {
    const returned: unknown[] = [[{ a: 1 }, { a: 2 }], [], null, undefined, { a: 3 }]
    const stage = map<Row>(({ n }) => returned[n] as object)
    expect(await linesThrough(rows(5), stage)).toEqual(['{"a": 1}', '{"a": 2}', '{"a": 3}'])
    expect(counts(stage.counters)).toEqual({ in: 5, out: 3, leftOut: {}, notes: {} })
    expect([...stage.counters.dropped]).toEqual([['map', 3]])
  })

  test('records that are dropped are counted under the name of the definition', async () => {
    const stage = map(defineStage<Row>({ name: 'odd ones', map: (row) => (row.n % 2 ? null : row) }))
    expect(await linesThrough(rows(5), stage)).toHaveLength(3)
    expect([...stage.counters.dropped]).toEqual([['odd ones', 2]])
  })

  test('very many of one record, which come in batches', async () => {
    const stage = map<Row>(({ n }) => Array.from({ length: n * 150_000 }, (_, i) => ({ i })))
    const batches = await batchesOf(rows(3), 1000, 1, stage)
    expect(batches.map(({ records }) => records.length)).toEqual([150_000, 300_000])
  })

  test('promises, which are waited for in order', async () => {
    const running: number[] = []
    const seen: number[] = []
    const stage = map<Row>(async (row) => {
      running.push(row.n)
      await sleep(row.n % 3)
      seen.push(row.n)
      expect(running.length).toBe(seen.length)
      return row.n === 4 ? null : [row, { n: -row.n }]
    })
    const lines = await linesThrough(rows(6), stage)
    expect(seen).toEqual([0, 1, 2, 3, 4, 5])
    expect(lines.filter((_, i) => i % 2 === 0)).toEqual([0, 1, 2, 3, 5].map((n) => `{"n":${n}}`))
  })
})

describe('the object that was given', () => {
  const odd = '{ "n":12345678901234567890 , "n":1.50,"t":"\\u00e9\\/", "deep":[ {"x":3.0}, -0 ] }'

  test.each<[string, MapFunction<Row, object>]>([
    ['returned as it was', (row) => row],
    ['alone in a list', (row) => [row]],
    ['in a promise', async (row) => row],
    [
      'changed, and changed back',
      (row) => {
        const { n } = row
        row.n = 99
        row.n = n
        return row
      },
    ],
  ])('%s, is the record to the last byte', async (_, same) => {
    expect(await linesThrough([odd, '{}'], map(same))).toEqual([odd, '{}'])
  })

  test.each<[string, MapFunction<Row, object>, string]>([
    ['changed', (row) => Object.assign(row, { n: 2 }), '{"n": 2, "t": "é/", "deep": [{"x": 3}, 0]}'],
    [
      'changed deep inside',
      (row) => {
        Object.assign((row as unknown as { deep: object[] }).deep[0], { x: [] })
        return row
      },
      '{"n": 1.5, "t": "é/", "deep": [{"x": []}, 0]}',
    ],
    ['copied', (row) => ({ ...row }), '{"n": 1.5, "t": "é/", "deep": [{"x": 3}, 0]}'],
    [
      'without a member',
      (row) => {
        delete (row as { n?: number }).n
        return row
      },
      '{"t": "é/", "deep": [{"x": 3}, 0]}',
    ],
  ])('%s, is a new record', async (_, change, expected) => {
    expect(await linesThrough([odd], map(change))).toEqual([expected])
  })

  describe('nested more deeply than JSON.stringify goes', () => {
    const deep = `{"a":${'['.repeat(99_999)}${']'.repeat(99_999)},"b":1.0}`

    test('is the record untouched', async () => {
      expect(
        await linesThrough(
          [deep],
          map((record) => record),
        ),
      ).toEqual([deep])
    })

    test.each<[string, (record: Record<string, unknown>) => unknown]>([
      ['changed in place', (record) => Object.assign(record, { b: 2 })],
      [
        'with its keys in another order',
        (record) => {
          const { a } = record
          delete record.a
          return Object.assign(record, { a })
        },
      ],
      ['as a new object', (record) => ({ ...record })],
    ])('%s, cannot be spelled, which is told', async (_, change) => {
      const changed = map((record) => change(record as Record<string, unknown>) as object)
      const error = await refusal(deep, changed)
      expect(error).toMatchObject({ code: 'MAP_FAILED', place: { line: 1 } })
      expect(error.found).toBe('what the function returned is nested too deeply')
    })
  })

  test('with a number beyond the range of JavaScript is the record, but no new one is made of it', async () => {
    const line = '{"a":1e999,"b":null}'
    expect(
      await linesThrough(
        [line],
        map((record) => record),
      ),
    ).toEqual([line])
    expect(
      await refusal(
        line,
        map((record) => ({ ...record })),
      ),
    ).toMatchObject({
      code: 'MAP_FAILED',
      found: 'the function returned the number Infinity, which JSON cannot spell',
    })
  })

  test('beside others in a list', async () => {
    const stage = map<Row>((row) => [row, { more: true }, row])
    expect(await linesThrough([odd], stage)).toEqual([odd, '{"more": true}', odd])
  })

  test('conversations pass on as they are written, and samples too', async () => {
    const line = asked({ label: 'quality:1', own: 3.5 }, { id: 7 })
    const plain = await linesThrough([line], labelFormat())
    const same = () => map((record) => record)
    expect(await linesThrough([line], labelFormat(), same())).toEqual(plain)
    const row = { prompt: 'p', response: 'r\\é', quality: 3 }
    const templated = () => template({ dataset: 'helpsteer2' })
    expect(await linesThrough([row], templated(), same(), labelFormat())).toEqual(
      await linesThrough([row], templated(), labelFormat()),
    )
    const samples = await linesThrough([line], regressionExpand())
    expect(await linesThrough([line], regressionExpand(), same())).toEqual(samples)
  })

  test('is what JSON.parse makes of the line; untouched bytes for any line', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(jsonText, { maxLength: 4 }), async (values) => {
        const lines = values.map((value) => `{"v":${value}}`)
        const seen: unknown[] = []
        const stage = map((record) => {
          seen.push(structuredClone(record))
          return record
        })
        expect(await linesThrough(lines, stage)).toEqual(lines)
        expect(seen).toEqual(lines.map(parseJson))
      }),
    )
  })
})

describe('what the function is told', () => {
  test('the place and the part of the record, and how to note something', async () => {
    const stage = map<Row>((row, { place, part, note }) => {
      note(row.n === 1 ? 'one' : 'other')
      return { place, part }
    })
    const lines = await linesThrough(rows(2), stage)
    expect(lines.map(parseJson)).toEqual([
      { place: { input: 'stream', line: 1, offset: 0 }, part: null },
      { place: { input: 'stream', line: 2, offset: 8 }, part: null },
    ])
    expect(counts(stage.counters).notes).toEqual({ one: 1, other: 1 })
  })

  test('what is made of a record stays in its part', async () => {
    const pair = (split: string) => ({
      prompt: 'p',
      response_1: 'a',
      response_2: 'b',
      preference_strength: 1,
      split,
    })
    const parts: (string | null)[] = []
    const stage = map((record, { part }) => {
      parts.push(part)
      return parts.length % 2 ? record : { ...record, more: 1 }
    })
    const preference = template({ dataset: 'helpsteer2-preference', attributes: ['quality'] })
    const stream = Readable.from([file([pair('train'), pair('val')])])
      .pipe(parse())
      .pipe(preference)
      .pipe(stage)
    const made: (string | null)[] = []
    for await (const { records } of stream.batches()) made.push(...records.map((record) => record.part))
    expect(made).toEqual(['train', 'train', 'val', 'val'])
    expect(parts).toEqual(made)
  })
})

describe('errors', () => {
  test.each<[string, MapFunction<Row, object>, string]>([
    [
      'an error that it throws',
      () => {
        throw new TypeError('no such thing\nat all')
      },
      'the function threw: no such thing',
    ],
    ['one that a promise brings', () => Promise.reject(new Error()), 'the function threw: Error'],
    [
      'anything else that it throws',
      () => {
        throw 'x'
      },
      "the function threw: 'x'",
    ],
    [
      'an object that is no text',
      () => {
        throw Object.create(null)
      },
      'the function threw: [Object: null prototype] {}',
    ],
    ['text', () => 'x' as never, 'the function returned the text "x"'],
    ['a number', () => 3 as never, 'the function returned a value of type number'],
    ['null in a list', () => [null] as never, 'the function returned a value of type null'],
    ['a list in a list', () => [[{}]] as never, 'the function returned a value of type array'],
    ['a Map', () => new Map(), 'the function returned an iterator'],
    ['a generator', function* () {} as never, 'the function returned an iterator'],
    ['a promise in a list', () => [Promise.resolve({})], 'the function returned a promise inside a list'],
    ['NaN', () => ({ a: Number.NaN }), 'the function returned the number NaN, which JSON cannot spell'],
    [
      'a bigint',
      () => ({ a: 1n }),
      'what the function returned is no JSON: Do not know how to serialize a BigInt',
    ],
    [
      'the object that it was given with NaN in the place of null',
      (row) => Object.assign(row, { more: Number.NaN }),
      'the function returned the number NaN, which JSON cannot spell',
    ],
  ])('%s is the error of its record', async (_, bad, found) => {
    const stage = () => map<Row>((row, context) => (row.n === 1 ? bad(row, context) : row))
    const lines = [{ n: 0 }, { n: 1, more: null }, { n: 2 }]
    expect(await failure(linesThrough(lines, stage()))).toMatchObject({
      code: 'MAP_FAILED',
      found,
      stage: 'map',
      place: { input: 'stream', line: 2, offset: 8 },
    })
    const told: SteerpipeError[] = []
    const skipping = map<Row>((row, context) => (row.n === 1 ? bad(row, context) : row), {
      ...skip,
      onLeftOut: (error) => told.push(error),
    })
    expect(await linesThrough(lines, skipping)).toEqual(['{"n":0}', '{"n":2}'])
    expect(counts(skipping.counters)).toEqual({ in: 3, out: 2, leftOut: { MAP_FAILED: 1 }, notes: {} })
    expect(told.map(({ place }) => place?.line)).toEqual([2])
  })

  test('the records before it arrive, and its cause is kept', async () => {
    const cause = new Error('why')
    const seen: string[] = []
    const stage = map<Row>((row) => {
      if (row.n === 3) throw cause
      return { m: row.n }
    })
    const loop = async () => {
      for await (const { records } of Readable.from([file(rows(6))])
        .pipe(parse())
        .pipe(stage)
        .batches())
        seen.push(...records.map((record) => record.json()))
    }
    expect((await failure(loop())).cause).toBe(cause)
    expect(seen).toEqual(['{"m": 0}', '{"m": 1}', '{"m": 2}'])
  })

  test('one of ours keeps its code', async () => {
    const stage = map(() => {
      throw new SteerpipeError('BAD_SCORE', { found: 'a score that is none' })
    })
    expect(await refusal({}, stage)).toMatchObject({ code: 'BAD_SCORE', stage: 'map', place: { line: 1 } })
  })

  test('of a later stage name the line that the record was made from', async () => {
    const stage = map<Row>(({ n }) => [{ n }, { n }])
    const error = await failure(linesThrough(rows(2), stage, template({ dataset: 'helpsteer2' })))
    expect(error).toMatchObject({ code: 'MISSING_FIELD', place: { input: 'stream', line: 1, offset: 0 } })
    const objects = Readable.from([{ n: 0 }, { n: 1 }, { n: 2 }])
    const third = map<Row>(({ n }) => (n < 2 ? null : { n }))
    expect(await failure(linesFrom(objects, third, template({ dataset: 'helpsteer2' })))).toMatchObject({
      place: { input: 'objects', record: 3 },
    })
  })

  test.each<[unknown, string]>([
    [undefined, 'nothing'],
    [{ module: './x.mjs' }, 'an object without a function `map`'],
    ['./x.mjs', 'a value of type string'],
    [{ map: () => ({}), pur: true }, 'a stage with the unknown key "pur" (did you mean `pure`?)'],
    [{ map: () => ({}), pure: 'yes' }, 'a stage whose `pure` is neither true nor false'],
    [{ map: () => ({}), name: '' }, 'a stage whose `name` is no text'],
  ])('%j is no stage', (given, found) => {
    expect(thrown(() => map(given as never))).toMatchObject({
      code: 'BAD_OPTION',
      found: `\`map\` was given ${found}`,
    })
  })
})

describe('groups', () => {
  /** What becomes of a row: two of the first of each hundred, none of those that end in 7, an error for 9. */
  const work: MapFunction<Row, object> = (row) => {
    if (row.n % 10 === 9) throw new Error('nine')
    if (row.n % 10 === 7) return null
    return row.n % 10 === 4 ? [{ m: row.n }, { m: row.n }] : row
  }

  test('stay groups, go as a whole, and are the same whatever the chunks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(29), { maxLength: 20 }),
        fc.constantFrom(1, 2, 3),
        fc.integer({ min: 1, max: 60 }),
        async (numbers, group, size) => {
          const whole = numbers.slice(0, numbers.length - (numbers.length % group))
          const units = Array.from({ length: whole.length / group }, (_, i) =>
            whole.slice(i * group, (i + 1) * group),
          )
          const good = units.filter((unit) => !unit.some((n) => n % 10 === 9))
          const kept = good.filter((unit) => !unit.some((n) => n % 10 === 7))
          const stage = map(work, skip)
          const batches = await batchesOf(
            whole.map((n) => ({ n })),
            size,
            group,
            stage,
          )
          const seen = batches.flatMap(({ records, unitEnds }) => {
            const ends = unitEnds ?? records.map((_, i) => i + 1)
            return ends.map((end, i) => records.slice(i === 0 ? 0 : ends[i - 1], end).map((r) => r.json()))
          })
          const spelled = (n: number) => (n % 10 === 4 ? [`{"m": ${n}}`, `{"m": ${n}}`] : [`{"n":${n}}`])
          // Records that stand alone stay alone, also several that are made of one.
          expect(group === 1 ? seen.flat().map((line) => [line]) : seen).toEqual(
            group === 1
              ? kept
                  .flat()
                  .flatMap(spelled)
                  .map((line) => [line])
              : kept.map((unit) => unit.flatMap(spelled)),
          )
          expect(stage.counters.dropped.get('map') ?? 0).toBe((good.length - kept.length) * group)
          const left = [...stage.counters.leftOut.values()].reduce((a, b) => a + b, 0)
          expect(left).toBe((units.length - good.length) * group)
          expect(stage.counters.in).toBe(whole.length)
        },
      ),
    )
  })

  test('that are bound only behind it lose their partners, not their place', async () => {
    const pairs = Array.from({ length: 20 }, (_, n) => ({ n, prompt: `q${n}`, response: 'a' }))
    const lines: unknown[] = pairs.map((row) => (row.n === 3 ? '{' : row))
    const stages = [
      parse({}, skip),
      map((row: Row) => (row.n % 10 === 4 ? row : work(row, {} as never)), skip),
      template({ dataset: 'helpsteer2', group: 2 }, skip),
    ] as const
    const out = await linesFrom(Readable.from([file(lines)]), ...stages)
    const left = out.map((line) => Number(/"q(\d+)"/.exec(line)?.[1]))
    expect(left).toEqual([0, 1, 4, 5, 10, 11, 12, 13, 14, 15])
  })
})

describe('types', () => {
  test('a stage takes every wire, and gives records of a shape not known', () => {
    expectTypeOf(map((record) => record)).toEqualTypeOf<TypedStage<Wire, 'json'>>()
    expect(() =>
      compose(
        parse(),
        map((record) => record),
        labelFormat(),
        regressionExpand(),
      ),
    ).toBeTypeOf('function')
    // @ts-expect-error: a function gives objects
    expect(() => map(() => 'text')).toBeTypeOf('function')
  })

  test('a definition types its function', () => {
    const stage = defineStage<Row, { m: number }>({ map: ({ n }) => ({ m: n }), pure: true })
    expectTypeOf(stage).toEqualTypeOf<MapDefinition<Row, { m: number }>>()
    const same = defineStage<Row>({
      map: (row) => {
        expectTypeOf(row).toEqualTypeOf<Row>()
        return row
      },
    })
    expectTypeOf(same).toEqualTypeOf<MapDefinition<Row, Row>>()
    expect([stage, same].every(({ map: work }) => typeof work === 'function')).toBe(true)
  })
})
