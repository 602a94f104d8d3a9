import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { STAGE_NAMES } from '../../src/stages/table.js'
import { Folder, lines, names, put, steerpipe } from '../support/command.js'
import { ROOT } from '../support/paths.js'
import { ROWS } from './data.js'

const folder = new Folder()
let cwd = ''

const QUICKSTART = 'pipelines/quickstart.yaml'
const RECIPE = `name: two
description: What it is for.
vars: { in: null, out: made }
inputs: { first: "\${in}", second: rows.jsonl }
stages:
  - parse
  - template: helpsteer2
  - label-format
  - write: \${out}/\${input}.jsonl
  - regression-expand
  - write: \${out}/reg-\${input}.jsonl
`

beforeAll(() => {
  cwd = folder.fresh()
  symlinkSync(join(ROOT, 'pipelines'), join(cwd, 'pipelines'))
  put(cwd, {
    'two.yaml': RECIPE,
    'rows.jsonl': lines(...ROWS),
    'bad-rows.jsonl': `${lines(ROWS[0])}bad\n`,
    'bad.yaml': 'name: bad\ninputs: nowhere.jsonl\nstages:\n  - prase\n  - write: { too: x }\n',
  })
})

describe('lint', () => {
  test('says on stderr that nothing is wrong, and exits with 0', () => {
    const recipes = names(join(ROOT, 'pipelines')).filter((name) => name.endsWith('.yaml'))
    expect(recipes).toContain('quickstart.yaml')
    const result = steerpipe(['lint', ...recipes.map((name) => `pipelines/${name}`)], { cwd })
    expect(result).toMatchObject({ status: 0, stdout: '' })
    expect(result.stderr).toBe(`${recipes.length} files: nothing wrong\n`)
    expect(steerpipe(['lint', QUICKSTART], { cwd }).stderr).toBe(`${QUICKSTART}: nothing wrong\n`)
  })

  test('says every mistake of every file with its place on stderr, and exits with 2', () => {
    const { status, stdout, stderr } = steerpipe(['lint', 'bad.yaml', QUICKSTART, 'none.yaml'], { cwd })
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toContain('bad.yaml:2:9: the input nowhere.jsonl does not exist [NO_SUCH_INPUT]\n')
    expect(stderr).toContain(
      'bad.yaml:4:5: there is no stage `prase` (did you mean `parse`?) [UNKNOWN_STAGE]\n',
    )
    expect(stderr).toMatch(
      /bad\.yaml:5:14: `write` has no option `too` \(did you mean `to`\?\) \[BAD_OPTION\]\n/,
    )
    expect(stderr).toContain(
      'none.yaml: the pipeline file cannot be read: no such file or directory (ENOENT)',
    )
    expect(stderr).toMatch(/\n3 files: \d mistakes\n$/)
  })

  test('takes --set, and a var without a value', () => {
    expect(steerpipe(['lint', 'two.yaml'], { cwd }).status).toBe(0)
    const set = steerpipe(['lint', 'two.yaml', '--set', 'in=nowhere'], { cwd })
    expect(set.status).toBe(2)
    expect(set.stderr).toContain('two.yaml:4:18: the input nowhere does not exist')
  })
})

describe('explain', () => {
  test('shows on stdout what flows between the stages, what each holds, and what is written', () => {
    const { status, stdout, stderr } = steerpipe(['explain', 'two.yaml', '--set', 'in=rows.jsonl'], { cwd })
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^two: What it is for\.\n/)
    expect(stdout).toMatch(
      / {2}template +records as they were read → conversations with scores +memory: constant, order kept\n/,
    )
    expect(stdout).toMatch(
      / {2}label-format +conversations with scores → conversations with labels +memory: constant/,
    )
    expect(stdout).toContain('dataset: "helpsteer2"')
    for (const file of [
      'made/first.jsonl',
      'made/reg-first.jsonl',
      'made/second.jsonl',
      'made/reg-second.jsonl',
    ])
      expect(stdout).toContain(`${file}  (`)
  })

  test('takes a var without a value, and exits with 2 for what is wrong', () => {
    expect(steerpipe(['explain', 'two.yaml'], { cwd }).status).toBe(0)
    const bad = steerpipe(['explain', 'bad.yaml'], { cwd })
    expect([bad.status, bad.stdout]).toEqual([2, ''])
    expect(bad.stderr).toContain('[UNKNOWN_STAGE]')
  })
})

describe('preview', () => {
  test('shows on stdout the first records after each stage, and writes nothing', () => {
    const args = ['preview', 'two.yaml', '-n', '2', '--set', 'in=rows.jsonl']
    const { status, stdout, stderr } = steerpipe(args, { cwd })
    expect(status).toBe(0)
    expect(stderr).toBe('This is the input `first`; the stages do the same to `second`.\n')
    expect(stdout.match(/^── .*$/gm)).toEqual([
      '── parse',
      '── template',
      '── label-format',
      '── write to made/first.jsonl',
      '── regression-expand',
      '── write to made/reg-first.jsonl',
    ])
    expect(stdout).toContain('1. prompt: "What is 2 + 2?"\n')
    expect(stdout).toContain('Assistant {helpfulness: 4, verbosity: 0}: "4"')
    expect(stdout).toContain('Assistant [helpfulness:4,verbosity:0]: "4"')
    expect(stdout).toContain('label: [-100.0, -100.0, -100.0, -100.0, 4.0, -100.0, -100.0, -100.0, 0.0]')
    expect(stdout).toContain('\n2. ')
    expect(stdout).not.toContain('\n3. ')
    expect(names(cwd)).not.toContain('made')
  })

  test('shows three records if it is not told how many', () => {
    const { stdout } = steerpipe(['preview', QUICKSTART], { cwd })
    expect(stdout.match(/^\d+\. prompt: /gm)).toEqual(['1. prompt: ', '2. prompt: ', '3. prompt: '])
  })

  test('a bad record is an error if it is among those to be shown, and a var must have a value', () => {
    const bad = ['preview', 'two.yaml', '--set', 'in=bad-rows.jsonl', '-n']
    expect(steerpipe([...bad, '1'], { cwd }).status).toBe(0)
    const failed = steerpipe([...bad, '2'], { cwd })
    expect([failed.status, failed.stdout]).toEqual([1, ''])
    expect(failed.stderr).toMatch(/^error: bad-rows\.jsonl:2 \(byte \d+\), parse: .* \[JSON_SYNTAX\]\n/)
    const unset = steerpipe(['preview', 'two.yaml'], { cwd })
    expect([unset.status, unset.stdout]).toEqual([2, ''])
    expect(unset.stderr).toContain('[VAR_UNSET]')
  })
})

describe('list and schema', () => {
  test('list shows the stages, the data sets and the pipelines of the folder on stdout', () => {
    const { status, stdout, stderr } = steerpipe(['list'], { cwd })
    expect([status, stderr]).toEqual([0, ''])
    for (const name of [...STAGE_NAMES, 'helpsteer2-preference', 'quickstart.yaml', 'regression.yaml'])
      expect(stdout).toMatch(new RegExp(`^  ${name.replace('.', '\\.')}  +\\S`, 'm'))
    const elsewhere = steerpipe(['list'], { cwd: folder.fresh() })
    expect(elsewhere.status).toBe(0)
    expect(elsewhere.stdout).not.toContain('pipelines/')
  })

  test('schema writes the JSON Schema to stdout', () => {
    const { status, stdout, stderr } = steerpipe(['schema'], { cwd })
    expect([status, stderr]).toEqual([0, ''])
    expect(JSON.parse(stdout)).toMatchObject({ $schema: expect.stringContaining('json-schema.org') })
  })
})
