import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { beforeEach, describe, expect, test } from 'vitest'
import { counts, filesBelow, prompts, put, row, rows, run, textOf, useWorkFolder } from './support.js'

useWorkFolder()
beforeEach(() => put({ 'a.jsonl': rows(1, 3), 'b.jsonl': rows(4, 5), 'prompts.txt': 'p6\np7\n' }))

test('several sources come one after the other, a file as often as it is named', async () => {
  const report = await run('name: x\ninputs: [b.jsonl, "?.jsonl", b.jsonl]\nstages: [write: out/x.jsonl]\n')
  expect(prompts('out/x.jsonl')).toEqual(['p4', 'p5', 'p1', 'p2', 'p3', 'p4', 'p5', 'p4', 'p5'])
  expect(report.inputs[0].files).toEqual(['b.jsonl', 'a.jsonl', 'b.jsonl', 'b.jsonl'])
  expect(report.inputs[0].stages[0].counters).toMatchObject({ in: 9, out: 9 })
  expect(report.inputs[0].bytes).toBe(rows(1, 3).length + 3 * rows(4, 5).length)
})

/** Rows that need no template, and rows that do, each read in its own way. */
const MIXED = `name: x
inputs:
  all:
    from:
      - a.jsonl
      - { from: prompts.txt, stages: [parse: { format: lines, field: prompt }, template: { mapping: { prompt: prompt, response: prompt } }, label-format] }
      - { from: b.jsonl, stages: [parse: { group: 2 }, template: helpsteer2, write: own/b.jsonl, label-format] }
stages:
  - write: out/\${input}.jsonl
`

describe('sources with stages of their own', () => {
  test('go through these first, then through the common ones', async () => {
    const report = await run(MIXED)
    expect(prompts('out/all.jsonl')).toEqual(['p1', 'p2', 'p3', 'p6', 'p7', 'p4', 'p5'])
    const lines = textOf('out/all.jsonl')?.split('\n') ?? []
    expect(lines[0]).toBe(row(1))
    expect(lines[3]).toContain('"label": ""')
    expect(lines[5]).toContain('"label": "helpfulness:4"')
    expect(textOf('own/b.jsonl')).toContain('"scores": {"helpfulness": 4}')
    expect(counts(report)).toEqual([
      'parse 7 7',
      'template 2 2',
      'label-format 2 2',
      'template 2 2',
      'write 2 2',
      'label-format 2 2',
      'write 7 7',
    ])
    expect(report.inputs[0].stages[4].outputs).toEqual([
      { path: 'own/b.jsonl', bytes: textOf('own/b.jsonl')?.length },
    ])
    expect(report.inputs[0].stages[0].counters.out).toBe(7)
  })

  test('leave nothing unfinished when it is done', async () => {
    await run(MIXED)
    expect(filesBelow('own')).toEqual(['own/b.jsonl'])
    expect(filesBelow('out')).toEqual(['out/all.jsonl'])
  })

  test('a limit is one of the whole input; outputs of sources that it cuts off are there, and empty', async () => {
    await run(MIXED, { limit: 4 })
    expect(prompts('out/all.jsonl')).toEqual(['p1', 'p2', 'p3', 'p6'])
    expect(textOf('own/b.jsonl')).toBe('')
  })

  test('and those of the input come before the common ones, for that input only', async () => {
    const report = await run(`name: x
inputs:
  raw: a.jsonl
  made: { from: [{ from: b.jsonl, stages: [template: helpsteer2] }], stages: [label-format, regression-expand] }
stages: [write: "out/\${input}.jsonl"]
`)
    expect(textOf('out/raw.jsonl')).toBe(rows(1, 3))
    expect(textOf('out/made.jsonl')?.split('\n')[0]).toMatch(/^\{"text": ".*p4.*", "label": \[/)
    expect(report.inputs.map(({ stages }) => stages.map(({ stage }) => stage))).toEqual([
      ['parse', 'write'],
      ['parse', 'template', 'label-format', 'regression-expand', 'write'],
    ])
  })

  test('the good records before a bad one of theirs are kept', async () => {
    put({ 'b.jsonl': `${rows(4, 4)}{"prompt":"p5"}\n${rows(8, 8)}` })
    const text = MIXED.replace('parse: { group: 2 }, ', '')
    await expect(run(text)).rejects.toMatchObject({
      code: 'MISSING_FIELD',
      stage: 'template',
      place: { input: 'b.jsonl', line: 2 },
    })
    expect(prompts('out/all.jsonl.partial')).toEqual(['p1', 'p2', 'p3', 'p6', 'p7', 'p4'])
    expect(prompts('own/b.jsonl.partial')).toEqual(['p4'])
    expect(filesBelow('out')).toHaveLength(1)
    expect(filesBelow('own')).toHaveLength(1)
  })

  test('so are many of them, however slow the stages behind', async () => {
    put({ 'b.jsonl': `${rows(1, 30_000)}{"prompt":"p5"}\n` })
    const text = `name: x
inputs: [{ from: b.jsonl, stages: [template: helpsteer2] }]
stages: [label-format, write: out/sft.jsonl.gz, regression-expand, write: out/reg.jsonl]
`
    await expect(run(text)).rejects.toMatchObject({ code: 'MISSING_FIELD' })
    expect(prompts('out/reg.jsonl.partial')).toHaveLength(30_000)
    const kept = gunzipSync(readFileSync('out/sft.jsonl.gz.partial')).toString()
    expect(kept.split('\n')).toHaveLength(30_001)
  })

  test('bad records of theirs are left out by reason', async () => {
    put({ 'b.jsonl': `${rows(4, 4)}{"prompt":"p5"}\nbad\n${rows(8, 8)}` })
    const report = await run(MIXED.replace('parse: { group: 2 }, ', ''), { onError: 'skip' })
    expect(prompts('own/b.jsonl')).toEqual(['p4', 'p8'])
    expect(
      report.inputs[0].stages.flatMap(({ stage, counters }) =>
        [...counters.leftOut].map((each) => [stage, ...each]),
      ),
    ).toEqual([
      ['parse', 'JSON_SYNTAX', 1],
      ['template', 'MISSING_FIELD', 1],
    ])
  })

  test('parts that a source sets are known to the common stages', async () => {
    const pair = JSON.stringify({
      prompt: 'p1',
      response_1: 'a',
      response_2: 'b',
      preference_strength: 1,
      split: 'x',
    })
    put({ 'a.jsonl': `${pair}\n`, 'b.jsonl': '' })
    await run(`name: x
attributes: [quality]
inputs: [{ from: b.jsonl, stages: &own [template: helpsteer2-preference] }, { from: a.jsonl, stages: *own }]
stages: [label-format, write: "out/\${part}.jsonl"]
`)
    expect(textOf('out/train.jsonl')).toBe('')
    expect(prompts('out/val.jsonl')).toEqual(['p1', 'p1'])
  })
})
