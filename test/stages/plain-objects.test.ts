/**
 * Plain objects written into a stage: when they move, what is kept of them, and what is refused.
 */
import { PassThrough, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type Batch, labelFormat, objects, template, write } from '../../src/index.js'
import { collector, counts, failure, linesFrom, until } from './support.js'

const row = (i: number) => ({ prompt: `q${i}`, response: 'a', helpfulness: i % 5 })

describe('gathering', () => {
  test('a slow source’s first record arrives before its second is written', async () => {
    const seen: unknown[] = []
    const source = new Readable({ objectMode: true, read() {} })
    const stages = [template({ dataset: 'helpsteer2' }), labelFormat(), objects()]
    const running = pipeline([source, ...stages, collector(seen)])
    for (let i = 0; i < 3; i++) {
      source.push(row(i))
      await until(() => seen.length === i + 1, `record ${i + 1}`)
    }
    source.push(null)
    await running
    expect(seen).toHaveLength(3)
  })

  test('those that wait for a busy consumer go on without another one coming', async () => {
    const seen: Batch[] = []
    const source = new Readable({ objectMode: true, read() {} })
    const running = pipeline([
      source,
      labelled(),
      new PassThrough({ objectMode: true, highWaterMark: 1 }),
      collector(seen, 8),
    ])
    const count = () => seen.reduce((sum, { records }) => sum + records.length, 0)
    for (let i = 0; i < 40; i++) {
      source.push(row(i))
      await turn()
    }
    await until(() => count() === 40, 'all of them')
    source.push(null)
    await running
  })

  test('what comes in one turn of the loop goes on in batches, of at most 256', async () => {
    const sizes: number[] = []
    const batches = Readable.from(Array.from({ length: 1000 }, (_, i) => row(i)))
      .pipe(labelled())
      .batches()
    for await (const batch of batches) sizes.push(batch.records.length)
    expect(sizes.reduce((a, b) => a + b)).toBe(1000)
    expect(Math.max(...sizes)).toBe(256)
    expect(sizes.length).toBeLessThan(100)
  })

  test('the last ones are not forgotten', async () => {
    for (const count of [0, 1, 255, 256, 257, 512, 700]) {
      const rows = Array.from({ length: count }, (_, i) => row(i))
      expect(await linesFrom(Readable.from(rows), template({ dataset: 'helpsteer2' }))).toHaveLength(count)
    }
  })

  test('a place is the number of the object', async () => {
    const rows = [...Array.from({ length: 300 }, (_, i) => row(i)), { prompt: 'q' }]
    const error = await failure(linesFrom(Readable.from(rows), template({ dataset: 'helpsteer2' })))
    expect(error.place).toEqual({ input: 'objects', record: 301, offset: undefined })
    expect(error.message).toContain('objects, record 301, template: no `response`')
  })
})

const labelled = () => template({ dataset: 'helpsteer2' })

/** The line that an object becomes. */
const lineOf = async (object: object): Promise<string> => (await linesFrom(Readable.from([object])))[0]

describe('what is kept', () => {
  test.each<[string, object, string]>([
    ['escapes', { a: '"\\\n\u0001\u007f/é😀\u2028' }, '{"a": "\\"\\\\\\n\\u0001\u007f/é😀\u2028"}'],
    ['surrogates alone, in keys too', { '\ud800': '\udfff\ud83d' }, '{"\\ud800": "\\udfff\\ud83d"}'],
    ['surrogates in the wrong order', { a: '\ude00\ud83d' }, '{"a": "\\ude00\\ud83d"}'],
    [
      'numbers as JavaScript spells them',
      { a: [3.0, 1e21, 1e-7, -0, 2 ** 53] },
      '{"a": [3, 1e+21, 1e-7, 0, 9007199254740992]}',
    ],
    ['line ends and commas inside text', { 'k,\n ': 'v,\n  "x":\n' }, '{"k,\\n ": "v,\\n  \\"x\\":\\n"}'],
    ['nothing', {}, '{}'],
    ['empty inside', { a: [], b: {}, c: '', d: [[], [{}]] }, '{"a": [], "b": {}, "c": "", "d": [[], [{}]]}'],
    ['null, and what is undefined not', { a: null, b: undefined, c: [null] }, '{"a": null, "c": [null]}'],
    ['what says itself how it is spelled', { a: new Date(0) }, '{"a": "1970-01-01T00:00:00.000Z"}'],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 }), '{"a": 1}'],
    ['`__proto__`', JSON.parse('{"__proto__": 1}'), '{"__proto__": 1}'],
    [
      'an object of a class',
      new (class Row {
        a = 1
      })(),
      '{"a": 1}',
    ],
    ['a text that says null', { a: 'null' }, '{"a": "null"}'],
  ])('%s', async (_name, object, line) => {
    expect(await lineOf(object)).toBe(line)
  })

  test('the objects themselves are not changed, and may be afterwards', async () => {
    const object = Object.freeze({ prompt: 'q', response: 'a', quality: Object.freeze({}) })
    await failure(linesFrom(Readable.from([object]), labelled()))
    const reused = { prompt: '', response: 'a' }
    const source = async function* () {
      for (const prompt of ['one', 'two']) {
        reused.prompt = prompt
        yield { ...reused }
      }
    }
    const lines = await linesFrom(Readable.from(source()), labelled())
    expect(lines.map((line) => /"value": "(\w+)"/.exec(line)?.[1])).toEqual(['one', 'two'])
  })
})

const circular: Record<string, unknown> = {}
circular.self = circular
let deep: unknown = {}
for (let i = 0; i < 20_000; i++) deep = { deep }

describe('what is refused', () => {
  const bad: [string, unknown, RegExp][] = [
    ['a text', '{"a": 1}', /^the text "\{\\"a\\": 1\}"$/],
    ['a number', 3, /type number/],
    ['a bigint', 3n, /type bigint/],
    ['true', true, /type boolean/],
    ['undefined', undefined, /type undefined/],
    ['a function', () => 1, /type function/],
    ['an array', [{ a: 1 }], /type array/],
    ['a Date', new Date(0), /JSON writes as "\\"1970/],
    ['a Buffer', Buffer.from('{}'), /bytes/],
    ['typed numbers', new Float64Array(2), /bytes/],
    ['a Map', new Map([['a', 1]]), /a Map/],
    ['a Set', new Set(['a']), /a Set/],
    ['a circular object', circular, /circular/],
    ['a bigint inside', { a: [1n] }, /BigInt/],
    ['NaN inside', { a: [{ b: Number.NaN }] }, /the number NaN/],
    ['an infinite number', { a: null, b: Number.NEGATIVE_INFINITY }, /the number -Infinity/],
    ['deeper than the stack', deep, /stack/],
    ['an object that says it is a text', { toJSON: () => 'x' }, /JSON writes as "\\"x\\""/],
  ]

  test.each(bad)('%s', async (_name, value, found) => {
    for (const stage of [labelled(), write(), objects()] as NodeJS.ReadWriteStream[]) {
      const running = pipeline([Readable.from([row(0), value, row(1)]), stage, collector([])])
      const error = await failure(running)
      expect(error).toMatchObject({
        code: 'PLAIN_OBJECT',
        expected: 'a batch or a plain object',
        place: { input: 'objects', record: 2 },
      })
      expect(error.found).toMatch(found)
      expect(['template', 'write', 'objects']).toContain(error.stage)
    }
  })

  test('a text is told what makes an object of it', async () => {
    const error = await failure(linesFrom(Readable.from(['{}']), labelled()))
    expect(error.fix).toContain('split2(JSON.parse)')
  })

  test('the records before it arrive', async () => {
    const seen: Batch[] = []
    await failure(pipeline(Readable.from([row(0), row(1), 'x', row(2)]), labelled(), collector<Batch>(seen)))
    expect(seen.flatMap(({ records }) => records)).toHaveLength(2)
  })

  test('with skip it is counted, and the rest goes on', async () => {
    const stage = template({ dataset: 'helpsteer2' }, { onError: 'skip' })
    const values = [row(0), 'x', row(1), 3, {}, row(2)]
    expect(await linesFrom(Readable.from(values), stage)).toHaveLength(3)
    expect(counts(stage.counters)).toEqual({
      in: 6,
      out: 3,
      leftOut: { PLAIN_OBJECT: 2, MISSING_FIELD: 1 },
      notes: {},
    })
  })
})

test.each([
  [{ m: new Map([[1, 2]]) }, 'a Map'],
  [{ a: [{ s: new Set() }] }, 'a Set'],
  [{ p: Promise.resolve(1) }, 'a Promise'],
  [{ e: new Error('x') }, 'an Error'],
  [{ r: /x/ }, 'a RegExp'],
  [{ u: new Uint8Array(2) }, 'an Uint8Array'],
  [{ f: () => 1 }, 'a function'],
  [{ s: Symbol('x') }, 'a symbol'],
  [{ a: [undefined] }, 'undefined in an array'],
  [{ n: [Number.NaN] }, 'the number NaN'],
])('%j is refused: %s has no spelling in JSON', async (value, what) => {
  const error = await failure(linesFrom(Readable.from([value]), labelFormat()))
  expect(error.code).toBe('PLAIN_OBJECT')
  expect(error.message).toContain(`${what}, which JSON cannot spell`)
})

test('dates, classes, boxed values and fields that are undefined are what JSON.stringify has for them', async () => {
  class Turn {
    from = 'A'
    value = 'v'
  }
  const value = { conversations: [new Turn()], mask: Object('U'), at: new Date(0), none: undefined }
  expect(await linesFrom(Readable.from([value]), labelFormat())).toEqual([
    '{"conversations": [{"from": "A", "value": "v"}], "mask": "U", "at": "1970-01-01T00:00:00.000Z"}',
  ])
})
