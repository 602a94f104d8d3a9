import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { Folder, lines, names, put, read, steerpipe } from '../support/command.js'
import { all, labelled, ROWS, type Row, sample, scored } from './data.js'

const folder = new Folder()

/** Rows of several reads of a file: some 700 KB. */
const MANY: readonly Row[] = Array.from({ length: 3000 }, (_, index) => ({
  prompt: `prompt ${index} ${'é'.repeat(index % 100)}`,
  response: 'r'.repeat(index % 200),
  helpfulness: index % 5,
}))

const RECIPE = `name: recipe
inputs: { first: first.jsonl, second: second.jsonl }
stages:
  - parse
  - template: helpsteer2
  - label-format
  - write: sft-\${input}.jsonl
  - regression-expand
  - write: reg-\${input}.jsonl.gz
`

describe('a bad record ends the run', () => {
  test.each([
    ['at parse', 'no JSON\n'],
    ['at a later stage', lines({ prompt: 'p' })],
  ])('%s: the good records before it are kept beside the outputs’ names, whole', (_, bad) => {
    const cwd = folder.fresh()
    put(cwd, { 'recipe.yaml': RECIPE, 'first.jsonl': lines(...ROWS) })
    put(cwd, { 'second.jsonl': lines(...MANY.slice(0, 2500)) + bad + lines(...MANY.slice(2500)) })
    const { status, stdout, stderr } = steerpipe(['run', 'recipe.yaml'], { cwd })
    expect(status).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toContain(
      'what came before the error is kept in sft-second.jsonl.partial, reg-second.jsonl.gz.partial\n',
    )
    expect(stderr).toContain('error: second.jsonl:2501 (byte ')
    expect(names(cwd).filter((name) => /^(sft|reg)/.test(name))).toEqual([
      'reg-first.jsonl.gz',
      'reg-second.jsonl.gz.partial',
      'sft-first.jsonl',
      'sft-first.jsonl.checkpoint',
      'sft-second.jsonl.partial',
    ])
    expect(read(cwd, 'sft-first.jsonl')).toBe(all(labelled))
    expect(read(cwd, 'sft-second.jsonl.partial')).toBe(all(labelled, MANY.slice(0, 2500)))
    const samples = gunzipSync(readFileSync(join(cwd, 'reg-second.jsonl.gz.partial'))).toString('utf8')
    expect(samples).toBe(all(sample, MANY.slice(0, 2500)))
  })

  test('at the first record nothing is kept', () => {
    const cwd = folder.fresh()
    const result = steerpipe(['parse', '-o', 'out'], { cwd, input: 'bad\n{}\n' })
    expect(result.status).toBe(1)
    expect(result.stderr).not.toContain('kept')
    expect(names(cwd)).toEqual([])
  })

  test('an output that was there before stays as it was', () => {
    const cwd = folder.fresh()
    put(cwd, { out: 'earlier' })
    const result = steerpipe(['parse', '-o', 'out', '--force'], { cwd, input: '{"a":1}\nbad\n' })
    expect(result.status).toBe(1)
    expect(read(cwd, 'out')).toBe('earlier')
    expect(read(cwd, 'out.partial')).toBe('{"a":1}\n')
  })

  test('what an earlier run kept is not said to be of this one', () => {
    const cwd = folder.fresh()
    put(cwd, { 'out.partial': 'of an earlier run' })
    const result = steerpipe(['parse', 'none.gz', '-o', 'out'], { cwd })
    expect(result.status).toBe(2)
    put(cwd, { 'recipe.yaml': RECIPE, 'first.jsonl': 'bad', 'second.jsonl': '' })
    put(cwd, { 'sft-second.jsonl.partial': 'of an earlier run' })
    const failed = steerpipe(['run', 'recipe.yaml'], { cwd })
    expect(failed.status).toBe(1)
    expect(failed.stderr).not.toContain('kept')
    expect(read(cwd, 'sft-second.jsonl.partial')).toBe('of an earlier run')
  })

  test('on stdout the good records before it arrive', () => {
    const input = `${lines(...MANY)}bad\n${lines(...MANY)}`
    const result = steerpipe(['template', '--dataset', 'helpsteer2'], { cwd: folder.fresh(), input })
    expect(result.status).toBe(1)
    expect(result.stdout).toBe(all(scored, MANY))
  })

  test('a gzip file that is cut short gives what stands before the cut', () => {
    const cwd = folder.fresh()
    const packed = gzipSync(lines(...MANY))
    for (const share of [0.3, 0.5, 0.9]) {
      put(cwd, { 'cut.gz': packed.subarray(0, Math.floor(packed.length * share)) })
      const readable = gunzipSync(readFileSync(join(cwd, 'cut.gz')), { finishFlush: 2 }).toString('utf8')
      const whole = readable.slice(0, readable.lastIndexOf('\n') + 1)
      const result = steerpipe(['parse', 'cut.gz', '-o', 'out', '--on-error', 'skip'], { cwd })
      expect(result.status).toBe(1)
      expect(result.stderr).toContain('the gzip data ends in the middle [GZIP_DAMAGED]')
      expect(read(cwd, 'out.partial')).toBe(whole)
    }
  })
})

describe('--on-error skip', () => {
  const bad = [
    'no JSON\n',
    '[1]\n',
    lines({ prompt: 'p' }),
    lines({ prompt: 'p', response: 1 }),
    '{"a":1,}\n',
  ]

  test('leaves bad records out, counts them by reason, and exits with 3', () => {
    const cwd = folder.fresh()
    const input = ROWS.map((row, index) => bad[index] + lines(row)).join('') + bad[3] + bad[4]
    put(cwd, { 'recipe.yaml': RECIPE, 'first.jsonl': input, 'second.jsonl': lines(ROWS[0]) })
    const result = steerpipe(['run', 'recipe.yaml', '--on-error', 'skip', '--report', 'report.json'], { cwd })
    expect(result).toMatchObject({ status: 3, stdout: '' })
    expect(read(cwd, 'sft-first.jsonl')).toBe(all(labelled))
    expect(read(cwd, 'sft-second.jsonl')).toBe(labelled(ROWS[0]))
    expect(result.stderr.match(/^left out: first\.jsonl:\d+ \(byte \d+\), .*$/gm)).toEqual([
      'left out: first.jsonl:1 (byte 0), parse: `no` where a value belongs at byte 1 of the line [JSON_SYNTAX]',
      expect.stringMatching(/^left out: first\.jsonl:3 \(byte \d+\), parse: an array \[NOT_AN_OBJECT\]$/),
      expect.stringMatching(/^left out: first\.jsonl:8 \(byte \d+\), parse: .* \[JSON_SYNTAX\]$/),
      expect.stringMatching(/^left out: first\.jsonl:5 \(byte \d+\), template: .* \[MISSING_FIELD\]$/),
      expect.stringMatching(/^left out: first\.jsonl:7 \(byte \d+\), template: .* \[WRONG_TYPE\]$/),
    ])
    const counts = [
      'left out: 2 × JSON_SYNTAX (parse)',
      'left out: 1 × NOT_AN_OBJECT (parse)',
      'left out: 1 × MISSING_FIELD (template)',
      'left out: 1 × WRONG_TYPE (template)',
    ]
    for (const line of counts) expect(result.stderr).toContain(`${line}\n`)
    expect(result.stderr).not.toContain('left out: nothing')
    const report = JSON.parse(read(cwd, 'report.json'))
    expect(report).toMatchObject({ pipeline: 'recipe', leftOut: 5 })
    const [first, second] = report.inputs
    expect(first).toMatchObject({ input: 'first', files: ['first.jsonl'], bytes: Buffer.byteLength(input) })
    expect(first.stages[0]).toEqual({
      stage: 'parse',
      in: 8,
      out: 5,
      leftOut: { JSON_SYNTAX: 2, NOT_AN_OBJECT: 1 },
      dropped: {},
      notes: {},
      outputs: [],
    })
    expect(first.stages[1]).toMatchObject({ in: 5, out: 3, leftOut: { MISSING_FIELD: 1, WRONG_TYPE: 1 } })
    const bytes = Buffer.byteLength(all(labelled))
    expect(first.stages[3].outputs).toEqual([{ path: 'sft-first.jsonl', bytes }])
    expect(second.stages[1]).toMatchObject({ in: 1, out: 1, leftOut: {} })
  })

  test('shows the first few, and counts the rest', () => {
    const result = steerpipe(['parse', '--on-error', 'skip'], {
      cwd: folder.fresh(),
      input: 'bad\n'.repeat(1200),
    })
    expect(result).toMatchObject({ status: 3, stdout: '' })
    expect(result.stderr.match(/^left out: stdin:\d+/gm)?.length).toBe(5)
    expect(result.stderr).toMatch(
      /\nleft out: more records; the counts follow\nleft out: 1,200 × JSON_SYNTAX \(parse\)\n/,
    )
  })

  test('a pair goes as a whole, the second half as `partner`', () => {
    const cwd = folder.fresh()
    const input = all(labelled, MANY.slice(0, 6))
      .split('\n')
      .map((line, index) => (index === 3 ? line.replace(':3"', ':x"') : line))
      .join('\n')
    const args = ['regression-expand', '--group', '2', '--on-error', 'skip']
    const result = steerpipe(args, { cwd, input })
    expect(result.status).toBe(3)
    expect(result.stdout).toBe(all(sample, [MANY[0], MANY[1], MANY[4], MANY[5]]))
    expect(result.stderr).toContain('left out: 1 × BAD_LABEL (regression-expand)\n')
    expect(result.stderr).toContain('left out: 1 × partner (regression-expand)\n')
    expect(result.stderr).toContain('left out in all: 2\n')
    const odd = steerpipe(['parse', '--group', '4', '--on-error', 'skip'], { cwd, input })
    expect(odd.stdout.split('\n').length).toBe(5)
    expect(odd.stderr).toContain('left out: 1 × GROUP_INCOMPLETE (parse)\nleft out: 1 × partner (parse)\n')
  })

  test('a pair of rows goes as a whole, whichever stage refuses one of them', () => {
    const input = bad[0] + lines(...ROWS.slice(0, 2)) + bad[3] + lines(ROWS[1], ROWS[2])
    const args = ['template', '--dataset', 'helpsteer2', '--group', '2', '--on-error', 'skip']
    const result = steerpipe(args, { cwd: folder.fresh(), input })
    expect(result).toMatchObject({ status: 3, stdout: scored(ROWS[1]) + scored(ROWS[2]) })
    expect(result.stderr).toContain('left out in all: 4\n')
    expect(result.stderr).toContain('left out: 2 × partner (template)\n')
  })

  test('a document that cannot be read on is an error all the same', () => {
    const cwd = folder.fresh()
    const args = ['parse', '--format', 'json', '--on-error', 'skip', '-o', 'out']
    const result = steerpipe(args, { cwd, input: '[{"a":1},2,{"a":3}' })
    expect(result.status).toBe(1)
    expect(result.stderr).toContain('[NOT_AN_OBJECT]')
    expect(result.stderr).toContain('error: stdin (byte 18), parse:')
    expect(names(cwd)).toEqual(['out.partial'])
    expect(read(cwd, 'out.partial')).toBe('{"a": 1}\n{"a": 3}\n')
  })
})
