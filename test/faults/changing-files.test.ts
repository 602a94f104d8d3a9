/**
 * Files and folders that change while they are read or written.
 *
 * Whoever reads the command's output stops after a few bytes, so that the command stands still in the middle of its
 * input, which is far longer than what it reads ahead. Then the input is changed.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { type Ended, Folder, lines, names, put, read, shell, start, until } from '../support/command.js'

const folder = new Folder()

/** 12 MB, every line of 40 bytes. */
const rows = Array.from({ length: 300_000 }, (_, id) =>
  `{"id":${id},"text":"`.padEnd(37, 'x').concat('"}\n'),
).join('')
const LINE = 40
// Not made smaller: it is longer, too, than what is read ahead.
const packed = gzipSync(rows, { level: 0 })

/** Changes an input in the middle of reading it. @param change a line of bash. `stdout` is what was read. */
function changed(input: 'in' | 'in.gz', change: string): Ended {
  const cwd = folder.fresh()
  put(cwd, { in: rows, 'in.gz': packed })
  const script = `mkfifo out
steerpipe parse ${input} -o out --on-error skip & command=$!
exec 3< out
head -c 8 <&3 > got
${change}
cat <&3 >> got
wait $command`
  return { ...shell(script, cwd), stdout: read(cwd, 'got') }
}

describe.skipIf(process.platform === 'win32')('an input that grows while it is read', () => {
  test('by whole lines: they are read', () => {
    const more = lines({ a: 'more' })
    const result = changed('in', `echo '${more.trim()}' >> in`)
    expect(result).toMatchObject({ status: 0, stderr: '' })
    expect(result.stdout === rows + more).toBe(true)
  })

  test('by half a line: that is a bad record, and the rest is read', () => {
    const result = changed('in', `printf '{"a":' >> in`)
    expect(result.status).toBe(3)
    expect(result.stderr).toContain(`left out: in:300001 (byte ${rows.length}), parse: `)
    expect(result.stderr).toContain('[JSON_SYNTAX]')
    expect(result.stdout === rows).toBe(true)
  })

  test('by a member of gzip: it is read; by half a member: that is told', () => {
    const whole = changed('in.gz', `echo '{"a":1}' | gzip -c >> in.gz`)
    expect(whole).toMatchObject({ status: 0, stderr: '' })
    expect(whole.stdout === `${rows}{"a":1}\n`).toBe(true)
    const half = changed('in.gz', `echo '{"a":1}' | gzip -c | head -c 20 >> in.gz`)
    expect(half.status).toBe(1)
    expect(half.stderr).toContain('the gzip data ends in the middle [GZIP_DAMAGED]')
    expect(rows.startsWith(half.stdout.slice(0, rows.length))).toBe(true)
  })
})

describe.skipIf(process.platform === 'win32')('an input that shrinks while it is read', () => {
  test.each([
    ['in the middle of a line', 6_000_000 + LINE / 2],
    ['at the end of a line', 6_000_000],
    ['to nothing', 0],
  ])('%s: an error, also with --on-error skip', (_, size) => {
    const result = changed('in', `truncate -s ${size} in`)
    expect(result.status).toBe(1)
    expect(result.stderr).toMatch(/^error: in, parse: the file had .* \[READ_FAILED\]\n/m)
    expect(rows.startsWith(result.stdout)).toBe(true)
    expect(result.stdout.endsWith('\n')).toBe(true)
  })

  test.each([Math.floor(packed.length / 2), 0])('gzip, to %i bytes', (size) => {
    const result = changed('in.gz', `truncate -s ${size} in.gz`)
    expect(result.status).toBe(1)
    expect(result.stderr).toMatch(/\[(GZIP_DAMAGED|READ_FAILED)\]/)
    expect(rows.startsWith(result.stdout)).toBe(true)
  })
})

describe.skipIf(process.platform === 'win32')('an input that goes while it is read', () => {
  test.each([
    ['is removed', 'rm in'],
    ['has another file put in its place', 'echo bad > other; mv other in'],
  ])('%s: what was opened is read to its end', (_, change) => {
    const result = changed('in', change)
    expect(result).toMatchObject({ status: 0, stderr: '' })
    expect(result.stdout === rows).toBe(true)
  })

  test('with its folder, before it is its turn: an error, and what was whole before stays', async () => {
    const cwd = folder.fresh()
    mkdirSync(join(cwd, 'gone'))
    put(cwd, {
      'gone/in': '{"a":2}\n',
      'x.yaml': 'name: x\ninputs: { one: "-", two: gone/in }\nstages: [parse, write: "out-${input}"]\n',
    })
    const running = start(['run', 'x.yaml'], cwd)
    running.process.stdin.write('{"a":1}\n')
    await until('the first output is begun', () => existsSync(join(cwd, 'out-one.partial')))
    rmSync(join(cwd, 'gone'), { recursive: true })
    running.process.stdin.end()
    const { status, stderr } = await running.ended
    expect(status).toBe(2)
    expect(stderr).toContain('gone/in, parse: there is no such file [NO_SUCH_INPUT]')
    expect(read(cwd, 'out-one')).toBe('{"a":1}\n')
    expect(existsSync(join(cwd, 'out-two'))).toBe(false)
  })
})

describe('an output’s folder that disappears', () => {
  test.each([
    ['the folder', 'gone/out.jsonl'],
    ['the folder, with gzip', 'gone/out.jsonl.gz'],
    ['its parent', 'gone/deeper/out.jsonl'],
  ])('%s: an error with the path', async (_, path) => {
    const cwd = folder.fresh()
    const running = start(['parse', '-o', path], cwd)
    running.process.stdin.write('{"a":1}\n')
    await until('the output is begun', () => existsSync(join(cwd, `${path}.partial`)))
    rmSync(join(cwd, 'gone'), { recursive: true })
    running.process.stdin.end('{"a":2}\n')
    const { status, stderr } = await running.ended
    expect(status).toBe(1)
    expect(stderr).toContain(`error: ${path}, write: writing failed: no such file or directory (ENOENT)`)
    expect(stderr).toContain('[WRITE_FAILED]')
    expect(existsSync(join(cwd, path))).toBe(false)
  })

  test('with other outputs elsewhere: these are not under their final names either', async () => {
    const cwd = folder.fresh()
    put(cwd, {
      'x.yaml': 'name: x\ninputs: "-"\nstages: [parse, write: first, write: gone/second, write: third.gz]\n',
    })
    const running = start(['run', 'x.yaml'], cwd)
    running.process.stdin.write('{"a":1}\n')
    await until('the outputs are begun', () => existsSync(join(cwd, 'third.gz.partial')))
    rmSync(join(cwd, 'gone'), { recursive: true })
    running.process.stdin.end('{"a":2}\n')
    const { status, stderr } = await running.ended
    expect(status).toBe(1)
    expect(stderr).toContain('error: gone/second, write: ')
    for (const name of ['first', 'third.gz']) expect(names(cwd)).not.toContain(name)
  })

  test('the folder that one works in', async () => {
    const cwd = folder.fresh()
    const inner = join(cwd, 'inner')
    mkdirSync(inner)
    const running = start(['parse', '-o', 'out'], inner)
    running.process.stdin.write('{"a":1}\n')
    await until('the output is begun', () => existsSync(join(inner, 'out.partial')))
    rmSync(inner, { recursive: true })
    running.process.stdin.end()
    const { status, stderr } = await running.ended
    expect(status).toBe(1)
    expect(stderr).toContain('[WRITE_FAILED]')
    expect(stderr).not.toContain('defect of steerpipe')
  })
})
