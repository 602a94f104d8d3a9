/**
 * What the compiler says about wires. `tsc` checks this file: an error that is expected and does not come is an
 * error, and so is one that comes unexpected.
 */
import { PassThrough, Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  type AnyRecord,
  type Batch,
  type Composed,
  type Conversation,
  compose,
  type JsonRecord,
  labelFormat,
  objects,
  parse,
  regressionExpand,
  type Sample,
  type TemplateOptions,
  type TypedStage,
  template,
  write,
} from '../../src/index.js'
import { collector, file } from './support.js'

const dataset = { dataset: 'helpsteer2' } as const
const row = { prompt: 'q', response: 'a', helpfulness: 3 }

/** Compose only connects; what does not fit at run time is seen when data comes. So the calls below do no harm. */
const never = (connect: () => unknown) => expect(connect).toBeTypeOf('function')

describe('wires that do not fit', () => {
  test('samples into template, or into label-format', () => {
    // @ts-expect-error: takes json, but what comes before gives sample
    never(() => compose(regressionExpand(), template(dataset)))
    // @ts-expect-error: takes json | scored | conversation, but what comes before gives sample
    never(() => compose(parse(), regressionExpand(), labelFormat()))
    // @ts-expect-error: takes json | conversation, but what comes before gives sample
    never(() => compose(regressionExpand(), regressionExpand()))
  })

  test('template straight into regression-expand', () => {
    // @ts-expect-error: takes json | conversation, but what comes before gives scored
    never(() => compose(parse(), template(dataset), regressionExpand()))
    // @ts-expect-error: a mapping gives scores as well
    never(() => compose(template({ mapping: { prompt: 'p', response: 'r' } }), regressionExpand()))
    never(() => compose(parse(), template({ dataset: 'conversations' }), regressionExpand()))
    never(() => compose(parse(), regressionExpand()))
  })

  test('template after template, anything into parse', () => {
    // @ts-expect-error: takes json, but what comes before gives scored
    never(() => compose(template(dataset), template(dataset)))
    // @ts-expect-error: takes json, but what comes before gives conversation
    never(() => compose(labelFormat(), template(dataset)))
    // @ts-expect-error: parse takes bytes
    never(() => compose(template(dataset), parse()))
  })

  test('through a write in the middle, which gives what it takes', () => {
    // @ts-expect-error: takes json | conversation, but what comes before gives scored
    never(() => compose(parse(), template(dataset), write({ to: 'x' }), regressionExpand()))
    // @ts-expect-error: takes json, but what comes before gives sample
    never(() => compose(regressionExpand(), write({ to: 'x' }), write({ to: 'y' }), template(dataset)))
    never(() => compose(parse(), write({ to: 'x' }), template(dataset), write({ to: 'y' }), labelFormat()))
  })

  test('with options that are only known at run time, both kinds must fit', () => {
    const options = dataset as TemplateOptions
    // @ts-expect-error: may give scores
    never(() => compose(parse(), template(options), regressionExpand()))
    never(() => compose(parse(), template(options), labelFormat(), regressionExpand()))
  })
})

describe('wires that cannot be checked are let through', () => {
  test('another’s stream, objects(), bytes', () => {
    never(() => compose(regressionExpand(), new PassThrough({ objectMode: true }), template(dataset)))
    never(() => compose(regressionExpand(), objects(), new Transform(), template(dataset)))
    never(() => compose(regressionExpand(), write(), parse(), template(dataset)))
    never(() => compose(new PassThrough(), parse()))
  })
})

describe('batches know their records', () => {
  const bytes = () => Readable.from([file([row])])

  test('of a stage', () => {
    expectTypeOf(parse().batches()).toEqualTypeOf<AsyncIterable<Batch<JsonRecord>>>()
    expectTypeOf(template(dataset).batches()).toEqualTypeOf<AsyncIterable<Batch<Conversation>>>()
    expectTypeOf(labelFormat().batches()).toEqualTypeOf<AsyncIterable<Batch<Conversation>>>()
    expectTypeOf(regressionExpand().batches()).toEqualTypeOf<AsyncIterable<Batch<Sample>>>()
    expectTypeOf(write({ to: 'x' }).batches()).toEqualTypeOf<AsyncIterable<Batch<AnyRecord>>>()
  })

  test('a sample has text, a conversation turns', async () => {
    const samples = bytes().pipe(compose(parse(), template(dataset), labelFormat(), regressionExpand()))
    for await (const { records } of samples.batches()) {
      expectTypeOf(records).toEqualTypeOf<readonly Sample[]>()
      for (const sample of records) expect(sample.text.endsWith('<extra_id_2>')).toBe(true)
      // @ts-expect-error: a sample has no turns
      expect(records[0].turns).toBeUndefined()
    }
    for await (const { records } of bytes()
      .pipe(compose(parse(), template(dataset)))
      .batches()) {
      expect(records.flatMap((conversation) => conversation.turns.map((turn) => turn.value))).toEqual([
        'q',
        'a',
      ])
      // @ts-expect-error: a conversation has no text
      expect(records[0].text).toBeUndefined()
    }
    for await (const { records } of bytes().pipe(parse()).batches()) {
      for (const record of records) expect(record.type(record.root)).toBe('an object')
    }
  })

  test('write({ to }) keeps them', () => {
    const made = () => compose(parse(), regressionExpand(), write({ to: 'x' }))
    expectTypeOf(made).returns.toEqualTypeOf<Composed<'sample'>>()
    expectTypeOf<ReturnType<ReturnType<typeof made>['batches']>>().toEqualTypeOf<
      AsyncIterable<Batch<Sample>>
    >()
  })

  test('write() ends them, and so does another’s stream', () => {
    const bytesOut = () => compose(parse(), write())
    expectTypeOf<ReturnType<ReturnType<typeof bytesOut>['batches']>>().toEqualTypeOf<AsyncIterable<unknown>>()
    const others = () => compose(parse(), new PassThrough({ objectMode: true }))
    expectTypeOf<ReturnType<ReturnType<typeof others>['batches']>>().toEqualTypeOf<AsyncIterable<unknown>>()
    const again = () => compose(parse(), new PassThrough({ objectMode: true }), labelFormat())
    expectTypeOf(again).returns.toEqualTypeOf<Composed<'conversation'>>()
  })
})

describe('Node’s own typings', () => {
  test('take a stage for a stream', async () => {
    const stages = [parse(), labelFormat(), regressionExpand(), write()] as const
    expectTypeOf(stages).toExtend<readonly NodeJS.ReadWriteStream[]>()
    expectTypeOf(stages).toExtend<readonly Transform[]>()
    const seen: Buffer[] = []
    const line = { conversations: [{ from: 'A', value: 'a', label: 'quality:1' }], mask: 'U' }
    await pipeline(Readable.from([file([line])]), ...stages, collector<Buffer>(seen))
    expect(Buffer.concat(seen).toString()).toContain('"label": [1.0, ')
  })

  test('a stage has the type that is written down for it', () => {
    expectTypeOf(template(dataset)).toEqualTypeOf<TypedStage<'json', 'scored'>>()
    expectTypeOf(template({ dataset: 'conversations' })).toEqualTypeOf<TypedStage<'json', 'conversation'>>()
    expectTypeOf(regressionExpand()).toEqualTypeOf<TypedStage<'json' | 'conversation', 'sample'>>()
  })
})

describe('options', () => {
  test('are checked by name and type', () => {
    // @ts-expect-error: no such data set
    expect(() => template({ dataset: 'helpsteer3' })).toThrow('dataset')
    // @ts-expect-error: no such option
    expect(() => labelFormat({ rounding: 'none' })).toThrow('rounding')
    // @ts-expect-error: a number
    expect(() => parse({ group: '2' })).toThrow('group')
    // @ts-expect-error: no such policy
    never(() => parse({}, { onError: 'ignore' }))
    // @ts-expect-error: an attribute is a name, or has one
    expect(() => regressionExpand({ attributes: [{ min: 0 }] })).toThrow('attributes')
  })
})
