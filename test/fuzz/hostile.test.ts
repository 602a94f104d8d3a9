/**
 * Data and definitions that somebody has thought about: names that every JavaScript object has, nesting to the limit,
 * labels that are slow to match, YAML that multiplies.
 */
import { describe, expect, test } from 'vitest'
import { SteerpipeError } from '../../src/errors.js'
import { attributesFrom } from '../../src/records/attributes.js'
import { encode } from '../../src/records/json-text.js'
import { VectorFormat } from '../../src/records/labels.js'
import { Folder, lines, put, read, steerpipe } from '../support/command.js'

const folder = new Folder()
const NAMES = ['__proto__', 'constructor', 'hasOwnProperty', 'toString', 'valueOf']

/** An object of these names, as JSON: in an object literal one of them would be no member. */
const object = (names: readonly string[], value: (name: string, index: number) => unknown): string =>
  `{${names.map((name, i) => `${JSON.stringify(name)}: ${JSON.stringify(value(name, i))}`).join(', ')}}`

describe('names that every object has', () => {
  test('as attributes, as columns of rows and as fields of a data set', () => {
    const cwd = folder.fresh()
    const row = `{"prompt": "p", "response": "r", ${object(NAMES, (_, i) => i).slice(1)}`
    put(cwd, {
      'in.jsonl': `${row}\n{"prompt": "p", "response": "r"}\n`,
      'own.jsonl': object([...NAMES, 'prompt'], (_, i) => (i < 2 ? `text ${i}` : i)),
      'p.yaml': `name: x
attributes: [${NAMES.join(', ')}]
inputs: in.jsonl
stages: [template: helpsteer2, label-format, write: sft.jsonl, regression-expand, write: reg.jsonl]
`,
    })
    expect(steerpipe(['run', 'p.yaml'], { cwd })).toMatchObject({ status: 0 })
    const labels = read(cwd, 'sft.jsonl').match(/"label": "[^"]*"/g)
    const label = NAMES.map((name, i) => `${name}:${i}`).join(',')
    expect(labels).toEqual([`"label": "${label}"`, '"label": ""'])
    // The second row has no label, so there is no sample of it.
    expect(read(cwd, 'reg.jsonl').match(/"label": \[.*\]/g)).toEqual(['"label": [0.0, 1.0, 2.0, 3.0, 4.0]'])
  })

  test('as inputs, parts and vars', () => {
    const cwd = folder.fresh()
    put(cwd, {
      'in.jsonl': lines(...Array.from({ length: 40 }, (_, n) => ({ n }))),
      'p.yaml': `name: x
vars: { __proto__: a, constructor: b, hasOwnProperty: c }
inputs: { __proto__: in.jsonl, toString: in.jsonl }
stages:
  - split: { parts: { constructor: 0.5, valueOf: 0.5 } }
  - write: "\${__proto__}-\${constructor}-\${hasOwnProperty}-\${input}-\${part}.jsonl"
`,
    })
    expect(steerpipe(['run', 'p.yaml', '--set', '__proto__=z'], { cwd })).toMatchObject({ status: 0 })
    for (const input of ['__proto__', 'toString']) {
      const parts = ['constructor', 'valueOf'].map((part) => read(cwd, `z-b-c-${input}-${part}.jsonl`))
      expect(parts.join('').split('\n')).toHaveLength(41)
      for (const part of parts) expect(part).not.toBe('')
    }
  })

  test('that are not there are not found in every object', () => {
    const cwd = folder.fresh()
    put(cwd, {
      'in.jsonl': lines({ n: 1 }),
      'p.yaml': 'name: x\ninputs: in.jsonl\nstages: [write: "${toString}"]\n',
    })
    expect(steerpipe(['run', 'p.yaml'], { cwd }).stderr).toContain('[UNKNOWN_NAME]')
    for (const name of NAMES) {
      const { status, stderr } = steerpipe(['run', 'p.yaml', '--set', `${name}=x`], { cwd })
      expect(status).toBe(2)
      expect(stderr).toContain(`\`--set ${name}=…\`: the definition has no such var`)
      expect(steerpipe(['run', 'p.yaml', '--input', `${name}=x`], { cwd }).stderr).toContain('no such input')
    }
    for (const stage of ['dedupe --by', 'split --parts train,val --by', 'template --dataset']) {
      const { status, stderr } = steerpipe([...stage.split(' '), 'constructor', 'in.jsonl'], { cwd })
      expect(status).toBeGreaterThan(0)
      expect(stderr).toMatch(/^error: .*\[[A-Z_]+\]$/m)
    }
  })
})

/** A record so many levels deep. */
const deep = (levels: number, rest = ''): string =>
  `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}${rest}}`

describe('nesting', () => {
  const cwd = folder.fresh()
  const row = ',"prompt":"p","response":"r","helpfulness":3'
  const good = '{"b":1}'
  put(cwd, {
    'most.jsonl': `${deep(100_000)}\n${good}\n`,
    'more.jsonl': `${deep(100_001)}\n${good}\n`,
    'most.json': `[${deep(100_000)},${good}]`,
    'more.json': `[${good},${deep(100_001)}]`,
    'row.jsonl': `${deep(100_000, row)}\n`,
    'same.mjs': 'export default (record) => record\n',
    'other.mjs': 'export default (record) => ({ ...record, c: 1 })\n',
    'none.mjs': 'export default (record) => ({ b: typeof record })\n',
  })

  test.each([
    'parse',
    'shuffle',
    'shuffle --algorithm buckets --memory 1MB',
    'dedupe',
    'map --module same.mjs',
  ])('of 100,000 levels goes through %s', (args) => {
    const { status, stdout, stderr } = steerpipe([...args.split(' '), 'most.jsonl'], { cwd })
    expect(status, stderr).toBe(0)
    expect(stdout.split('\n').sort()).toEqual(['', deep(100_000), good].sort())
  })

  test.each([
    ['filter --where has(source.b)', good],
    ['filter --where has(source.a)', deep(100_000)],
    ['dedupe --by a', deep(100_000)],
    ['map --module none.mjs', '{"b": "object"}\n{"b": "object"}'],
  ])('of 100,000 levels: %s', (args, expected) => {
    const { stdout, stderr } = steerpipe([...args.split(' '), '--on-error', 'skip', 'most.jsonl'], { cwd })
    expect(stdout, stderr).toBe(`${expected}\n`)
  })

  test('beside the fields that a stage takes', () => {
    const { status, stdout } = steerpipe(['template', '--dataset', 'helpsteer2', 'row.jsonl'], { cwd })
    expect(status).toBe(0)
    expect(stdout).toContain('"scores": {"helpfulness": 3}')
  })

  test.each(['filter --where source.a==source.a', 'map --module other.mjs'])(
    'that %s cannot follow is a bad record',
    (args) => {
      const { status, stderr } = steerpipe([...args.split(' '), '--on-error', 'skip', 'most.jsonl'], { cwd })
      expect(status).toBe(3)
      expect(stderr).toMatch(/most\.jsonl:1 \(byte 0\), \w+: .*nested too deeply \[(MAP|FILTER)_FAILED\]/)
    },
  )

  test('of 100,001 levels is a bad record', () => {
    const { status, stdout, stderr } = steerpipe(['parse', '--on-error', 'skip', 'more.jsonl'], { cwd })
    expect({ status, stdout }).toEqual({ status: 3, stdout: `${good}\n` })
    expect(stderr).toContain('more.jsonl:1 (byte 0), parse: nesting deeper than 100,000 levels [TOO_DEEP]')
  })

  test('in a document, likewise', () => {
    const args = ['parse', '--format', 'json']
    const most = steerpipe([...args, 'most.json'], { cwd })
    expect(most.stdout).toBe(`${deep(100_000).replace(':', ': ')}\n{"b": 1}\n`)
    const more = steerpipe([...args, 'more.json'], { cwd })
    expect(more).toMatchObject({ status: 1, stdout: '{"b": 1}\n' })
    expect(more.stderr).toContain('[TOO_DEEP]')
  })
})

describe('labels that are slow to match', () => {
  const format = () => new VectorFormat(attributesFrom(['quality']), 'keep', () => {})

  /** The least time of the processor that a label takes, of several times, in milliseconds. */
  function timeOf(label: string): number {
    const text = encode(label)
    const times = Array.from({ length: 3 }, () => {
      const vectors = format()
      const started = process.cpuUsage()
      try {
        vectors.render(text)
      } catch (error) {
        if (!(error instanceof SteerpipeError)) throw error
        expect(error.code).toBe('BAD_LABEL')
        expect(error.message.length).toBeLessThan(500)
      }
      const { user, system } = process.cpuUsage(started)
      return (user + system) / 1000
    })
    return Math.min(...times)
  }

  test.each<[string, (n: number) => string]>([
    ['spaces', (n) => `quality:${' '.repeat(n)}x`],
    ['spaces on both sides', (n) => `quality:${' '.repeat(n)}1${' '.repeat(n)}x`],
    ['digits', (n) => `quality:${'1'.repeat(n)}x`],
    ['digits that are a number', (n) => `quality:0.${'1'.repeat(n)}`],
    ['zeros', (n) => `quality:${'0'.repeat(n)}e`],
    ['dots', (n) => `quality:${'.1'.repeat(n / 2)}`],
    ['colons', (n) => ':'.repeat(n)],
    ['colons behind a score', (n) => `quality:1${':'.repeat(n)}`],
    ['commas', (n) => ','.repeat(n)],
    ['parts', (n) => `${'a:1,'.repeat(n / 4)}b`],
    ['white space of all kinds', (n) => `quality:${' \t\n\r'.repeat(n / 4)}`],
  ])('%s: four times the length takes no more than some four times as long', (_, make) => {
    // Long enough to be measured; with a time of square growth the ratio would be sixteen, and the test not end.
    const short = timeOf(make(2_500_000))
    const long = timeOf(make(10_000_000))
    // What is as quick as this is not of square growth, and may be disturbed by what else the machine does.
    expect(long / Math.max(short, 50)).toBeLessThan(12)
  })
})

describe('attributes with odd names', () => {
  const ODD = [
    ...[
      'größe',
      'help fulness',
      ' lead',
      'a"b',
      "it's",
      'a\\b',
      '(.*)+$',
      '[x]{2}',
      '$&',
      '🦊',
      'e\u0301',
      '\u200b',
      '日本語',
    ],
    ...['\u2028', '0', '-1', 'null', '${x}'.replace('$', '#'), 'a\tb', '<extra_id_2>'],
  ]

  test('make right labels and vectors', () => {
    const cwd = folder.fresh()
    const scores = Object.fromEntries(ODD.map((name, i) => [name, i % 5]))
    put(cwd, {
      'in.jsonl': lines({ prompt: 'p', response: 'r', ...scores }),
      'p.yaml': `name: x
attributes: ${JSON.stringify(ODD)}
inputs: in.jsonl
stages: [template: helpsteer2, label-format, write: sft.jsonl, regression-expand, write: reg.jsonl]
`,
    })
    const { status, stderr } = steerpipe(['run', 'p.yaml'], { cwd })
    expect(status, stderr).toBe(0)
    const { conversations } = JSON.parse(read(cwd, 'sft.jsonl')) as { conversations: { label: string }[] }
    expect(conversations[1].label).toBe(ODD.map((name, i) => `${name}:${i % 5}`).join(','))
    const { label } = JSON.parse(read(cwd, 'reg.jsonl')) as { label: number[] }
    expect(label).toEqual(ODD.map((_, i) => i % 5))
  })
})

describe('pipeline files', () => {
  const HEAD = 'name: x\ninputs: in.jsonl\nstages: [write: out.jsonl]\n'
  const twice = (n: number) =>
    Array.from({ length: n }, (_, i) => `  v${i + 1}: "\${v${i}}\${v${i}}"\n`).join('')
  const laughs = 'bcdefghi'.replace(/./g, (name) => {
    const before = String.fromCharCode(name.charCodeAt(0) - 1)
    return `${name}: &${name} [${Array(9).fill(`*${before}`).join(', ')}]\n`
  })

  test.each<[string, string, string]>([
    ['aliases that multiply', `a: &a [lol]\n${laughs}${HEAD}`, 'DEFINITION_SYNTAX'],
    ['a map inside of itself', `${HEAD}vars: &v\n  a: *v\n`, 'DEFINITION_SYNTAX'],
    ['a merge of itself', `${HEAD}vars: &v\n  <<: *v\n`, 'DEFINITION_SYNTAX'],
    ['vars that double', `${HEAD}vars:\n  v0: lol\n${twice(60)}`, 'UNKNOWN_NAME'],
    ['empty vars that double', `${HEAD}vars:\n  v0: ""\n${twice(60)}`, 'UNKNOWN_NAME'],
    ['many levels', `${HEAD}vars: ${'['.repeat(50_000)}${']'.repeat(50_000)}\n`, 'DEFINITION_SYNTAX'],
    ['many open brackets', '['.repeat(100_000), 'DEFINITION_SYNTAX'],
    ['more than a megabyte', `${HEAD}${`# ${'x'.repeat(97)}\n`.repeat(11_000)}`, 'DEFINITION_SYNTAX'],
    ['repeated keys', `${HEAD}vars: { a: 1, a: 2 }\n`, 'DEFINITION_SYNTAX'],
    ['tabs for indentation', 'name: x\ninputs:\n\t- in.jsonl\n', 'DEFINITION_SYNTAX'],
    ['keys that are no texts', `${HEAD}? [a, b]\n: 1\n`, 'DEFINITION_INVALID'],
    ['tags', `${HEAD}vars: { a: !!js/function "x" }\n`, 'DEFINITION_SYNTAX'],
  ])('%s are refused', (_, text, code) => {
    const cwd = folder.fresh()
    put(cwd, { 'in.jsonl': '', 'p.yaml': text })
    const { status, stderr, signal } = steerpipe(['lint', 'p.yaml'], { cwd })
    expect({ status, signal }).toEqual({ status: 2, signal: null })
    expect(stderr).toMatch(new RegExp(`^p\\.yaml.* \\[${code}\\]$`, 'm'))
    expect(stderr).not.toContain('defect')
  })

  test('many vars are read: keys are not compared each with each', () => {
    const cwd = folder.fresh()
    const vars = Array.from({ length: 75_000 }, (_, i) => `  v${i}: 1\n`).join('')
    put(cwd, { 'in.jsonl': '', 'p.yaml': `${HEAD}vars:\n${vars}` })
    expect(steerpipe(['lint', 'p.yaml'], { cwd })).toMatchObject({ status: 0 })
  })

  test('what has no end is not read to it', () => {
    const { status, stderr } = steerpipe(['lint', '/dev/zero'], { cwd: '/' })
    expect(status).toBe(2)
    expect(stderr).toContain('/dev/zero: a pipeline file of more than 1048576 bytes [DEFINITION_SYNTAX]')
  })
})
