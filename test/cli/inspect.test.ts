import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { Folder, lines, names, put, read, shell, start, steerpipe } from '../support/command.js'
import { ROOT } from '../support/paths.js'
import { labelled, ROWS } from './data.js'

const folder = new Folder()
const cwd = folder.fresh()
put(cwd, {
  'rows.jsonl': lines(...ROWS),
  'rows.jsonl.gz': gzipSync(lines(...ROWS)),
  'bad.jsonl': `${lines(ROWS[0])}bad\n${lines(ROWS[1], { prompt: 1 })}`,
  'sft.jsonl': ROWS.map(labelled).join(''),
  'page.jsonl': '<!DOCTYPE html>\n<html></html>\n',
  'cut.jsonl.gz': gzipSync(lines(...ROWS)).subarray(0, -9),
})
symlinkSync(join(ROOT, 'pipelines'), join(cwd, 'pipelines'))
const before = names(cwd)

describe('inspect', () => {
  test('says on stdout what a file is, and writes nothing', () => {
    const { status, stdout, stderr } = steerpipe(['inspect', 'rows.jsonl.gz', '-n', '1'], { cwd })
    expect([status, stderr]).toEqual([0, ''])
    const bytes = gzipSync(lines(...ROWS)).length
    expect(stdout).toBe(`rows.jsonl.gz
  format       JSON Lines
  compression  gzip
  size         ${bytes} bytes
  looked at    all 3 records

first records
  1. prompt: "What is 2 + 2?"
     response: "4"
     helpfulness: 4
     verbosity: 0

fields
  prompt       text                       "What is 2 + 2?"
  response     text                       "4"
  helpfulness  integer 2 to 4  in 2 of 3
  verbosity    integer 0       in 1 of 3
  correctness  integer 3       in 1 of 3
  coherence    integer 1       in 1 of 3
  quality      integer 3       in 1 of 3

schema
  helpsteer2: rows with prompt, response and whatever of \`attributes\` is there
  all 3 records fit

next
  steerpipe template --dataset helpsteer2 rows.jsonl.gz | steerpipe label-format -o sft.jsonl
`)
    expect(names(cwd)).toEqual(before)
  })

  test('what it says to do next does it', () => {
    const place = folder.fresh()
    put(place, { 'rows.jsonl': lines(...ROWS) })
    const { stdout } = steerpipe(['inspect', 'rows.jsonl'], { cwd: place })
    const [command] = stdout.split('next\n  ')[1].split('\n')
    expect(shell(command, place)).toMatchObject({ status: 0, stderr: '' })
    expect(read(place, 'sft.jsonl')).toBe(read(cwd, 'sft.jsonl'))
    const next = steerpipe(['inspect', 'sft.jsonl'], { cwd: place }).stdout.split('next\n  ')[1].trim()
    expect(shell(next, place)).toMatchObject({ status: 0, stderr: '' })
    const samples = steerpipe(['inspect', 'samples.jsonl'], { cwd: place }).stdout
    expect(samples).toContain('samples: regression samples')
  })

  test('shows three records if it is not told how many', () => {
    const { stdout } = steerpipe(['inspect', 'sft.jsonl'], { cwd })
    expect(stdout.match(/^ {2}\d\. conversations: /gm)).toHaveLength(3)
    expect(stdout).toContain(
      'steerpipe run pipelines/regression.yaml --set in=sft.jsonl --set out=data/samples.jsonl\n',
    )
  })

  test('with --json says the same as one object', () => {
    const { status, stdout } = steerpipe(['inspect', 'rows.jsonl', '--json', '-n', '2'], { cwd })
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      input: 'rows.jsonl',
      format: 'jsonl',
      compression: 'none',
      bytes: Buffer.byteLength(lines(...ROWS)),
      lookedAt: { records: 3, isAll: true },
      parse: { format: 'jsonl' },
      records: ROWS.slice(0, 2),
      errors: [],
      failure: null,
      schema: 'helpsteer2',
    })
  })

  test('reads stdin, and no more of it than it takes', async () => {
    const { status, stdout } = steerpipe(['inspect', '-'], { cwd, input: lines(...ROWS) })
    expect(status).toBe(0)
    expect(stdout).toMatch(
      /^stdin\n {2}format +JSON Lines\n {2}compression +none\n {2}looked at +all 3 records\n/,
    )
    expect(stdout).toContain('  steerpipe template --dataset helpsteer2 | steerpipe label-format')
    // A writer that never ends.
    const { process: child, ended } = start(['inspect', '-'], cwd)
    const chunk = lines(...ROWS).repeat(1000)
    const write = () => {
      while (child.exitCode === null && child.stdin.writable && child.stdin.write(chunk));
    }
    child.stdin.on('drain', write)
    write()
    expect(await ended).toMatchObject({ status: 0, stderr: '' })
  })

  test('tells what could not be read, and what does not fit, with its place', () => {
    const { status, stdout } = steerpipe(['inspect', 'bad.jsonl'], { cwd })
    expect(status).toBe(0)
    expect(stdout).toContain('looked at    all 3 records that could be read\n')
    expect(stdout).toMatch(/could not be read: 1\n {2}bad\.jsonl:2 \(byte \d+\): .* \[JSON_SYNTAX\]\n/)
    expect(stdout).toMatch(
      /2 of 3 records fit\n {2}the first that does not: bad\.jsonl:4 \(byte \d+\): .* \[WRONG_TYPE\]\n/,
    )
  })

  test('names what is no data', () => {
    const { status, stdout } = steerpipe(['inspect', 'page.jsonl'], { cwd })
    expect(status).toBe(0)
    expect(stdout).toContain('format       a web page\n')
    expect(stdout).toContain('/resolve/')
  })

  test('exits with 1 where the rest could not be read, after saying what came before', () => {
    const { status, stdout, stderr } = steerpipe(['inspect', 'cut.jsonl.gz'], { cwd })
    expect([status, stderr]).toEqual([1, ''])
    expect(stdout).toContain('the rest could not be read\n  cut.jsonl.gz')
    expect(stdout).toContain('[GZIP_DAMAGED]')
  })

  test('what cannot be read at all is an error', () => {
    expect(steerpipe(['inspect', 'nowhere'], { cwd })).toMatchObject({ status: 2, stdout: '' })
    const directory = steerpipe(['inspect', '.'], { cwd })
    expect(directory).toMatchObject({ status: 1, stdout: '' })
    expect(directory.stderr).toContain('[READ_FAILED]')
    for (const args of [
      ['-n', '0'],
      ['-n', '1.5'],
      ['-n', 'x'],
    ]) {
      const { status, stderr } = steerpipe(['inspect', 'rows.jsonl', ...args], { cwd })
      expect(status).toBe(2)
      expect(stderr).toContain('`-n` is not a whole number of at least 1')
    }
  })

  test('what stands in data and names does nothing to a terminal', () => {
    const place = folder.fresh()
    writeFileSync(
      join(place, 'a\u001b[31m.jsonl'),
      '{"k\\u001b[31m": "v\u007f\u009b31m", "\\u009b": ["\u009b"]}\n',
    )
    const { stdout } = steerpipe(['inspect', 'a\u001b[31m.jsonl'], { cwd: place })
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
    expect(stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/)
    expect(stdout).toContain('a\\u001b[31m.jsonl')
  })
})
