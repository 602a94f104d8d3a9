/**
 * Preference pairs through every stage: lines 2k and 2k+1 still belong together behind it, whether the pairs come
 * straight from their rows or from a file in between; and a bad half takes the other one with it.
 */
import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import {
  dedupe,
  filter,
  labelFormat,
  length,
  limit,
  map,
  parse,
  regressionExpand,
  repeat,
  type StageSettings,
  sample,
  shuffle,
  skip,
  split,
  template,
  write,
} from '../../src/index.js'
import { runPipeline } from '../../src/pipeline/run.js'
import { prepare, put, textOf, useWorkFolder } from '../pipeline/support.js'
import { type Between, counts, file, linesFrom } from './support.js'

useWorkFolder()

/** Enough for the shuffles to need their files within 1 MB. */
const COUNT = 120

/** A row of two answers, of which every eighth has a second one that is much longer. */
function row(n: number): Record<string, unknown> {
  const said = `prompt ${n} of some`
  const several = `${said}\n<extra_id_1>Assistant\nwhich?\n<extra_id_1>User\nthis`
  return {
    split: n % 4 === 0 ? 'validation' : 'train',
    prompt: n % 3 === 0 ? several : said,
    response_1: `first answer to ${n} ${'é'.repeat(900)}`,
    response_2: `second answer to ${n} ${'–'.repeat(n % 8 === 0 ? 3000 : 900)}`,
    preference_strength: (n % 7) - 3,
  }
}

/** Some rows occur twice, and some share their prompt and their first answer with another. */
const ROWS = Array.from({ length: COUNT }, (_, n) => {
  if (n % 10 === 7) return row(n - 1)
  if (n % 10 === 4) return { ...row(n - 1), response_2: `second answer to ${n - 1}, put otherwise` }
  return row(n)
})

const rowsToPairs = (settings?: StageSettings) => [
  parse({}, settings),
  template({ dataset: 'helpsteer2-preference', splitTurns: true }, settings),
]

const straight = (stages: readonly Between[], rows: readonly unknown[] = ROWS): Promise<string[]> =>
  linesFrom(Readable.from([file(rows)]), ...rowsToPairs(), ...stages)

/** The pairs as they stand in a file. */
const PAIRS = await straight([])

const fromFile = (
  stages: readonly Between[],
  lines: readonly string[] = PAIRS,
  settings?: StageSettings,
): Promise<string[]> => linesFrom(Readable.from([file(lines)]), parse({ group: 2 }, settings), ...stages)

/** Which prompt each line has, in the order of the lines. */
const numbers = (lines: readonly string[]): number[] =>
  lines.map((line) => Number(/prompt (\d+) of/.exec(line)?.[1]))

/** Which half each line is; undefined where the answer was cut off. */
const halves = (lines: readonly string[]): (string | undefined)[] =>
  lines.map((line) => /(first|second) answer/.exec(line)?.[1])

function expectPairs(lines: readonly string[]): void {
  expect(lines.length % 2).toBe(0)
  const prompts = numbers(lines)
  const sides = halves(lines)
  for (let at = 0; at < lines.length; at += 2) {
    expect(prompts[at]).toBeGreaterThanOrEqual(0)
    expect(prompts[at + 1]).toBe(prompts[at])
    expect(sides[at]).not.toBe('second')
    expect(sides[at + 1]).not.toBe('first')
  }
}

const numberOf = (record: object): number => numbers([JSON.stringify(record)])[0]

/** Changes some, and has nothing for the second half of others. */
const changeSome = (record: Record<string, unknown>) => {
  const n = numberOf(record)
  if (n % 5 === 0) return halves([JSON.stringify(record)])[0] === 'second' ? null : record
  return n % 4 === 1 ? { ...record, n } : record
}

const PARTS = { train: 0.7, val: 0.3 }

/** Each stage, and whether all pairs come out of it, more, or fewer. */
const STAGES: [name: string, stages: () => Between[], much: 'all' | 'more' | 'fewer'][] = [
  ['shuffle: python', () => [shuffle()], 'all'],
  ['shuffle: python, through a file', () => [shuffle({ memory: '1MB' })], 'all'],
  ['shuffle: buckets', () => [shuffle({ algorithm: 'buckets' })], 'all'],
  ['shuffle: buckets, through a file', () => [shuffle({ algorithm: 'buckets', memory: '1MB' })], 'all'],
  ['split by count', () => [split({ parts: PARTS })], 'all'],
  ['split by count, through a file', () => [split({ parts: PARTS, memory: '1MB' })], 'all'],
  ['split by count, behind a shuffle', () => [shuffle(), split({ parts: PARTS })], 'all'],
  ['split by prompt', () => [split({ parts: PARTS, by: 'prompt' })], 'all'],
  ['split by conversation', () => [split({ parts: PARTS, by: 'conversation' })], 'all'],
  ['repeat', () => [repeat({ times: 3 })], 'more'],
  ['limit, in the middle of a pair', () => [limit({ count: 31 })], 'fewer'],
  ['skip, in the middle of a pair', () => [skip({ count: 31 })], 'fewer'],
  ['sample', () => [sample({ fraction: 0.4 })], 'fewer'],
  ['filter: all', () => [filter({ where: 'chars < 1000' })], 'fewer'],
  ['filter: any', () => [filter({ where: 'chars > 1000', match: 'any' })], 'fewer'],
  ['dedupe', () => [dedupe()], 'fewer'],
  ['dedupe by prompt', () => [dedupe({ by: 'prompt' })], 'fewer'],
  ['length: drop', () => [length({ maxChars: 1000 })], 'fewer'],
  ['length: cut-turns', () => [length({ maxChars: 1000, on: 'cut-turns' })], 'fewer'],
  ['map', () => [map(changeSome)], 'fewer'],
  ['label-format', () => [labelFormat()], 'all'],
  ['regression-expand', () => [labelFormat(), regressionExpand()], 'all'],
  ['write', () => [write({ to: 'on-the-way.jsonl' }, { overwrite: true })], 'all'],
]

describe.each(STAGES)('%s', (_, stages, much) => {
  test('keeps pairs together, with the same bytes straight and after a file', async () => {
    const lines = await straight(stages())
    expectPairs(lines)
    expect(await fromFile(stages())).toEqual(lines)
    if (much === 'all') expect(lines).toHaveLength(PAIRS.length)
    if (much === 'more') expect(lines.length).toBeGreaterThan(PAIRS.length)
    if (much === 'fewer') {
      expect(lines.length).toBeGreaterThan(0)
      expect(lines.length).toBeLessThan(PAIRS.length)
    }
  })

  test('sees nothing of pairs with a half that cannot be read', async () => {
    const withBad = PAIRS.map((line, at) => (at === 10 || at === 23 ? '{"conversations": oops' : line))
    const without = PAIRS.filter((_line, at) => ![10, 11, 22, 23].includes(at))
    expect(await fromFile(stages(), withBad, { onError: 'skip' })).toEqual(await fromFile(stages(), without))
  })
})

describe('the sides of a split', () => {
  /** What `write` has in each part's file. */
  const sides = async (by: string, pairs: typeof straight | typeof fromFile) => {
    const to = `${by}-\${part}.jsonl`
    await pairs([split({ parts: PARTS, by }), write({ to }, { overwrite: true })])
    return Object.keys(PARTS).map((part) => textOf(`${by}-${part}.jsonl`)?.split('\n').slice(0, -1) ?? [])
  }

  test.each(['count', 'prompt', 'conversation'])('have whole pairs, and are the same (%s)', async (by) => {
    const parts = await sides(by, straight)
    for (const lines of parts) {
      expect(lines.length).toBeGreaterThan(0)
      expectPairs(lines)
    }
    expect(parts.flat()).toHaveLength(PAIRS.length)
    expect(await sides(by, fromFile)).toEqual(parts)
  })
})

test('what `write` wrote on the way is what went on', async () => {
  const lines = await straight([write({ to: 'on-the-way.jsonl' }), shuffle()])
  const written = readFileSync('on-the-way.jsonl', 'utf8').split('\n').slice(0, -1)
  expect(written).toEqual(PAIRS)
  expect([...lines].sort()).toEqual([...PAIRS].sort())
})

describe('a half that is bad to a stage takes its partner with it', () => {
  const settings: StageSettings = { onError: 'skip' }
  const refusing = (record: Record<string, unknown>) => {
    if (!Array.isArray(record.conversations)) throw new Error('not this one')
    return record
  }

  test.each([
    ['filter', () => filter({ where: 'chars > 0' }, settings)],
    ['filter: any', () => filter({ where: 'chars > 0', match: 'any' }, settings)],
    ['length', () => length({ maxTurns: 10 }, settings)],
    ['dedupe', () => dedupe({ by: 'prompt' }, settings)],
    ['split', () => split({ parts: PARTS, by: 'prompt' }, settings)],
    ['label-format', () => labelFormat({}, settings)],
    ['map', () => map(refusing, settings)],
    ['regression-expand', () => regressionExpand({}, settings)],
  ])('%s', async (name, make) => {
    // A pair is split by its first half, and the other one not looked at.
    const bad = name === 'split' ? 10 : 11
    const labelled = name === 'regression-expand' ? await fromFile([labelFormat()]) : PAIRS
    const stage = make()
    const lines = await fromFile(
      [stage],
      labelled.map((line, at) => (at === bad ? '{"conversations": 7, "mask": "User"}' : line)),
    )
    expectPairs(lines)
    expect(numbers(lines)).toContain(6)
    expect(numbers(lines)).not.toContain(5)
    const { leftOut } = counts(stage.counters)
    expect(Object.values(leftOut)).toEqual([1, 1])
    expect(leftOut).toMatchObject({ partner: 1 })
  })

  test('template: the answers of one row', async () => {
    const rows = ROWS.map((each, at) => (at === 5 ? { ...each, response_2: 7 } : each))
    const stages = rowsToPairs(settings)
    const lines = await linesFrom(Readable.from([file(rows)]), ...stages)
    expect(lines).toEqual(PAIRS.filter((_, at) => at !== 10 && at !== 11))
  })
})

test('interleaved sources of pairs, rows and a file', async () => {
  put({
    'rows.jsonl': file(ROWS.slice(0, 60)),
    'pairs.jsonl': `${PAIRS.slice(120, 240).join('\n')}\n`,
  })
  const definition = await prepare(`name: x
inputs:
  all:
    from:
      - { from: rows.jsonl, stages: [template: { dataset: helpsteer2-preference, split-turns: true }] }
      - { from: pairs.jsonl, weight: 2, stages: [parse: { group: 2 }] }
    order: interleave
stages:
  - write: mixed.jsonl
  - repeat: 2
  - write: twice.jsonl
`)
  await runPipeline(definition, {})
  const mixed = textOf('mixed.jsonl')?.split('\n').slice(0, -1) ?? []
  expectPairs(mixed)
  expect(mixed).not.toEqual(PAIRS)
  const isRow = numbers(mixed).map((n) => n < 60)
  expect(mixed.filter((_, at) => isRow[at])).toEqual(PAIRS.slice(0, 120))
  expect(mixed.filter((_, at) => !isRow[at])).toEqual(PAIRS.slice(120))
  const twice = textOf('twice.jsonl')?.split('\n').slice(0, -1)
  const pairs = Array.from({ length: mixed.length / 2 }, (_, k) => mixed.slice(2 * k, 2 * k + 2))
  expect(twice).toEqual(pairs.flatMap((pair) => [...pair, ...pair]))
})
