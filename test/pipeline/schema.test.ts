import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { beforeEach, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { pipelineSchema, stageSchema } from '../../src/pipeline/schema.js'
import { STAGES } from '../../src/stages/table.js'
import { lint, put, rows, useWorkFolder } from './support.js'

/** The folder of the recipes, before a test goes to another. */
const FOLDER = resolve('pipelines')
const RECIPES = readdirSync(FOLDER).filter((file) => file.endsWith('.yaml'))

useWorkFolder()
beforeEach(() => put({ 'in.jsonl': rows(1, 3), 'my-stage.mjs': 'export default (record) => record\n' }))

const validate = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true }).compile(
  pipelineSchema(),
)

/** What an independent validator says against a definition. */
function said(text: string): string[] {
  validate(parse(text))
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}

test('pipelines/schema.json is current: `UPDATE=1` writes it anew', () => {
  const file = resolve(FOLDER, 'schema.json')
  const current = `${JSON.stringify(pipelineSchema(), null, 2)}\n`
  if (process.env.UPDATE) writeFileSync(file, current)
  expect(readFileSync(file, 'utf8')).toBe(current)
})

describe('the recipes that ship', () => {
  test('there are some', () => {
    expect(RECIPES.length).toBeGreaterThanOrEqual(6)
  })

  test.each(RECIPES)('%s validates, and names its schema', (file) => {
    const text = readFileSync(resolve(FOLDER, file), 'utf8')
    expect(said(text)).toEqual([])
    expect(text).toMatch(/^# yaml-language-server: \$schema=\.\/schema\.json\n/)
  })

  test.each(RECIPES)('%s lints clean', async (file) => {
    process.chdir(resolve(FOLDER, '..'))
    const { lintFile } = await import('../../src/pipeline/check.js')
    expect(await lintFile(`pipelines/${file}`, { env: {} })).toEqual([])
  })
})

/** A definition with other values for its keys. */
const definition = (parts: Readonly<Record<string, string>>): string =>
  Object.entries({ name: 'x', inputs: 'in.jsonl', stages: '[parse, write: out.jsonl]', ...parts })
    .filter(([, value]) => value !== '')
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('')

const stage = (text: string): Record<string, string> => ({ stages: `[${text}, write: out.jsonl]` })

test.each<[string, Record<string, string>]>([
  ['the plainest', {}],
  [
    'everything at the top',
    { description: 'd', overwrite: 'true', vars: '{ a: 1, b: x, c: true, d: null }' },
  ],
  ['attributes', { attributes: '[a, { name: b, min: -1, max: 1.5, sentinel: -9 }]' }],
  ['a list of inputs', { inputs: '[in.jsonl, { from: in.jsonl, stages: [parse] }]' }],
  [
    'named inputs',
    { inputs: '{ a: in.jsonl, b: [in.jsonl], c: { from: [in.jsonl], stages: [label-format] } }' },
  ],
  [
    'sources that are interleaved',
    {
      vars: '{ w: 2, s: 3 }',
      inputs:
        '{ a: { from: [in.jsonl, { from: in.jsonl, weight: 0.5 }, { from: in.jsonl, weight: "${w}" }], order: interleave, seed: "${s}" } }',
    },
  ],
  ['a stage without a value', stage('parse:')],
  ['a main option', stage('parse: lines, template: helpsteer2')],
  ['options in kebab-case', stage('parse: { max-line-bytes: 100 }')],
  [
    'references where text, numbers, names and lists belong',
    {
      vars: '{ n: 2, f: lines, o: true, m: 0 }',
      overwrite: '"${o}"',
      attributes: '[{ name: a, min: "${m}" }]',
      stages: '[parse: { group: "${n}", format: "${f}", field: "${n}x" }, write: out.jsonl]',
    },
  ],
])('right, as lint says too: %s', async (_, parts) => {
  const text = definition(parts)
  expect(said(text)).toEqual([])
  const found = await lint(text)
  expect(found.filter((line) => !line.includes('OUTPUT_CONFLICT'))).toEqual([])
})

test.each<[string, Record<string, string>]>([
  ['no name', { name: '' }],
  ['no inputs', { inputs: '' }],
  ['no stages', { stages: '' }],
  ['an empty name', { name: '""' }],
  ['a name that is no text', { name: '3' }],
  ['an unknown key', { descripton: 'x' }],
  ['empty stages', { stages: '[]' }],
  ['stages that are a map', { stages: '{ write: x }' }],
  ['an empty list of inputs', { inputs: '[]' }],
  ['an empty map of inputs', { inputs: '{}' }],
  ['an input that is a number', { inputs: '{ a: 3 }' }],
  ['an input without from', { inputs: '{ a: { stages: [] } }' }],
  ['an unknown key in an input', { inputs: '{ a: { from: in.jsonl, stage: [] } }' }],
  ['a wrong stage of an input', { inputs: '{ a: { from: in.jsonl, stages: [pars] } }' }],
  ['a wrong stage of an entry', { inputs: '[{ from: in.jsonl, stages: [parse: { grup: 2 }] }]' }],
  ['an order that there is not', { inputs: '{ a: { from: [in.jsonl], order: shuffled } }' }],
  ['a seed that is no integer', { inputs: '{ a: { from: [in.jsonl], order: interleave, seed: 1.5 } }' }],
  [
    'a weight that is nothing',
    { inputs: '{ a: { from: [{ from: in.jsonl, weight: 0 }], order: interleave } }' },
  ],
  ['a var that is a list', { vars: '{ a: [1] }' }],
  ['a var with a space in its name', { vars: '{ a b: 1 }' }],
  ['overwrite that is no boolean', { overwrite: '"yes"' }],
  ['no attributes', { attributes: '[]' }],
  ['an attribute with a comma in its name', { attributes: '["a,b"]' }],
  ['an attribute without a name', { attributes: '[{ min: 3 }]' }],
  ['an unknown key in an attribute', { attributes: '[{ name: a, mx: 3 }]' }],
  ['a bound that is text', { attributes: '[{ name: a, max: "3" }]' }],
  ['an unknown stage', stage('tempalte: helpsteer2')],
  ['an unknown stage without options', stage('pars')],
  ['two stages in one', stage('{ parse: json, label-format: }')],
  ['an unknown option', stage('parse: { grup: 2 }')],
  ['an option in camelCase', stage('parse: { maxLineBytes: 100 }')],
  ['an option of the wrong type', stage('parse: { group: two }')],
  ['a number that is too small', stage('parse: { group: 0 }')],
  ['a number that is no integer', stage('parse: { group: 1.5 }')],
  ['a value that is none of those there are', stage('template: helpster2')],
  ['an unknown key in an option', stage('regression-expand: { tokens: { usr: x } }')],
  ['a main option where there is none', stage('label-format: clamp')],
  ['template alone', stage('template')],
  ['template without a value', stage('template:')],
  ['write alone', { stages: '[write]' }],
  ['write without a path', { stages: '[write: {}]' }],
  ['write with an empty path', { stages: '[write: ""]' }],
])('wrong, as lint says too: %s', async (_, parts) => {
  const text = definition(parts)
  expect(said(text)).not.toEqual([])
  expect(await lint(text)).not.toEqual([])
})

describe.each(STAGES)('the examples of $name', ({ name, examples }) => {
  test.each(examples)('$title', async ({ yaml }) => {
    // What stands before and after the stage gives it what it takes, and takes what it gives.
    const before = name === 'write' && yaml.includes('${part}') ? 'template: helpsteer2-preference' : ''
    const stages = [before, yaml, name === 'write' ? '' : 'write: written.jsonl'].filter(Boolean)
    const text = `name: x\ninputs: in.jsonl\nstages:\n${stages
      .map((each) => `  - ${each.replaceAll('\n', '\n    ')}\n`)
      .join('')}`
    expect(await lint(text)).toEqual([])
    expect(said(text)).toEqual([])
  })
})

test('every option is described', () => {
  for (const spec of STAGES) {
    const { properties } = stageSchema(spec)
    for (const [option, schema] of Object.entries(properties ?? {}))
      expect(schema, `${spec.name} ${option}`).toHaveProperty('description', expect.stringMatching(/\.$/))
  }
})
