/**
 * Reading ends when a `limit` has enough, unless a file wants all of what is read.
 */
import { beforeEach, describe, expect, test } from 'vitest'
import type { RunReport } from '../../src/observe/report.js'
import { settled } from '../stages/support.js'
import { prompts, put, row, rows, run, textOf, useWorkFolder } from './support.js'

/** Some 100 reads. */
const MANY = 500_000
const LARGE = rows(1, MANY)

useWorkFolder()
beforeEach(() => put({ 'large.jsonl': LARGE, 'b.jsonl': rows(1, 5) }))

const over = (inputs: string, stages: string): string =>
  `name: x\ninputs: ${inputs}\nstages: [${stages}, write: out.jsonl]\noverwrite: true\n`

/** What went in and out of each stage, and what it dropped. */
const flow = ({ inputs: [{ stages }] }: RunReport) =>
  stages.map(({ stage, counters }) => {
    const dropped = [...counters.dropped.values()].reduce((a, b) => a + b, 0)
    const left = [...counters.leftOut.values()].reduce((a, b) => a + b, 0)
    return { stage, in: counters.in, out: counters.out, dropped: dropped + left }
  })

/** Each stage took what the one before it gave. */
function expectWhole(report: RunReport): void {
  const stages = flow(report)
  for (const [index, { in: taken, out, dropped }] of stages.entries()) {
    if (index > 0) expect(taken).toBe(stages[index - 1].out)
    expect(out + dropped).toBe(taken)
  }
}

describe('a limit ends the reading', () => {
  test.each<[string, number]>([
    ['limit: 10', 10],
    ['template: helpsteer2, label-format, limit: 3000', 3000],
    ['limit: 0', 0],
    ['skip: 5, limit: 10, sample: 1', 10],
    ['limit: 100, template: helpsteer2, limit: 10', 10],
  ])('%s', async (stages, count) => {
    const report = await run(over('large.jsonl', stages))
    expect(prompts('out.jsonl')).toHaveLength(count)
    expect(report.inputs[0].bytes).toBeLessThan(LARGE.length / 10)
    expectWhole(report)
  })

  test('and files behind it are not opened', async () => {
    put({ 'z.jsonl': Buffer.of(0x1f, 0x8b, 0, 0) })
    const report = await run(over('[b.jsonl, large.jsonl, z.jsonl]', 'limit: 8'))
    expect(prompts('out.jsonl')).toEqual(['p1', 'p2', 'p3', 'p4', 'p5', 'p1', 'p2', 'p3'])
    expect(report.inputs[0].bytes).toBeLessThan(LARGE.length / 10)
    await expect(run(over('[b.jsonl, z.jsonl]', 'limit: 6'))).rejects.toMatchObject({ code: 'GZIP_DAMAGED' })
  })

  test('for one source only, where it stands among the source’s own stages', async () => {
    const report = await run(
      over(
        '[{ from: large.jsonl, stages: [limit: 3] }, b.jsonl, { from: large.jsonl, stages: [limit: 2] }]',
        'repeat: 1',
      ),
    )
    expect(prompts('out.jsonl')).toEqual(['p1', 'p2', 'p3', 'p1', 'p2', 'p3', 'p4', 'p5', 'p1', 'p2'])
    expect(report.inputs[0].bytes).toBeLessThan(LARGE.length / 5)
    expect(report.inputs[0].stages.map(({ stage, counters }) => `${stage} ${counters.out}`).slice(1)).toEqual(
      ['limit 3', 'limit 2', 'repeat 10', 'write 10'],
    )
  })

  test('of all sources, where they are interleaved', async () => {
    const input = '{ all: { from: [large.jsonl, large.jsonl], order: interleave } }'
    const report = await run(over(input, 'limit: 600'))
    expect(prompts('out.jsonl')).toHaveLength(600)
    expect(report.inputs[0].bytes).toBeLessThan(LARGE.length / 5)
    expectWhole(report)
  })

  test('in whole groups', async () => {
    const report = await run(over('large.jsonl', 'parse: { group: 4 }, template: helpsteer2, limit: 6'))
    expect(prompts('out.jsonl')).toHaveLength(8)
    expect(report.inputs[0].bytes).toBeLessThan(LARGE.length / 10)
  })

  test('what is wrong behind the last record that is wanted is not seen, however near it is', async () => {
    for (const bad of ['no json', '{"prompt":"p"}']) {
      put({ 'a.jsonl': `${rows(1, 5)}${bad}\n${rows(6, 7)}` })
      for (const stages of ['template: helpsteer2, limit: 5', 'limit: 5, template: helpsteer2']) {
        const report = await run(over('[a.jsonl, b.jsonl]', stages))
        expect(prompts('out.jsonl')).toHaveLength(5)
        expect(report.inputs[0].stages.at(-1)?.counters.out).toBe(5)
        await expect(run(over('[a.jsonl, b.jsonl]', stages.replace('5', '6')))).rejects.toMatchObject({
          place: { input: 'a.jsonl', line: 6 },
        })
        expect(prompts('out.jsonl.partial')).toHaveLength(5)
      }
    }
  })

  test('what is wrong with a record that is wanted is an error, though only a stage behind finds it', async () => {
    put({ 'a.jsonl': `${rows(1, 5)}{"prompt":"p"}\n${rows(6, 7)}` })
    await expect(run(over('a.jsonl', 'limit: 6, template: helpsteer2'))).rejects.toMatchObject({
      code: 'MISSING_FIELD',
    })
  })
})

describe('a `write` before the limit has all', () => {
  test('among the common stages', async () => {
    const report = await run(over('large.jsonl', 'write: all.jsonl, limit: 10'))
    expect(textOf('all.jsonl') === LARGE).toBe(true)
    expect(prompts('out.jsonl')).toHaveLength(10)
    expect(report.inputs[0].bytes).toBe(LARGE.length)
    expectWhole(report)
  })

  test('among a source’s own, of a limit there and of a common one', async () => {
    const inputs = '[b.jsonl, { from: large.jsonl, stages: [write: all.jsonl, limit: 2] }]'
    const report = await run(over(inputs, 'limit: 3'))
    expect(textOf('all.jsonl') === LARGE).toBe(true)
    expect(prompts('out.jsonl')).toEqual(['p1', 'p2', 'p3'])
    expect(report.inputs[0].bytes).toBe(LARGE.length + rows(1, 5).length)
  })

  test('and a bad record in what it is to have is an error', async () => {
    put({ 'a.jsonl': `${rows(1, 5)}bad\n${row(6)}\n` })
    await expect(run(over('a.jsonl', 'write: all.jsonl, limit: 2'))).rejects.toMatchObject({
      code: 'JSON_SYNTAX',
    })
    expect(prompts('all.jsonl.partial')).toHaveLength(5)
  })
})

test('a run that fails does not go on to read a source whose stages hold all of it', async () => {
  put({ 'a.jsonl': `${rows(1, 5)}{"prompt":"p"}\n` })
  let read = 0
  const inputs = '[a.jsonl, { from: large.jsonl, stages: [shuffle] }]'
  const failed = run(over(inputs, 'template: helpsteer2'), {
    onProgress: ({ bytes }) => {
      read = bytes
    },
  })
  await expect(failed).rejects.toMatchObject({ code: 'MISSING_FIELD', place: { input: 'a.jsonl' } })
  await settled(() => read)
  expect(read).toBeLessThan(LARGE.length / 2)
})
