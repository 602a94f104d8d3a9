import { beforeEach, describe, expect, test } from 'vitest'
import { countLeftOut } from '../../src/observe/report.js'
import { counts, FULL, prompts, put, row, rows, run, useWorkFolder } from './support.js'

useWorkFolder()
beforeEach(() => put({ 'a.jsonl': rows(1, 5), 'b.jsonl': rows(6, 8) }))

describe('limit', () => {
  test.each([1, 3, 5, 100])('%i records of each input', async (limit) => {
    const report = await run(FULL, { limit })
    const [first, second] = [Math.min(limit, 5), Math.min(limit, 3)]
    expect(prompts('out/sft/one.jsonl')).toHaveLength(first)
    expect(prompts('out/reg/two.jsonl')).toHaveLength(second)
    // What is not wanted is not counted as read.
    expect(counts(report)).toEqual(
      ['parse', 'template', 'label-format', 'write', 'regression-expand', 'write'].map(
        (stage) => `${stage} ${first} ${first}`,
      ),
    )
  })

  test('over several files', async () => {
    const report = await run('name: x\ninputs: [a.jsonl, b.jsonl, a.jsonl]\nstages: [write: out.jsonl]\n', {
      limit: 6,
    })
    expect(prompts('out.jsonl')).toEqual(['p1', 'p2', 'p3', 'p4', 'p5', 'p6'])
    expect(counts(report)).toEqual(['parse 6 6', 'write 6 6'])
  })

  test('files behind it are not opened', async () => {
    put({ 'c.jsonl': Buffer.of(0x1f, 0x8b, 0, 0) })
    const text = 'name: x\ninputs: "?.jsonl"\nstages: [write: out.jsonl]\noverwrite: true\n'
    await run(text, { limit: 8 })
    expect(prompts('out.jsonl')).toHaveLength(8)
    await expect(run(text, { limit: 9 })).rejects.toMatchObject({ code: 'GZIP_DAMAGED' })
  })

  test('what is wrong behind it is not seen, what is wrong before it is', async () => {
    put({ 'a.jsonl': `${row(1)}\nbad\n${row(2)}\n${row(3)}\nbad\n` })
    const text = 'name: x\ninputs: a.jsonl\nstages: [write: out.jsonl]\noverwrite: true\n'
    await run(text, { limit: 1 })
    await expect(run(text, { limit: 2 })).rejects.toMatchObject({ code: 'JSON_SYNTAX', place: { line: 2 } })
    const skipped: number[] = []
    const report = await run(text, {
      limit: 3,
      onError: 'skip',
      onLeftOut: ({ place }) => skipped.push(place?.line ?? 0),
    })
    expect(prompts('out.jsonl')).toEqual(['p1', 'p2', 'p3'])
    expect(skipped).toEqual([2])
    expect(countLeftOut(report)).toBe(1)
    expect(counts(report)[0]).toBe('parse 4 3')
  })
})

describe('groups', () => {
  const grouped = (stages: string) =>
    `name: x\ninputs: [a.jsonl, b.jsonl]\nstages: [${stages}, write: out.jsonl]\n`

  test.each<[string, number, number]>([
    ['parse: { group: 2 }', 3, 4],
    ['parse: { group: 4 }', 1, 4],
    ['template: { dataset: helpsteer2, group: 2 }', 3, 4],
    ['parse: { group: 2 }, template: { dataset: helpsteer2, group: 3 }', 1, 6],
  ])('%s stay whole at a limit of %i', async (stages, limit, expected) => {
    put({ 'a.jsonl': rows(1, 12) })
    await run(grouped(stages), { limit })
    expect(prompts('out.jsonl')).toHaveLength(expected)
  })

  test('of one bad record all go, and are counted', async () => {
    put({ 'a.jsonl': `${row(1)}\nbad\n${row(3)}\n${row(4)}\n`, 'b.jsonl': rows(6, 7) })
    const report = await run(grouped('parse: { group: 2 }'), { onError: 'skip' })
    expect(prompts('out.jsonl')).toEqual(['p3', 'p4', 'p6', 'p7'])
    expect([...report.inputs[0].stages[0].counters.leftOut]).toEqual([
      ['JSON_SYNTAX', 1],
      ['partner', 1],
    ])
    expect(countLeftOut(report)).toBe(2)
  })

  test('that a file does not fill are an error', async () => {
    await expect(run(grouped('parse: { group: 2 }'))).rejects.toMatchObject({ code: 'GROUP_INCOMPLETE' })
  })
})
