import { readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { STAGE_NAMES } from '../../src/stages/table.js'
import { Folder, names, put, steerpipe } from '../support/command.js'
import { ROOT } from '../support/paths.js'

const folder = new Folder()
const cwd = folder.fresh()
const VERBS = ['run', 'lint', 'explain', 'preview', 'inspect', 'list', 'schema']

describe('a wrong command line ends with 2, says what is wrong and what may have been meant', () => {
  test.each([
    [[], 'Name a command.'],
    [['-'], 'there is no command `-`'],
    [['rum'], 'there is no command `rum` (did you mean `run`?)'],
    [['label-fromat'], 'there is no command `label-fromat` (did you mean `label-format`?)'],
    [['rnu', 'parse'], 'there is no command `rnu` (did you mean `run`?)'],
    [['something-else'], 'there is no command `something-else`'],
    [['--verson'], 'unknown flag `--verson` (did you mean `--version`?)'],
    [['run'], 'the command needs a file'],
    [['lint'], 'the command needs a file'],
    [['run', 'x.yaml', 'y.yaml'], 'one argument too many: `y.yaml`'],
    [['list', 'stages'], 'one argument too many: `stages`'],
    [['run', 'x.yaml', '--ouput', 'y'], 'unknown flag `--ouput` (did you mean `--output`?)'],
    [['parse', '--fromat', 'json'], 'unknown flag `--fromat` (did you mean `--format`?)'],
    [['parse', '--dataset', 'helpsteer2'], 'unknown flag `--dataset`'],
    [
      ['template', '--mapping.promt', 'x'],
      'unknown flag `--mapping.promt` (did you mean `--mapping.prompt`?)',
    ],
    [['regression-expand', '--tokens', 'x'], 'unknown flag `--tokens`'],
    [['parse', '--on-error', 'skp'], '`--on-error` cannot be `skp` (did you mean `skip`?)'],
    [['parse', '-o'], '`-o` has no value'],
    [['template', '--dataset'], '`--dataset` has no value'],
    [['parse', '--out', 'a', '--out', 'b'], '`--out` is given 2 times: `a`, `b`'],
    [['run', 'x.yaml', '--limit', '1', '--limit', '2'], '`--limit` is given 2 times: `1`, `2`'],
    [['run', 'x.yaml', '--limit', '0'], '`--limit` is not a whole number of at least 1'],
    [['run', 'x.yaml', '--limit', 'some'], '`--limit` is not a whole number of at least 1'],
    [['run', 'x.yaml', '--set', 'out'], '`--set out`'],
    [['run', 'x.yaml', '--set', '=out'], '`--set =out`'],
    [['inspect', 'x', '-n', '0'], '`-n` is not a whole number of at least 1'],
    [['preview', 'x.yaml', '-n', '1.5'], '`-n` is not a whole number of at least 1'],
    [['parse', '-', '-'], '`-` is named twice'],
    [['parse', ''], 'a file without a name'],
    [['parse', '-o', ''], '`--out` has no path'],
    [['parse', '-o', '${aprt}.jsonl'], '`${aprt}` is not known in `--out`'],
    [['parse', '-o', '${input}.jsonl'], '`${input}` is not known in `--out`'],
    [['label-format', '--attributes', '[{ name: x'], '`--attributes` is not legal YAML'],
  ])('%j', (args, found) => {
    put(cwd, { 'x.yaml': 'name: x\ninputs: x.yaml\nstages: [parse: lines, write: "-"]\n' })
    const { status, stdout, stderr } = steerpipe(args, { cwd })
    expect(status).toBe(2)
    expect(stdout).toBe('')
    expect(stderr.startsWith(`error: ${found}`)).toBe(true)
    expect(stderr).toMatch(/^error: .* \[USAGE\]\n(?: {2}expected: .+\n)? {2}do: .+\n$/)
    expect(names(cwd)).toEqual(['x.yaml'])
  })

  test('the values of a stage’s options are checked by the stage', () => {
    for (const [args, found] of [
      [['label-format', '--round', 'halfeven'], '`round` is "halfeven" (did you mean `half-even`?)'],
      [['parse', '--format', 'jsn'], '`format` is "jsn" (did you mean `json`?)'],
      [['parse', '--group', 'two'], '`group` is "two"'],
      [['template'], 'give either `dataset` or `mapping`'],
      [['label-format', '--attributes', 'a,b,a'], 'an attribute is named twice'],
    ] as const) {
      const { status, stdout, stderr } = steerpipe(args, { cwd })
      expect([status, stdout]).toEqual([2, ''])
      expect(stderr).toContain(found)
      expect(stderr).toContain('[BAD_OPTION]')
    }
  })
})

describe('help', () => {
  test.each([[[]], ...[...VERBS, ...STAGE_NAMES].map((command) => [[command]])])('%j --help', (args) => {
    const { status, stdout, stderr } = steerpipe([...args, '--help'], { cwd })
    expect(status).toBe(0)
    expect(stderr).toBe('')
    expect(stdout).toContain(`steerpipe ${args[0] ?? 'COMMAND'}`)
    expect(stdout).toContain('--verbose')
    if (args.length === 0)
      for (const name of [...VERBS, ...STAGE_NAMES]) expect(stdout).toContain(`steerpipe ${name} `)
  })

  test('of a stage has its options, with what they are for and what they are otherwise', () => {
    const { stdout } = steerpipe(['template', '-h'], { cwd })
    for (const flag of [
      '--dataset',
      '--mapping.prompt',
      '--attributes',
      '--speakers.user',
      '--format',
      '--out',
    ])
      expect(stdout).toContain(flag)
    expect(stdout).toContain('One of helpsteer, helpsteer2, helpsteer2-preference,')
    expect(stdout).toContain('Default: "User".')
    expect(stdout).toContain('- template: { dataset: helpsteer2 }')
  })
})

describe('--version', () => {
  test('is that of steerpipe, wherever it is asked', () => {
    const elsewhere = folder.fresh()
    put(elsewhere, { 'package.json': '{"name":"other","version":"9.9.9"}' })
    symlinkSync(join(ROOT, 'node_modules'), join(elsewhere, 'node_modules'))
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
    expect(steerpipe(['--version'], { cwd: elsewhere })).toMatchObject({
      status: 0,
      stdout: `${version}\n`,
      stderr: '',
    })
  })
})
