import { beforeEach, describe, expect, test } from 'vitest'
import { refuseExisting } from '../../src/pipeline/check.js'
import { explainPipeline } from '../../src/pipeline/explain.js'
import { plannedOutputs } from '../../src/pipeline/outputs.js'
import { runPipeline } from '../../src/pipeline/run.js'
import { filesBelow, lint, prepare, put, rows, useWorkFolder } from './support.js'

useWorkFolder()
beforeEach(() => put({ 'in.jsonl': rows(1, 3) }))

describe('what is set is never looked into', () => {
  const hostile = [
    '${v}',
    '${nothing}',
    '${env.HOME}',
    '${input}',
    'a${',
    '$${v}',
    '$\\{x}',
    '$&$1$$',
    '{ to: x }',
    '[a, b]',
    '*alias',
    'a: b # c',
    '"\'',
    '- x',
    '!!int 3',
    'é 訓練 😀',
  ]
  test.each(hostile)('%s is a file’s name', async (name) => {
    const checked = await prepare(
      'name: x\nvars: { v: 1, out: out.jsonl }\ninputs: in.jsonl\nstages: [parse, write: "${out}"]\n',
      {
        set: { out: `${name}.jsonl`, v: name },
        env: { HOME: '/' },
      },
    )
    expect(plannedOutputs(checked.pipeline, checked.inputs).map(({ path }) => path)).toEqual([
      `${name}.jsonl`,
    ])
    await runPipeline(checked, {})
    expect(filesBelow('.')).toEqual([`${name}.jsonl`, 'in.jsonl', 'p.yaml'].sort())
    expect(() => refuseExisting(checked)).toThrow('already')
  })

  test.each(hostile)('%s is a part of a text, and an input', async (name) => {
    put({ [`${name}.in`]: rows(1, 1) })
    const text =
      'name: x\nvars: { v: 1, w: "<${v}>" }\ninputs: ${v}.in\nstages: [parse: { field: "${w}${v}" }, write: x]\n'
    const { pipeline, inputs } = await prepare(text, { set: { v: name } })
    expect(inputs[0].sources[0].files).toEqual([`${name}.in`])
    // What a definition would have to say for it is shown.
    const shown = JSON.stringify(`<${name}>${name}`.replaceAll('${', () => '$${'))
    expect(await explainPipeline(pipeline, inputs)).toContain(`field: ${shown}`)
  })

  test('two texts that make a reference together make none', async () => {
    const text =
      'name: x\nvars: { a: $, b: "{input}" }\ninputs: in.jsonl\nstages: [write: "${a}${b}-${a}{input}-${input}"]\n'
    const { pipeline, inputs } = await prepare(text)
    expect(plannedOutputs(pipeline, inputs)[0].path).toBe('${input}-${input}-input')
  })
})

test.each<[string, string]>([
  ['$${x}', '${x}'],
  ['$${input}', '${input}'],
  ['a$${v}b${v}', 'a${v}b1'],
  ['$$${v}', '$${v}'],
  ['$${', '${'],
  ['$$', '$$'],
])('%s stands for %s', async (value, path) => {
  const text = `name: x\nvars: { v: 1 }\ninputs: in.jsonl\nstages: [write: ${JSON.stringify(value)}]\n`
  expect(await lint(text)).toEqual([])
  const { pipeline, inputs } = await prepare(text)
  expect(plannedOutputs(pipeline, inputs).map((output) => output.path)).toEqual([path])
})
