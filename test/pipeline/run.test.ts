import { gzipSync } from 'node:zlib'
import { beforeEach, describe, expect, test } from 'vitest'
import { reportData } from '../../src/observe/report.js'
import type { Progress } from '../../src/pipeline/run.js'
import { counts, FULL, filesBelow, prompts, put, row, rows, run, textOf, useWorkFolder } from './support.js'

useWorkFolder()
beforeEach(() => put({ 'a.jsonl': rows(1, 5), 'b.jsonl': rows(6, 8) }))

describe('one pass over each input', () => {
  test('writes all that the definition names, and nothing else', async () => {
    await run(FULL)
    expect(filesBelow('out')).toEqual([
      'out/reg/one.jsonl',
      'out/reg/two.jsonl',
      'out/sft/one.jsonl',
      'out/sft/two.jsonl',
    ])
    expect(prompts('out/sft/one.jsonl')).toEqual(['p1', 'p2', 'p3', 'p4', 'p5'])
    expect(prompts('out/reg/two.jsonl')).toEqual(['p6', 'p7', 'p8'])
    expect(textOf('out/sft/two.jsonl')).toContain('"label": "helpfulness:1"}')
    expect(textOf('out/reg/two.jsonl')).toMatch(/<extra_id_2>", "label": \[-100\.0, .*1\.0, /)
  })

  test('says what it did', async () => {
    const report = await run(FULL)
    expect(reportData(report)).toEqual({
      pipeline: 'full',
      seconds: expect.any(Number),
      leftOut: 0,
      inputs: [
        { input: 'one', files: ['a.jsonl'], records: 5 },
        { input: 'two', files: ['b.jsonl'], records: 3 },
      ].map(({ input, files, records }) => {
        const stage = (name: string, outputs: string[] = []) => ({
          stage: name,
          in: records,
          out: records,
          dropped: {},
          leftOut: {},
          notes: {},
          outputs: outputs.map((path) => ({ path, bytes: textOf(path)?.length })),
        })
        return {
          input,
          files,
          bytes: textOf(files[0])?.length,
          seconds: expect.any(Number),
          stages: [
            stage('parse'),
            stage('template'),
            stage('label-format'),
            stage('write', [`out/sft/${input}.jsonl`]),
            stage('regression-expand'),
            stage('write', [`out/reg/${input}.jsonl`]),
          ],
        }
      }),
    })
  })

  test('tells how far it is, to the end', async () => {
    const told: Progress[] = []
    await run(FULL, { onProgress: (progress) => told.push(progress) })
    for (const [input, file, records] of [
      ['one', 'a.jsonl', 5],
      ['two', 'b.jsonl', 3],
    ] as const) {
      const bytes = textOf(file)?.length
      expect(told.filter((progress) => progress.input === input).at(-1)).toMatchObject({
        input,
        records,
        bytes,
        total: bytes,
        status: '',
      })
    }
  })

  test('over empty and compressed inputs', async () => {
    put({ 'empty.jsonl': '', 'c.jsonl.gz': gzipSync(rows(1, 2)) })
    const report = await run(FULL.replace('a.jsonl', 'empty.jsonl').replace('b.jsonl', 'c.jsonl.gz'))
    expect(textOf('out/sft/one.jsonl')).toBe('')
    expect(textOf('out/reg/one.jsonl')).toBe('')
    expect(prompts('out/reg/two.jsonl')).toEqual(['p1', 'p2'])
    expect(report.inputs.map(({ bytes }) => bytes)).toEqual([0, rows(1, 2).length])
  })

  test('over inputs of many chunks', async () => {
    put({ 'a.jsonl': rows(1, 20_000) })
    const report = await run(FULL)
    expect(counts(report)[0]).toBe('parse 20000 20000')
    expect(prompts('out/reg/one.jsonl')).toEqual(
      Array.from({ length: 20_000 }, (_, index) => `p${index + 1}`),
    )
  })
})

test('records that nothing changes are written as they were read', async () => {
  const odd = '{ "prompt":"p\\u00e9" , "n":12345678901234567890, "n":1.50 }'
  put({ 'a.jsonl': `${odd}\n\n${row(1)}` })
  await run('name: x\ninputs: a.jsonl\nstages: [write: out.jsonl]\n')
  expect(textOf('out.jsonl')).toBe(`${odd}\n${row(1)}\n`)
})

test('parts: each has its file, if only an empty one', async () => {
  const pair = (n: number) =>
    JSON.stringify({
      prompt: `p${n}`,
      response_1: 'a',
      response_2: 'b',
      preference_strength: 1,
      split: 'train',
    })
  put({ 'a.jsonl': `${pair(1)}\n${pair(2)}\n` })
  const text = `name: x
attributes: [{ name: quality, min: -3, max: 3 }]
inputs: a.jsonl
stages: [template: helpsteer2-preference, label-format, write: "out/\${part}.jsonl"]
`
  const report = await run(text, { limit: 1 })
  expect(prompts('out/train.jsonl')).toEqual(['p1', 'p1'])
  expect(textOf('out/val.jsonl')).toBe('')
  expect(report.inputs[0].stages.at(-1)?.outputs.map(({ path }) => path)).toEqual([
    'out/train.jsonl',
    'out/val.jsonl',
  ])
  expect(counts(report)).toEqual(['parse 1 1', 'template 1 2', 'label-format 2 2', 'write 2 2'])
})
