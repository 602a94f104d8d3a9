import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Folder, lines, names, put, read, shell } from '../support/command.js'
import { ROOT } from '../support/paths.js'
import { labelled, ROWS, sample } from './data.js'

const folder = new Folder()
const [row] = ROWS
// The exit codes of a pipe, without that of `yes`, whom nobody expects to end well.
const CODES = 'echo "${PIPESTATUS[@]:1}" >&2'

describe('| head', () => {
  test.each([
    ['parse', lines(row), lines(row)],
    ['regression-expand', labelled(row), sample(row)],
  ])('ends an endless %s quietly with 0', (stage, input, output) => {
    const cwd = folder.fresh()
    put(cwd, { line: input })
    const result = shell(`yes "$(cat line)" | steerpipe ${stage} | head -n 1; ${CODES}`, cwd)
    expect(result.stdout).toBe(output)
    expect(result.stderr).toBe('0 0\n')
  })

  test('ends a chain of filters quietly with 0', () => {
    const cwd = folder.fresh()
    put(cwd, { line: lines(row) })
    const chain =
      'steerpipe template --dataset helpsteer2 | steerpipe label-format | steerpipe regression-expand'
    const result = shell(`yes "$(cat line)" | ${chain} | head -n 1; ${CODES}`, cwd)
    expect(result.stdout).toBe(sample(row))
    expect(result.stderr).toBe('0 0 0 0\n')
  })

  test('ends a run that writes to stdout', () => {
    const cwd = folder.fresh()
    put(cwd, { 'x.yaml': 'name: x\ninputs: "-"\nstages: [parse, write: "-"]\n' })
    const result = shell(`yes '{"a":1}' | steerpipe run x.yaml | head -n 1; ${CODES}`, cwd)
    expect(result).toMatchObject({ stdout: '{"a":1}\n', stderr: '0 0\n' })
  })

  test('is not needed: --limit ends an endless input too', () => {
    const cwd = folder.fresh()
    put(cwd, { 'x.yaml': 'name: x\ninputs: "-"\nstages: [parse, write: out]\n' })
    const result = shell(`yes '{"a":1}' | steerpipe run x.yaml --limit 3 2> said; ${CODES}`, cwd)
    expect(result.stderr).toBe('0\n')
    expect(read(cwd, 'out')).toBe('{"a":1}\n'.repeat(3))
  })

  test('is an error where a file would be left unfinished', () => {
    const cwd = folder.fresh()
    put(cwd, { 'x.yaml': 'name: x\ninputs: "-"\nstages: [parse, write: out.jsonl, write: "-"]\n' })
    const result = shell(`yes '{"a":1}' | steerpipe run x.yaml | head -n 1; ${CODES}`, cwd)
    expect(result.stdout).toBe('{"a":1}\n')
    expect(result.stderr).toMatch(/^what came before the error is kept in out\.jsonl\.partial\n/)
    expect(result.stderr).toContain('broken pipe (EPIPE) [WRITE_FAILED]')
    expect(result.stderr).toMatch(/\n1 0\n$/)
    expect(names(cwd)).toEqual(['out.jsonl.partial', 'x.yaml'])
  })

  test('is as quiet when the input is silent and open', () => {
    const cwd = folder.fresh()
    // The input ends when its writer is told to, which is after the pipe has ended.
    const script = `mkfifo in; exec 3<>in
{ for i in $(seq 20000); do echo '{"a":1}'; done; } > lines
(cat lines lines lines lines lines lines lines lines >&3) 2> /dev/null &
steerpipe parse in | head -n 1; echo "\${PIPESTATUS[@]}" >&2
kill %1 2> /dev/null; true`
    expect(shell(script, cwd)).toMatchObject({ status: 0, stdout: '{"a":1}\n', stderr: '0 0\n' })
  })

  test.each([
    '--help',
    'schema',
    'list',
    'explain pipelines/quickstart.yaml',
    'preview pipelines/quickstart.yaml',
  ])('ends `%s` quietly', (command) => {
    const cwd = folder.fresh()
    symlinkSync(join(ROOT, 'pipelines'), join(cwd, 'pipelines'))
    const result = shell(`steerpipe ${command} | head -n 1 > /dev/null; echo "\${PIPESTATUS[0]}"`, cwd)
    expect(result.stdout).toBe('0\n')
    expect(result.stderr).not.toContain('rror')
  })
})

describe('other ends of pipes', () => {
  test('a reader of stderr that has gone does not end the run, nor change its exit code', () => {
    const cwd = folder.fresh()
    put(cwd, { rows: `${'bad\n'.repeat(50)}{"a":1}\n` })
    const script = `{ steerpipe parse rows -o out --on-error skip 2>&1; echo $? > code; } | true`
    shell(script, cwd)
    expect(read(cwd, 'code')).toBe('3\n')
    expect(read(cwd, 'out')).toBe('{"a":1}\n')
  })

  test('an error ends a filter at once, though its input stays open', () => {
    const cwd = folder.fresh()
    // The writer of the FIFO is this shell itself: it is there until the filter has ended.
    const script = `mkfifo in; exec 3<>in; echo bad >&3
steerpipe parse in; echo $?
steerpipe parse < in & filter=$!; echo worse >&3; wait $filter; echo $?`
    const result = shell(script, cwd)
    expect(result.stdout).toBe('1\n1\n')
    expect(result.stderr.match(/\[JSON_SYNTAX\]/g)?.length).toBe(2)
  })

  test('a slow reader gets everything', () => {
    const cwd = folder.fresh()
    const many = lines(...Array.from({ length: 20_000 }, (_, id) => ({ id })))
    put(cwd, { many })
    expect(shell('steerpipe parse many | (sleep 0.5; cat) > out', cwd)).toMatchObject({
      status: 0,
      stderr: '',
    })
    expect(read(cwd, 'out')).toBe(many)
  })

  test('a closed stdin is empty', () => {
    const cwd = folder.fresh()
    expect(shell('steerpipe parse <&-', cwd)).toMatchObject({ status: 0, stdout: '', stderr: '' })
  })
})
