import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { Folder, lines, put, read, shell, steerpipe } from '../support/command.js'
import { all, labelled, ROWS, sample, scored } from './data.js'

const folder = new Folder()
let cwd = ''

/** Runs a filter that has nothing to say; returns what it writes to stdout. */
function filter(args: readonly string[], input: string | Uint8Array = ''): string {
  const { status, stdout, stderr } = steerpipe(args, { cwd, input })
  expect(stderr).toBe('')
  expect(status).toBe(0)
  return stdout
}

const rows = lines(...ROWS)

beforeAll(() => {
  cwd = folder.fresh()
  const [first, ...others] = ROWS
  put(cwd, {
    'rows.jsonl': rows,
    'rows.jsonl.gz': gzipSync(rows),
    'first.jsonl': lines(first),
    'others.jsonl.gz': gzipSync(lines(...others)),
    'gzipped-under-another-name': gzipSync(rows),
    'two-members.gz': Buffer.concat([gzipSync(lines(first)), gzipSync(lines(...others))]),
  })
})

describe('stages as filters', () => {
  test('each does its own work', () => {
    expect(filter(['parse'], rows)).toBe(rows)
    expect(filter(['template', '--dataset', 'helpsteer2'], rows)).toBe(all(scored))
    expect(filter(['label-format'], all(scored))).toBe(all(labelled))
    expect(filter(['regression-expand'], all(labelled))).toBe(all(sample))
    expect(filter(['write'], rows)).toBe(rows)
  })

  test('one after the other they write the same bytes as the recipe', () => {
    const chain =
      'steerpipe template --dataset helpsteer2 | steerpipe label-format | steerpipe regression-expand'
    const piped = shell(`zcat rows.jsonl.gz | ${chain} > piped.jsonl`, cwd)
    expect(piped).toMatchObject({ status: 0, stdout: '', stderr: '' })
    put(cwd, {
      'recipe.yaml': `name: recipe
inputs: rows.jsonl.gz
stages: [parse, template: { dataset: helpsteer2 }, label-format, regression-expand, write: recipe.jsonl]
`,
    })
    expect(steerpipe(['run', 'recipe.yaml'], { cwd }).status).toBe(0)
    expect(read(cwd, 'recipe.jsonl')).toBe(all(sample))
    expect(read(cwd, 'piped.jsonl')).toBe(all(sample))
  })

  test('records that nothing changes keep their bytes', () => {
    const odd = '  {"a" : 12345678901234567890123, "\\u0061": 1.0e+00 , "b":"\\/"}\t\n\n{"x":[ ]}'
    expect(filter(['parse'], `\ufeff${odd.replaceAll('\n', '\r\n')}`)).toBe(
      '  {"a" : 12345678901234567890123, "\\u0061": 1.0e+00 , "b":"\\/"}\t\r\n{"x":[ ]}\n',
    )
  })
})

describe('where a filter reads', () => {
  test.each([
    ['a file', ['rows.jsonl']],
    ['a gzip file', ['rows.jsonl.gz']],
    ['gzip by its first bytes, whatever its name', ['gzipped-under-another-name']],
    ['several gzip members', ['two-members.gz']],
    ['several files, in the order of the command line', ['first.jsonl', 'others.jsonl.gz']],
    ['a pattern', ['{first,others}.jsonl*']],
    ['files after the flags are over', ['--', 'first.jsonl', 'others.jsonl.gz']],
  ])('%s', (_, files) => {
    expect(filter(['parse', ...files])).toBe(rows)
  })

  test('stdin, plain and gzip', () => {
    expect(filter(['parse'], gzipSync(rows))).toBe(rows)
    expect(shell('steerpipe parse < rows.jsonl.gz', cwd).stdout).toBe(rows)
    expect(shell('cat others.jsonl.gz | steerpipe parse first.jsonl -', cwd).stdout).toBe(rows)
  })

  test('a file listed twice is read twice', () => {
    expect(filter(['parse', 'first.jsonl', 'first.jsonl'])).toBe(lines(ROWS[0], ROWS[0]))
  })

  test('names that look like numbers or flags', () => {
    put(cwd, { '007': lines({ a: 1 }), '-n.jsonl': lines({ a: 2 }) })
    expect(filter(['parse', '007', '--', '-n.jsonl'])).toBe(lines({ a: 1 }, { a: 2 }))
  })

  test('one JSON document, and text lines', () => {
    const document = '{"data": {"rows": [{"a": 1},\n {"b": "é\\u00e9"}]}}'
    expect(filter(['parse', '--format', 'json', '--path', 'data.rows'], document)).toBe(
      '{"a": 1}\n{"b": "éé"}\n',
    )
    expect(filter(['parse', '--format', 'lines'], 'say "hi"\n\nlast, ohne Ende: ü')).toBe(
      '{"text": "say \\"hi\\""}\n{"text": "last, ohne Ende: ü"}\n',
    )
    expect(filter(['parse', '--format', 'lines', '--field', 'prompt'], 'x\n')).toBe('{"prompt": "x"}\n')
  })
})

describe('options as flags', () => {
  const own = lines({ q: 'Q', a: 'A', rating: 3, tone: 1, sys: 'S' })

  test('--mapping.… and --speakers.… name the inner options', () => {
    const mapping = ['--mapping.prompt', 'q', '--mapping.response', 'a', '--mapping.system', 'sys']
    const speakers = ['--speakers.user', 'Human', '--speakers.assistant=Bot']
    const made = filter(
      ['template', ...mapping, ...speakers, '--mapping.scores', '{ tone: rating }', '--attributes', 'tone'],
      own,
    )
    expect(made).toBe(
      '{"conversations": [{"value": "Q", "from": "Human", "label": null}, {"value": "A", "from": "Bot", "scores": {"tone": 3}}], "system": "S", "mask": "Human", "type": "VALUE_TO_TEXT"}\n',
    )
  })

  test('a list is names with commas between them', () => {
    const args = ['template', '--mapping.prompt=q', '--mapping.response=a', '--mapping.scores=tone,rating']
    const made = filter([...args, '--attributes', 'rating, tone'], own)
    expect(made).toContain('"scores": {"rating": 3, "tone": 1}')
    const label = filter(['label-format', '--attributes', 'tone,rating'], made)
    expect(label).toContain('"label": "tone:1,rating:3"')
    expect(filter(['regression-expand', '--attributes', 'tone,rating,other'], label)).toContain(
      '"label": [1.0, 3.0, -100.0]}',
    )
  })

  test('attributes with a range and a sentinel are written as in a pipeline file', () => {
    const attributes = '[{ name: rating, min: -3, max: 2, sentinel: -1 }, { name: none, sentinel: -1 }]'
    const args = ['regression-expand', '--attributes', attributes, '--range', 'clamp']
    const { stdout, stderr } = steerpipe(args, { cwd, input: all(labelled).replace('helpfulness', 'rating') })
    expect(stdout.split('\n')[0]).toContain('"label": [2.0, -1.0]}')
    expect(stderr).toContain('note: 1 × score clamped to its range (regression-expand)\n')
  })

  test('--tokens.… and --system-prompt', () => {
    const tokens = ['user', 'assistant', 'label', 'end', 'system'].flatMap((name) => [
      `--tokens.${name}`,
      `<${name}>`,
    ])
    const args = ['regression-expand', ...tokens, '--system-prompt', '']
    expect(filter(args, labelled(ROWS[0]))).toBe(
      `{"text": "<system><end><user>What is 2 + 2?<end><assistant>4<end><label>", "label": [-100.0, -100.0, -100.0, -100.0, 4.0, -100.0, -100.0, -100.0, 0.0]}\n`,
    )
  })

  test('--group binds neighbours, and --max-line-bytes limits lines', () => {
    const bad = `${lines({ a: 1 })}x\n${lines({ a: 3 }, { a: 4 })}`
    const skipped = steerpipe(['parse', '--group', '2', '--on-error', 'skip'], { cwd, input: bad })
    expect(skipped).toMatchObject({ status: 3, stdout: lines({ a: 3 }, { a: 4 }) })
    const limited = ['parse', '--max-line-bytes', '9', '--on-error', 'skip']
    expect(steerpipe(limited, { cwd, input: lines({ a: 1 }, { a: 1000 }) }).stdout).toBe(lines({ a: 1 }))
  })

  test('what went through and should be told is told, on stderr', () => {
    const input = all(labelled).replace('verbosity', 'verbosty')
    const { status, stdout, stderr } = steerpipe(['regression-expand'], { cwd, input })
    expect(status).toBe(0)
    expect(stdout.split('\n').length).toBe(4)
    expect(stderr).toBe('note: 1 × unknown attribute dropped (regression-expand)\n')
  })

  test('so is what a stage was told to drop, and all is well', () => {
    const { status, stdout, stderr } = steerpipe(['filter', '--where', 'helpfulness > 3.0'], {
      cwd,
      input: rows,
    })
    expect(status).toBe(0)
    expect(stdout).toBe(lines(ROWS[0]))
    expect(stderr).toBe('dropped: 2 × helpfulness > 3.0 (filter)\n')
  })
})

test.each([['label-format'], ['write'], ['limit', '--count', '1']])('--ascii is there in %s', (...args) => {
  const line = '{"conversations":[{"from":"A","value":"é😀"}],"mask":"U"}\n'
  const { status, stdout } = steerpipe([...args, '--ascii'], { cwd: folder.fresh(), input: line })
  expect({ status, stdout }).toEqual({ status: 0, stdout: line.replace('é😀', '\\u00e9\\ud83d\\ude00') })
})
