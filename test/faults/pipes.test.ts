/** Pipes, FIFOs and the standard streams, where whoever is at the other end goes, or was never there. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { Folder, lines, names, put, read, shell } from '../support/command.js'

const folder = new Folder()
/** Some 5 MB, much more than pipes and streams hold. */
const rows = lines(
  ...Array.from({ length: 100_000 }, (_, id) => ({ id, text: 'and so on, and so on, and on' })),
)
const CODES = 'echo "${PIPESTATUS[@]}" >&2'

describe.skipIf(process.platform === 'win32')('a reader that goes in the middle', () => {
  test.each([1, 70_000, 2_000_000])('of stdout, after %i bytes: 0, and nothing is said', (count) => {
    const cwd = folder.fresh()
    put(cwd, { rows })
    const result = shell(`steerpipe parse rows | head -c ${count}; ${CODES}`, cwd)
    expect(result.stderr).toBe('0 0\n')
    expect(result.stdout).toBe(rows.slice(0, count))
  })

  test.each(['out', 'out.gz'])('of the FIFO %s', (name) => {
    const cwd = folder.fresh()
    put(cwd, { rows })
    const script = `mkfifo ${name}
steerpipe parse rows -o ${name} & command=$!
head -c 1000 ${name} > got
wait $command`
    expect(shell(script, cwd)).toMatchObject({ status: 0, stdout: '', stderr: '' })
    expect(readFileSync(join(cwd, 'got')).length).toBe(1000)
    if (name === 'out') expect(rows.startsWith(read(cwd, 'got'))).toBe(true)
  })

  test.each(['fifo', 'fifo.gz'])(
    'of the FIFO %s, beside files: an error, and these are not whole',
    (name) => {
      const cwd = folder.fresh()
      put(cwd, {
        rows,
        'x.yaml': `name: x\ninputs: rows\nstages: [parse, write: before, write: ${name}, write: after.gz]\n`,
      })
      const script = `mkfifo ${name}
steerpipe run x.yaml & command=$!
head -c 1000 ${name} > /dev/null
wait $command`
      const { status, stderr } = shell(script, cwd)
      expect(status).toBe(1)
      expect(stderr).toContain(`error: ${name}, write: writing failed: broken pipe (EPIPE) [WRITE_FAILED]`)
      for (const output of ['before', 'after.gz']) expect(names(cwd)).not.toContain(output)
    },
  )

  test('of a chain, whose last filter fails: the first ends too', () => {
    const cwd = folder.fresh()
    put(cwd, { rows: `bad\n${rows}` })
    const { stderr } = shell(
      `cat rows rows | steerpipe parse --format lines | steerpipe template; ${CODES}`,
      cwd,
    )
    expect(stderr).toMatch(/\n[0-9]+ 0 [12]\n$/)
  })
})

describe.skipIf(process.platform === 'win32')('a writer that goes in the middle', () => {
  const feed = (writer: string, name = 'in') => `mkfifo ${name}
steerpipe parse ${name} -o out & command=$!
${writer} > ${name}
wait $command`

  test('of a line: that line is told, and the ones before it are kept', () => {
    const cwd = folder.fresh()
    put(cwd, { rows })
    const { status, stderr } = shell(feed(`head -c ${rows.length - 20} rows`), cwd)
    expect(status).toBe(1)
    expect(stderr).toMatch(/^error: in:100000 \(byte \d+\), parse: .* \[JSON_SYNTAX\]$/m)
    expect(names(cwd)).not.toContain('out')
    expect(read(cwd, 'out.partial')).toBe(rows.slice(0, rows.lastIndexOf('\n', rows.length - 2) + 1))
  })

  test('of gzip data', () => {
    const cwd = folder.fresh()
    put(cwd, { rows: gzipSync(rows) })
    const { status, stderr } = shell(feed('head -c 50000 rows'), cwd)
    expect(status).toBe(1)
    expect(stderr).toContain('the gzip data ends in the middle [GZIP_DAMAGED]')
    expect(names(cwd)).not.toContain('out')
  })

  test('is killed', () => {
    const cwd = folder.fresh()
    put(cwd, { rows })
    // The writer has written whole lines and waits; then it is killed.
    const script = `mkfifo in
steerpipe parse in -o out & command=$!
{ cat rows; exec sleep 600; } > in & writer=$!
until [ -s out.partial ]; do sleep 0.05; done
kill -KILL $writer; wait $writer 2> /dev/null
wait $command`
    const { status, stderr } = shell(script, cwd)
    // A FIFO does not tell an end from a death: what came is read, or the line that was cut is told.
    expect([0, 1]).toContain(status)
    if (status === 1) expect(stderr).toContain('[JSON_SYNTAX]')
    expect(names(cwd).includes('out')).toBe(status === 0)
    const got = read(cwd, status === 0 ? 'out' : 'out.partial')
    expect(rows.startsWith(got)).toBe(true)
    expect(got).toMatch(/\n$/)
  })

  test('is slow: everything arrives, whatever pieces it comes in', () => {
    const cwd = folder.fresh()
    put(cwd, { text: rows.slice(0, rows.indexOf('\n', 300) + 1) })
    const slowly = (file: string) =>
      `{ exec 4< ${file}; while head -c 7 <&4 > piece && [ -s piece ]; do cat piece; done; }`
    expect(shell(feed(slowly('text')), cwd)).toMatchObject({ status: 0, stderr: '' })
    expect(read(cwd, 'out')).toBe(read(cwd, 'text'))
    rmSync(join(cwd, 'out'))
    put(cwd, { gzip: gzipSync(read(cwd, 'text')) })
    expect(shell(feed(slowly('gzip'), 'in2'), cwd)).toMatchObject({ status: 0, stderr: '' })
    expect(read(cwd, 'out')).toBe(read(cwd, 'text'))
  })
})

describe.skipIf(process.platform === 'win32')('standard streams that were closed', () => {
  const QUIET = { status: 0, stdout: '', stderr: '' }

  test('stdin is empty', () => {
    const cwd = folder.fresh()
    put(cwd, { 'x.yaml': 'name: x\ninputs: "-"\nstages: [parse, write: out.gz]\n' })
    expect(shell('steerpipe parse -o out <&-', cwd)).toMatchObject(QUIET)
    expect(read(cwd, 'out')).toBe('')
    expect(shell('steerpipe run x.yaml <&-', cwd).status).toBe(0)
    expect(gunzipSync(readFileSync(join(cwd, 'out.gz'))).length).toBe(0)
  })

  test('with stdout closed, or all three, files are what they are else', () => {
    const cwd = folder.fresh()
    put(cwd, { rows })
    // Were the first file that is opened to become stdout, what is printed would stand in it.
    expect(shell('steerpipe parse rows -o one >&-', cwd)).toMatchObject(QUIET)
    expect(shell('steerpipe parse rows -o two <&- >&- 2>&-', cwd)).toMatchObject(QUIET)
    for (const name of ['one', 'two']) expect(read(cwd, name) === rows).toBe(true)
  })

  test('with stdout closed, data for it goes nowhere, as with /dev/null, which Node puts there', () => {
    const cwd = folder.fresh()
    put(cwd, { rows })
    expect(shell('steerpipe parse rows >&-', cwd)).toMatchObject(QUIET)
  })

  test('with stderr closed, the exit code still says it', () => {
    const cwd = folder.fresh()
    put(cwd, { rows: `bad\n${rows}` })
    expect(shell('steerpipe parse rows -o out 2>&-', cwd)).toMatchObject({ status: 1, stdout: '' })
    expect(shell('steerpipe parse rows -o some --on-error skip 2>&-', cwd).status).toBe(3)
    expect(read(cwd, 'some') === rows).toBe(true)
  })
})

describe.skipIf(!existsSync('/dev/full'))('/dev/full', () => {
  test.each([
    ['stdout, of much', 'steerpipe parse rows > /dev/full', 'stdout'],
    ['stdout, of a run', 'steerpipe run x.yaml > /dev/full', 'stdout'],
    [
      'stdout, of what goes from bytes to bytes',
      'steerpipe template --mapping.prompt a --mapping.response a texts > /dev/full',
      'stdout',
    ],
    [
      'a device, of the same',
      'steerpipe template --mapping.prompt a --mapping.response a texts -o /dev/full',
      '/dev/full',
    ],
    ['stderr, which does not matter', 'steerpipe run x.yaml --output out 2> /dev/full', undefined],
  ])('%s', (_, script, path) => {
    const cwd = folder.fresh()
    const texts = '{"a":"text"}\n'.repeat(10_000)
    put(cwd, { rows, texts, 'x.yaml': 'name: x\ninputs: rows\nstages: [parse, write: "-"]\n' })
    const { status, stderr } = shell(script, cwd)
    expect(status).toBe(path === undefined ? 0 : 1)
    if (path === undefined) expect(read(cwd, 'out') === rows).toBe(true)
    else expect(stderr).toContain(`error: ${path}, write: writing failed: no space left`)
  })

  test('beside a file, which is not under its final name then', () => {
    const cwd = folder.fresh()
    put(cwd, { rows, 'x.yaml': 'name: x\ninputs: rows\nstages: [parse, write: out, write: /dev/full]\n' })
    const { status, stderr } = shell('steerpipe run x.yaml', cwd)
    expect(status).toBe(1)
    expect(stderr).toContain('error: /dev/full, write: writing failed: no space left')
    expect(names(cwd)).not.toContain('out')
  })
})
