import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { beforeEach, describe, expect, test } from 'vitest'
import { SteerpipeError } from '../../src/errors.js'
import { type RunSettings, runPipeline } from '../../src/pipeline/run.js'
import { filesBelow, prepare, put, rows, run, textOf, useWorkFolder } from './support.js'

useWorkFolder()
beforeEach(() => put({ 'a.jsonl': rows(1, 5), 'b.jsonl': rows(6, 8) }))

const TWO = `name: x
inputs: { one: a.jsonl, two: b.jsonl, three: a.jsonl }
stages:
  - template: helpsteer2
  - label-format
  - write: out/\${input}.sft.jsonl
  - regression-expand
  - write: out/\${input}.reg.jsonl
`

/** How many lines each file of the outputs has. */
const lines = (): Record<string, number> =>
  Object.fromEntries(filesBelow('out').map((path) => [path, (textOf(path) ?? '').split('\n').length - 1]))

describe('a bad record in the second input', () => {
  test.each<[string, string, Record<string, unknown>]>([
    ['that is no JSON', 'no json', { code: 'JSON_SYNTAX', stage: 'parse' }],
    ['that lacks a field', '{"prompt":"p"}', { code: 'MISSING_FIELD', stage: 'template' }],
    [
      'with a bad score',
      '{"prompt":"p","response":"r","humor":"x"}',
      { code: 'BAD_SCORE', stage: 'template' },
    ],
  ])('%s: the first is whole, the good records of the second are kept beside', async (_, bad, error) => {
    put({ 'b.jsonl': `${rows(6, 7)}${bad}\n${rows(8, 9)}` })
    await expect(run(TWO)).rejects.toMatchObject({
      ...error,
      place: { input: 'b.jsonl', line: 3, offset: rows(6, 7).length },
    })
    expect(lines()).toEqual({
      'out/one.sft.jsonl': 5,
      'out/one.reg.jsonl': 5,
      'out/two.sft.jsonl.partial': 2,
      'out/two.reg.jsonl.partial': 2,
    })
  })

  test('is left out by reason with `skip`', async () => {
    put({ 'b.jsonl': `${rows(6, 7)}no json\n{"prompt":"p"}\n${rows(8, 9)}` })
    const report = await run(TWO, { onError: 'skip' })
    expect(
      report.inputs[1].stages.map(({ counters }) => [counters.in, counters.out, ...counters.leftOut.keys()]),
    ).toEqual([
      [6, 5, 'JSON_SYNTAX'],
      [5, 4, 'MISSING_FIELD'],
      [4, 4],
      [4, 4],
      [4, 4],
      [4, 4],
    ])
    expect(lines()['out/two.reg.jsonl']).toBe(4)
  })
})

test('a bad first record leaves no empty file', async () => {
  put({ 'a.jsonl': 'no json\n' })
  await expect(run(TWO)).rejects.toMatchObject({ code: 'JSON_SYNTAX' })
  expect(filesBelow('out')).toEqual([])
})

test('what is beside the name of an output from an earlier run is replaced', async () => {
  put({ 'out/one.sft.jsonl.partial': 'x'.repeat(1_000_000) })
  await run(TWO)
  expect(Object.keys(lines())).toHaveLength(6)
  expect(lines()['out/one.sft.jsonl']).toBe(5)
})

test.each<[string, string]>([
  ['a file that went away after the check', 'NO_SUCH_INPUT'],
  ['a gzip file that is cut short', 'GZIP_DAMAGED'],
])('%s', async (_, code) => {
  const checked = await prepare(TWO)
  if (code === 'NO_SUCH_INPUT') rmSync('b.jsonl')
  else put({ 'b.jsonl': gzipSync(rows(1, 1000)).subarray(0, 200) })
  await expect(runPipeline(checked, {})).rejects.toMatchObject({ code, place: { input: 'b.jsonl' } })
  expect(textOf('out/one.sft.jsonl')).toBeDefined()
  expect(textOf('out/two.sft.jsonl')).toBeUndefined()
})

describe('an output that is there already', () => {
  beforeEach(() => put({ 'out/two.reg.jsonl': 'mine\n' }))

  test('is never replaced, even if nobody looked before', async () => {
    await expect(run(TWO)).rejects.toMatchObject({
      code: 'OUTPUT_EXISTS',
      place: { input: 'out/two.reg.jsonl' },
    })
    expect(textOf('out/two.reg.jsonl')).toBe('mine\n')
    expect(lines()).toMatchObject({ 'out/one.sft.jsonl': 5, 'out/one.reg.jsonl': 5 })
    expect(textOf('out/two.sft.jsonl')).toBeUndefined()
  })

  test.each<[string, string, RunSettings]>([
    ['by force', TWO, { force: true }],
    ['if the definition says so', `${TWO}overwrite: true\n`, {}],
  ])('is replaced %s', async (_, text, settings) => {
    await run(text, settings)
    expect(lines()['out/two.reg.jsonl']).toBe(3)
  })

  test('is as it was when a run by force fails', async () => {
    put({ 'b.jsonl': `${rows(6, 7)}no json\n` })
    await expect(run(TWO, { force: true })).rejects.toBeInstanceOf(SteerpipeError)
    expect(textOf('out/two.reg.jsonl')).toBe('mine\n')
  })
})

describe('a signal', () => {
  beforeEach(() => put({ 'b.jsonl': rows(1, 30_000) }))

  test('leaves nothing of the input that the run was at', async () => {
    const abort = new AbortController()
    const started = run(TWO, {
      signal: abort.signal,
      onProgress: ({ input }) => {
        if (input === 'two') abort.abort()
      },
    })
    await expect(started).rejects.toMatchObject({ name: 'AbortError' })
    expect(lines()).toEqual({ 'out/one.sft.jsonl': 5, 'out/one.reg.jsonl': 5 })
    // Nor does anything come later.
    await sleep(50)
    expect(Object.keys(lines())).toHaveLength(2)
  })

  test('that was given before leaves nothing at all', async () => {
    await expect(run(TWO, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' })
    expect(filesBelow('out')).toEqual([])
  })

  test('leaves nothing of a source’s own outputs', async () => {
    const abort = new AbortController()
    const text =
      'name: x\ninputs: [{ from: b.jsonl, stages: [write: out/own.jsonl] }]\nstages: [write: out/all.jsonl]\n'
    const started = run(text, { signal: abort.signal, onProgress: () => abort.abort() })
    await expect(started).rejects.toMatchObject({ name: 'AbortError' })
    expect(filesBelow('out')).toEqual([])
  })

  test('that never comes changes nothing', async () => {
    await run(TWO, { signal: new AbortController().signal })
    expect(lines()['out/two.reg.jsonl']).toBe(30_000)
  })
})
