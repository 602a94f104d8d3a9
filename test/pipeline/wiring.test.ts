import { beforeEach, describe, expect, test } from 'vitest'
import { wireInput } from '../../src/pipeline/wiring.js'
import { lint, lintErrors, prepare, put, rows, useWorkFolder } from './support.js'

useWorkFolder()
beforeEach(() => put({ 'in.jsonl': rows(1, 3) }))

/** A definition with a stage a line, from the fourth on. */
const row = (...stages: string[]): string =>
  `name: x\ninputs: in.jsonl\nstages:\n${stages.map((stage) => `  - ${stage}\n`).join('')}`

const PREFERENCE = 'template: helpsteer2-preference'

test.each<[string, string[]]>([
  ['parse is implied', ['template: helpsteer2', 'label-format', 'regression-expand', 'write: x']],
  ['records go through as they are', ['write: x']],
  ['rows that are conversations already', ['label-format', 'regression-expand', 'write: x']],
  ['samples of what was read', ['regression-expand', 'write: x']],
  ['templated and labelled before', ['template: conversations', 'regression-expand', 'write: x']],
  ['labelled twice', ['template: helpsteer2', 'label-format', 'label-format', 'write: x']],
  ['written in the middle', ['write: a', 'template: helpsteer2', 'write: b', 'label-format', 'write: c']],
  ['parts', [PREFERENCE, 'label-format', 'write: "${part}"']],
  ['parts at a later stage', [PREFERENCE, 'label-format', 'regression-expand', 'write: "${part}"']],
  ['parts of no part', [PREFERENCE, 'label-format', 'write: x']],
])('fits: %s', async (_, stages) => {
  expect(await lint(row(...stages))).toEqual([])
})

const MISFIT = 'WIRE_MISFIT'

test.each<[string, string[], string, string]>([
  [
    'template twice',
    ['template: helpsteer2', 'template: helpsteer2', 'label-format', 'write: x'],
    `5:5 ${MISFIT} \`template\` cannot take conversations with scores`,
    'Put `template` right after `parse`, once.',
  ],
  [
    'conversations into template',
    ['template: helpsteer2', 'label-format', 'template: helpsteer2', 'label-format', 'write: x'],
    `6:5 ${MISFIT} \`template\` cannot take conversations with labels`,
    'Put `template` right after `parse`, once.',
  ],
  [
    'samples into template',
    ['regression-expand', 'template: { dataset: helpsteer2 }', 'write: x'],
    `5:5 ${MISFIT} \`template\` cannot take samples`,
    'Samples are the last form: put this stage before `regression-expand`.',
  ],
  [
    'label-format after regression-expand',
    ['template: conversations', 'regression-expand', 'label-format', 'write: x'],
    `6:5 ${MISFIT} \`label-format\` cannot take samples`,
    'Samples are the last form: put this stage before `regression-expand`.',
  ],
  [
    'regression-expand twice',
    ['regression-expand', 'regression-expand', 'write: x'],
    `5:5 ${MISFIT} \`regression-expand\` cannot take samples`,
    'Leave it out: there are samples already.',
  ],
  [
    'regression-expand without label-format',
    ['template: helpsteer2', 'write: a', 'regression-expand', 'write: b'],
    `6:5 ${MISFIT} \`regression-expand\` cannot take conversations with scores`,
    'Put `label-format` before it.',
  ],
  [
    'parse in the middle',
    ['template: helpsteer2', 'parse: { group: 2 }', 'write: x'],
    `5:5 ${MISFIT} \`parse\` makes records of bytes`,
    'Put `parse` first.',
  ],
  [
    'parse twice',
    ['parse', 'parse', 'write: x'],
    `5:5 ${MISFIT} \`parse\` makes records of bytes`,
    'Put `parse` first.',
  ],
  [
    'a part in the path, and no parts',
    ['template: helpsteer2', 'label-format', 'write: "${part}.jsonl"'],
    `6:5 ${MISFIT} no stage before this one puts records into parts, and the path has \`\${part}\` in it`,
    'Add a stage that does, such as `split`, or leave `${part}` out.',
  ],
  [
    'a part in the path, before the stage that sets it',
    ['write: "${part}"', PREFERENCE, 'write: x'],
    `4:5 ${MISFIT} no stage before this one puts records into parts, and the path has \`\${part}\` in it`,
    'Add a stage that does, such as `split`, or leave `${part}` out.',
  ],
  [
    'no write',
    ['parse', 'template: helpsteer2', 'label-format'],
    '6:5 DEFINITION_INVALID the pipeline has no `write`: nothing would be kept',
    'End the stages with `write: PATH`.',
  ],
  [
    'nothing but parse',
    ['parse'],
    '4:5 DEFINITION_INVALID the pipeline has no `write`: nothing would be kept',
    'End the stages with `write: PATH`.',
  ],
  [
    'a stage that nothing is written of',
    ['write: x', 'template: helpsteer2', 'label-format'],
    '5:5 DEFINITION_INVALID no `write` comes after this `template`: what it makes would not be kept',
    'End the stages with `write: PATH`.',
  ],
  [
    'write without a path',
    ['template: helpsteer2', 'write'],
    '5:5 BAD_OPTION `write` has no path',
    'Say where to: `write: PATH`, or `write: "-"` for stdout.',
  ],
  [
    'write with no path in its options',
    ['write: {}'],
    '4:5 BAD_OPTION `write` has no path',
    'Say where to: `write: PATH`, or `write: "-"` for stdout.',
  ],
])('does not fit: %s', async (_, stages, found, fix) => {
  const errors = await lintErrors(row(...stages))
  expect(await lint(row(...stages))).toEqual([found])
  expect(errors.map((error) => error.fix)).toEqual([fix])
})

test('all misfits are told at once', async () => {
  expect(await lint(row('regression-expand', 'template: helpsteer2', 'parse', 'write: "${part}"'))).toEqual([
    `5:5 ${MISFIT} \`template\` cannot take samples`,
    `6:5 ${MISFIT} \`parse\` makes records of bytes`,
    `7:5 ${MISFIT} no stage before this one puts records into parts, and the path has \`\${part}\` in it`,
  ])
})

describe('stages of an input, and of an entry', () => {
  const using = (input: string, ...common: string[]) =>
    `name: x\ninputs:\n  a: ${input}\n  b: in.jsonl\nstages: [${common.join(', ')}]\n`

  test('come before the common ones: each source’s own way is checked', async () => {
    const input =
      '{ from: [in.jsonl, { from: in.jsonl, stages: [template: helpsteer2] }], stages: [label-format] }'
    expect(await lint(using(input, 'regression-expand', 'write: "${input}"'))).toEqual([])
    expect(
      await lint(using(input.replace('label-format', 'write: y'), 'regression-expand', 'write: "${input}"')),
    ).toEqual([`5:10 ${MISFIT} \`regression-expand\` cannot take conversations with scores`])
    expect(await lint(using(input, 'template: helpsteer2', 'write: "${input}"'))).toEqual([
      `5:10 ${MISFIT} \`template\` cannot take conversations with labels`,
    ])
  })

  test('an input that nothing is written of is told, though another is written', async () => {
    const input = '{ from: in.jsonl, stages: [template: helpsteer2, write: a.jsonl] }'
    expect(await lint(using(input, 'label-format'))).toEqual([
      '5:10 DEFINITION_INVALID no `write` comes after this `label-format`: what it makes would not be kept',
      '5:10 DEFINITION_INVALID the input `b` has no `write`: nothing would be kept',
    ])
    expect(await lint(using('in.jsonl', 'label-format'))).toEqual([
      '5:10 DEFINITION_INVALID the pipeline has no `write`: nothing would be kept',
    ])
  })

  test('parts that one source declares and another does not', async () => {
    const input = `{ from: [in.jsonl, { from: in.jsonl, stages: [${PREFERENCE}] }] }`
    expect(await lint(using(input, 'label-format', 'write: "${input}-${part}"'))).toEqual([
      `5:24 ${MISFIT} no stage before this one puts records into parts, and the path has \`\${part}\` in it`,
    ])
  })

  test('the common stages know the parts of all sources', async () => {
    const { pipeline } = await prepare(
      `name: x\ninputs: [in.jsonl, { from: in.jsonl, stages: [${PREFERENCE}] }]\nstages: [write: x]\n`,
    )
    const { own, common } = wireInput(pipeline, pipeline.inputs[0])
    expect(own.map((stages) => stages.map(({ parts }) => parts))).toEqual([[], [undefined]])
    expect(common.map(({ takes, parts }) => [takes, parts])).toEqual([[undefined, ['train', 'val']]])
  })

  test('parse belongs at the start of each list', async () => {
    expect(await lint(using('{ from: in.jsonl, stages: [write: y, parse] }', 'write: "${input}"'))).toEqual([
      `3:43 ${MISFIT} \`parse\` makes records of bytes`,
    ])
  })

  test('the entry’s own parse wins over the input’s, and that over the common one', async () => {
    const { pipeline } = await prepare(`name: x
inputs:
  own:
    from: [in.jsonl, { from: in.jsonl, stages: [parse: { group: 3 }] }]
    stages: [parse: { group: 2 }, label-format]
  plain: [in.jsonl, { from: in.jsonl, stages: [label-format] }]
stages: [parse: { group: 4 }, write: "\${input}"]
`)
    const groups = pipeline.inputs.map(({ sources }) => sources.map(({ parse }) => parse?.options.group))
    expect(groups).toEqual([
      [2, 3],
      [undefined, undefined],
    ])
    expect(pipeline.parse.options.group).toBe(4)
    expect(pipeline.inputs[0].stages.map(({ spec }) => spec.name)).toEqual(['label-format'])
    expect(pipeline.stages.map(({ spec }) => spec.name)).toEqual(['write'])
  })

  test('an implied parse has its defaults', async () => {
    const { pipeline } = await prepare(row('write: x'))
    expect(pipeline.parse.options).toMatchObject({ format: 'jsonl', group: 1, field: 'text' })
  })
})
