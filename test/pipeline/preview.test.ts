import { spawnSync } from 'node:child_process'
import { open } from 'node:fs/promises'
import { beforeEach, describe, expect, test } from 'vitest'
import { previewInput, showPreviews } from '../../src/pipeline/preview.js'
import { filesBelow, prepare, put, row, rows, useWorkFolder } from './support.js'

useWorkFolder()
beforeEach(() => put({ 'in.jsonl': rows(1, 9) }))

const STAGES = `stages:
  - template: helpsteer2
  - label-format
  - write: out/\${input}.jsonl
  - regression-expand
  - write: reg.jsonl
`

async function preview(text: string, count: number) {
  const { pipeline, inputs } = await prepare(text)
  return previewInput(pipeline, inputs[0], count)
}

describe('the first records after each stage', () => {
  test('as text', async () => {
    expect(showPreviews(await preview(`name: x\ninputs: in.jsonl\n${STAGES}`, 2))).toMatch(
      new RegExp(
        [
          '── parse',
          '1\\. prompt: "p1"\n   response: "r1"\n   helpfulness: 1',
          '2\\. prompt: "p2"\n   response: "r2"\n   helpfulness: 2',
          '── template',
          '1\\. system: "A chat .* characters\\)\n   mask: User\n   User: "p1"\n   Assistant \\{helpfulness: 1\\}: "r1"',
          '2\\. .*\n.*\n   User: "p2"\n   Assistant \\{helpfulness: 2\\}: "r2"',
          '── label-format',
          '1\\. .*\n.*\n   User: "p1"\n   Assistant \\[helpfulness:1\\]: "r1"',
          '2\\. .*\n.*\n   User: "p2"\n   Assistant \\[helpfulness:2\\]: "r2"',
          '── write to out/input\\.jsonl',
          '── regression-expand',
          '1\\. text: "<extra_id_0>System.*\n   label: \\[-100\\.0, .*1\\.0, .*\\]',
          '2\\. text: .*\n   label: .*',
          '── write to reg\\.jsonl$',
        ].join('\n'),
      ),
    )
  })

  test.each([1, 5, 100])('%i of them', async (count) => {
    const shown = await preview(`name: x\ninputs: in.jsonl\n${STAGES}`, count)
    expect(shown.map(({ stage, records }) => [stage, records.length])).toEqual([
      ['parse', Math.min(count, 9)],
      ['template', Math.min(count, 9)],
      ['label-format', Math.min(count, 9)],
      ['write', 0],
      ['regression-expand', Math.min(count, 9)],
      ['write', 0],
    ])
  })

  test('of a source and an input with stages of their own', async () => {
    const inputs =
      'inputs: { a: { from: [{ from: in.jsonl, stages: [template: helpsteer2] }], stages: [label-format] } }'
    const shown = await preview(`name: x\n${inputs}\nstages: [write: "\${input}"]\n`, 1)
    expect(shown.map(({ stage, detail }) => stage + detail)).toEqual([
      'parse',
      'template',
      'label-format',
      'write to a',
    ])
  })

  test('groups stay whole', async () => {
    const text = (stages: string) => `name: x\ninputs: in.jsonl\nstages: [${stages}, write: x]\n`
    const options = {
      parse: 'parse: { group: 3 }, template: helpsteer2',
      template: 'template: { dataset: helpsteer2, group: 3 }',
    }
    for (const stages of Object.values(options)) {
      const shown = await preview(text(stages), 4)
      expect(shown.map(({ records }) => records.length)).toEqual([4, 4, 0])
    }
  })

  test('of a pattern whose first files are empty', async () => {
    put({
      'd/1.jsonl': '',
      'd/2.jsonl': '\n',
      'd/3.jsonl': rows(1, 1),
      'd/4.jsonl': rows(2, 3),
      'd/5.jsonl': Buffer.of(0x1f, 0x8b, 0, 0), // no gzip either
    })
    const [parsed] = await preview('name: x\ninputs: d/*.jsonl\nstages: [write: x]\n', 2)
    expect(parsed.records.map((record) => record.json())).toEqual([row(1), row(2)])
  })

  test('of nothing', async () => {
    put({ 'in.jsonl': '' })
    expect(showPreviews(await preview('name: x\ninputs: in.jsonl\nstages: [write: x]\n', 2))).toBe(
      '── parse\n── write to x',
    )
  })
})

test('nothing is written, nor replaced', async () => {
  put({ 'reg.jsonl': 'there already' })
  const before = filesBelow('.')
  await preview(`name: x\ninputs: in.jsonl\n${STAGES}`, 3)
  expect(filesBelow('.')).toEqual([...before, 'p.yaml'].sort())
})

describe('no more is read than it takes', () => {
  test('what is wrong further on is not seen', async () => {
    put({ 'in.jsonl': `${rows(1, 2)}no json\n` })
    const text = `name: x\ninputs: in.jsonl\n${STAGES}`
    expect((await preview(text, 2))[0].records).toHaveLength(2)
    await expect(preview(text, 3)).rejects.toMatchObject({ code: 'JSON_SYNTAX', place: { line: 3 } })
  })

  test('what is wrong with one of the first is told', async () => {
    put({ 'in.jsonl': `${row(1)}\n{"prompt":"p"}\n` })
    const text = `name: x\ninputs: in.jsonl\n${STAGES}`
    expect((await preview(text, 1))[0].records).toHaveLength(1)
    await expect(preview(text, 2)).rejects.toMatchObject({ code: 'MISSING_FIELD', stage: 'template' })
  })

  test.skipIf(process.platform === 'win32')('the end of the input is not waited for', async () => {
    expect(spawnSync('mkfifo', ['fifo']).status).toBe(0)
    const writer = open('fifo', 'r+').then(async (handle) => {
      await handle.write(rows(1, 5))
      return handle
    })
    try {
      const [parsed] = await preview('name: x\ninputs: fifo\nstages: [write: x]\n', 2)
      expect(parsed.records).toHaveLength(2)
    } finally {
      await (await writer).close()
    }
  })
})
