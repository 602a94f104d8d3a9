import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { type Ended, Folder, lines, names, put, read, steerpipe } from '../support/command.js'

const folder = new Folder()
let cwd = ''

const DEFINITION = `name: both
vars: { out: made, which: one }
inputs: { one: "\${which}.jsonl", two: two.jsonl }
stages:
  - parse
  - write: all-\${input}.jsonl
  - write: \${out}/\${input}.jsonl
`
const ONE = lines({ id: 1 }, { id: 2 }, { id: 3 })
const TWO = lines({ id: 4 })

const run = (...args: string[]): Ended => steerpipe(['run', 'both.yaml', ...args], { cwd })

beforeEach(() => {
  cwd = folder.fresh()
  put(cwd, { 'both.yaml': DEFINITION, 'one.jsonl': ONE, 'two.jsonl': TWO, 'other.jsonl': lines({ id: 9 }) })
})

describe('run', () => {
  test('does all that the definition says, and says it', () => {
    const { status, stdout, stderr } = run()
    expect([status, stdout]).toEqual([0, ''])
    expect(stderr).toMatch(/^both\n/)
    expect(stderr).toMatch(/\n {2}write +1 in +1 out {2}→ made\/two\.jsonl \(9 B\)\n/)
    expect(read(cwd, 'all-one.jsonl') + read(cwd, 'made/two.jsonl')).toBe(ONE + TWO)
    expect(stderr).toContain('\nnext: steerpipe preview both.yaml -n 2; head -n 1 all-one.jsonl\n')
  })

  test('--set changes a var', () => {
    const { status, stderr } = run('--set', 'out=new/er', '--set', 'which=other')
    expect(status).toBe(0)
    expect(read(cwd, 'new/er/one.jsonl')).toBe(lines({ id: 9 }))
    expect(stderr).toContain('next: steerpipe preview both.yaml --set out=new/er --set which=other -n 2;')
    const unknown = run('--set', 'otu=x')
    expect(unknown.status).toBe(2)
    expect(unknown.stderr).toContain('(did you mean `out`?) [USAGE]')
  })

  test('--input and --output take the place of the definition’s', () => {
    const { status, stderr } = run('--input', 'one=other.jsonl', '--output', 'last-${input}.gz')
    expect(status).toBe(0)
    expect(names(cwd)).toEqual(
      ['all-one.jsonl', 'all-two.jsonl', 'both.yaml', 'last-one.gz', 'last-two.gz'].concat([
        'one.jsonl',
        'other.jsonl',
        'two.jsonl',
      ]),
    )
    expect(read(cwd, 'all-one.jsonl')).toBe(lines({ id: 9 }))
    expect(steerpipe(['parse', 'last-two.gz'], { cwd }).stdout).toBe(TWO)
    expect(stderr).toMatch(/\nnext: head -n 1 all-one\.jsonl\n$/)
    const unknown = run('--input', 'tow=x')
    expect(unknown.status).toBe(2)
    expect(unknown.stderr).toContain('(did you mean `two`?) [USAGE]')
  })

  test('--input and --output need no value for the vars that they take the place of', () => {
    put(cwd, {
      'unset.yaml':
        'name: x\nvars: { in: null, out: null }\ninputs: { a: "${in}" }\nstages: [write: "${out}"]\n',
    })
    const { status, stderr } = steerpipe(
      ['run', 'unset.yaml', '--input', 'a=one.jsonl', '--output', 'o.jsonl'],
      { cwd },
    )
    expect([status, stderr]).toEqual([0, expect.stringContaining('→ o.jsonl')])
    expect(read(cwd, 'o.jsonl')).toBe(ONE)
  })

  test('--output may be stdout, and --input stdin', () => {
    const args = ['run', 'both.yaml', '--input', 'two=-', '--output', '-']
    const { status, stdout } = steerpipe(args, { cwd, input: lines({ id: 7 }) })
    expect([status, stdout]).toEqual([0, ONE + lines({ id: 7 })])
  })

  test.each([
    [
      'an input',
      ['--input', 'two=other.jsonl', '--output', 'other.jsonl'],
      'the output other.jsonl is also an input',
    ],
    ['both inputs’ output', ['--output', 'x.jsonl'], 'the inputs `one` and `two` both write x.jsonl'],
    ['another output', ['--output', 'all-${input}.jsonl'], 'two stages write all-one.jsonl'],
    ['a report on an input', ['--report', 'one.jsonl'], 'the report would overwrite one.jsonl'],
    ['a report on an output', ['--report', './made/two.jsonl'], 'the report would overwrite made/two.jsonl'],
    ['a report on the definition', ['--report', 'both.yaml'], 'the report would overwrite both.yaml'],
  ])('flags may not make it overwrite %s, --force or not', (_, flags, found) => {
    const { status, stderr } = run('--force', ...flags)
    expect(status).toBe(2)
    expect(stderr).toContain(`${found} [OUTPUT_CONFLICT]`)
    expect(names(cwd)).toEqual(['both.yaml', 'one.jsonl', 'other.jsonl', 'two.jsonl'])
    expect(read(cwd, 'both.yaml') + read(cwd, 'one.jsonl')).toBe(DEFINITION + ONE)
  })

  test.each([
    [['--output', ''], '`--output` has no path'],
    [['--output', '${out}/x'], '`${out}` is not known in `--output`'],
    [['--report', '-'], '`--report` has `-`, which is stdout'],
  ])('%j is refused', (flags, found) => {
    const { status, stderr } = run(...flags)
    expect(status).toBe(2)
    expect(stderr).toContain(found)
  })

  test('--limit takes the first records of each input', () => {
    expect(run('--limit', '2').status).toBe(0)
    expect(read(cwd, 'made/one.jsonl')).toBe(lines({ id: 1 }, { id: 2 }))
    expect(read(cwd, 'made/two.jsonl')).toBe(TWO)
    // What comes after them is not looked at.
    put(cwd, { 'one.jsonl': `${ONE}bad\n` })
    expect(run('--limit', '3', '--force').status).toBe(0)
    expect(read(cwd, 'made/one.jsonl')).toBe(ONE)
    expect(run('--limit', '4', '--force').status).toBe(1)
  })

  test('an output that is there already is refused before anything is read or written; --force replaces it', () => {
    mkdirSync(join(cwd, 'made'))
    put(cwd, { 'made/two.jsonl': 'mine', 'all-one.jsonl': 'mine', 'one.jsonl': 'bad\n' })
    const refused = run('--report', 'report.json')
    expect([refused.status, refused.stdout]).toEqual([2, ''])
    expect(refused.stderr.match(/^error: .*$/gm)).toEqual([
      'error: all-one.jsonl: this output is there already [OUTPUT_EXISTS]',
      'error: made/two.jsonl: this output is there already [OUTPUT_EXISTS]',
    ])
    expect(read(cwd, 'made/two.jsonl')).toBe('mine')
    expect(names(cwd)).not.toContain('report.json')
    put(cwd, { 'one.jsonl': ONE })
    expect(run('--force').status).toBe(0)
    expect(read(cwd, 'made/two.jsonl')).toBe(TWO)
    put(cwd, { 'both.yaml': `${DEFINITION}overwrite: true\n`, 'two.jsonl': ONE })
    expect(run().status).toBe(0)
    expect(read(cwd, 'made/two.jsonl')).toBe(ONE)
  })

  test('--report writes what was done', () => {
    expect(run('--report', 'report.json').status).toBe(0)
    const report = JSON.parse(read(cwd, 'report.json'))
    expect(report).toMatchObject({
      pipeline: 'both',
      leftOut: 0,
      inputs: [
        { input: 'one', files: ['one.jsonl'], bytes: ONE.length },
        { input: 'two', files: ['two.jsonl'], bytes: TWO.length },
      ],
    })
    expect(report.seconds).toBeGreaterThan(0)
    expect(
      report.inputs[0].stages.map((stage: { stage: string; out: number }) => [stage.stage, stage.out]),
    ).toEqual([
      ['parse', 3],
      ['write', 3],
      ['write', 3],
    ])
    const failed = run('--force', '--report', 'one.jsonl/report.json')
    expect(failed.status).toBe(1)
    expect(failed.stderr).toContain(
      'error: one.jsonl/report.json: the report could not be written: not a directory',
    )
  })

  test('relative paths are from the working folder, not from the definition’s', () => {
    const elsewhere = join(cwd, 'else', 'where')
    mkdirSync(elsewhere, { recursive: true })
    put(elsewhere, { 'one.jsonl': lines({ id: 'here' }), 'two.jsonl': '' })
    const { status } = steerpipe(['run', '../../both.yaml', '--report', 'report.json'], { cwd: elsewhere })
    expect(status).toBe(0)
    expect(names(elsewhere)).toEqual([
      'all-one.jsonl',
      'all-two.jsonl',
      'made',
      'one.jsonl',
      'report.json',
      'two.jsonl',
    ])
    expect(read(elsewhere, 'made/one.jsonl')).toBe(lines({ id: 'here' }))
    expect(names(cwd)).not.toContain('made')
    const lost = steerpipe(['run', '../both.yaml'], { cwd: join(cwd, 'else') })
    expect(lost.status).toBe(2)
    expect(lost.stderr).toContain('the input one.jsonl does not exist')
  })
})
