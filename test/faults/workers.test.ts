/** Threads and what can go wrong around them: the command says what it says without threads, and leaves what it leaves. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  type Ended,
  Folder,
  lines,
  names,
  put,
  type Running,
  read,
  shell,
  start,
  steerpipe,
  until,
} from '../support/command.js'
import { manyRows, SMALL_DISKS, skippedUnless } from '../support/small-disk.js'

const folder = new Folder()
const THREADS = ['--workers', '2'] as const

/** 12 MB, every line of 40 bytes. */
const rows = Array.from({ length: 300_000 }, (_, id) =>
  `{"id":${id},"text":"`.padEnd(37, 'x').concat('"}\n'),
).join('')

/** A pipeline through a module that says of itself that it is pure. */
function mapping(cwd: string, module: string, input = rows.slice(0, 40_000)): void {
  put(cwd, {
    in: input,
    'm.mjs': `import { isMainThread, threadId } from 'node:worker_threads'\n${module}\n`,
    'x.yaml': 'name: x\ninputs: in\nstages: [parse, map: ./m.mjs, write: out]\n',
  })
}

const run = (cwd: string, ...more: string[]): Ended =>
  steerpipe(['run', 'x.yaml', ...THREADS, ...more], { cwd })

describe('a module on threads', () => {
  test('what it prints is told on stderr, all of it', () => {
    const cwd = folder.fresh()
    mapping(
      cwd,
      `let n = 0
export default { pure: true, map: (row) => { console.log('says', row.id); process.stdout.write('more\\n'); return row } }`,
    )
    const { status, stdout, stderr } = run(cwd)
    expect(status).toBe(0)
    expect(stdout).toBe('')
    expect(stderr.match(/^says \d+$/gm)).toHaveLength(1000)
    expect(stderr.match(/^more$/gm)).toHaveLength(1000)
  })

  test.each([
    ['an error', 'new RangeError("odd")', 'odd'],
    ['an error with a cause', 'new Error("odd", { cause: () => 1 })', 'odd'],
    ['a function', '() => 1', '[Function (anonymous)]'],
    ['a symbol', 'Symbol("odd")', 'Symbol(odd)'],
    ['an object with itself in it', 'circle', '<ref *1> { o: [Circular *1] }'],
    ['nothing', 'undefined', 'undefined'],
    ['null', 'null', 'null'],
  ])('throws %s: as without threads', (_, thrown, said) => {
    const cwd = folder.fresh()
    mapping(
      cwd,
      `const circle = {}; circle.o = circle
export default { pure: true, map: (row) => { if (row.id === 500) throw ${thrown}; return row } }`,
    )
    for (const workers of ['0', '2']) {
      const { status, stderr } = steerpipe(['run', 'x.yaml', '--force', '--workers', workers], { cwd })
      expect(status).toBe(1)
      expect(stderr).toContain(
        `error: in:501 (byte 20000), map: the function threw: ${said} [MAP_FAILED]\n  do: `,
      )
      expect(read(cwd, 'out.partial')).toBe(rows.slice(0, 20_000))
    }
  })

  test.each([
    ['a text', `'odd text'`, "'odd text'"],
    ['an error', `new Error('odd\\nand more')`, 'odd'],
    ['an error that says nothing', `new RangeError()`, 'RangeError'],
    ['a number', '7', '7'],
    ['null', 'null', 'null'],
    ['nothing', 'undefined', 'undefined'],
  ])('throws %s where nobody can catch it: that is told, without a stack trace', (_, thrown, said) => {
    const cwd = folder.fresh()
    mapping(
      cwd,
      `export default { pure: true, map: (row) => {
  if (!isMainThread) setImmediate(() => { throw ${thrown} })
  return new Promise((resolve) => setTimeout(resolve, 100, row))
} }`,
    )
    const { status, stderr } = run(cwd)
    expect(stderr).toBe(
      `error: a thread was ended: ${said} [THREAD_LOST]\n  do: Run again with \`--workers 0\`, which does all on one thread.\n`,
    )
    expect(status).toBe(1)
    expect(names(cwd)).toEqual(['in', 'm.mjs', 'x.yaml'])
  })

  test('runs out of memory: that is told, and nothing looks whole', async () => {
    const cwd = folder.fresh()
    mapping(
      cwd,
      `export default { pure: true, map: (row) => { for (const kept = []; ; ) kept.push({ row, also: [1, 2, 3] }) } }`,
    )
    const { status, stderr } = await start(['run', 'x.yaml', ...THREADS], cwd, {
      NODE_OPTIONS: '--max-old-space-size=100',
    }).ended
    expect(stderr).toContain('error: a thread has run out of memory [THREAD_LOST]\n  do: Run again with')
    expect(stderr).not.toContain('    at ')
    expect(status).toBe(1)
    expect(names(cwd)).not.toContain('out')
  })

  test.each([
    [
      'throws',
      `if (!isMainThread) throw new Error('not here')`,
      'cannot be loaded: not here [MAP_MODULE]',
      2,
    ],
    [
      'ends its thread',
      'if (!isMainThread) process.exit(0)',
      'may have called process.exit() [THREAD_LOST]',
      1,
    ],
  ])('%s when it is loaded in one', (_, line, said, code) => {
    const cwd = folder.fresh()
    mapping(cwd, `${line}\nexport default { pure: true, map: (row) => row }`)
    const { status, stderr } = run(cwd)
    expect(stderr).toContain(said)
    expect(stderr).not.toContain('    at ')
    expect(status).toBe(code)
    expect(names(cwd)).not.toContain('out')
  })
})

/** A module that never comes back from the records behind the first ones. */
const ENDLESS = 'export default { pure: true, map: (row) => { if (row.id > 20_000) for (;;); return row } }'

describe.skipIf(process.platform === 'win32')('a module that never comes back', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends the run', async (signal, code) => {
    const cwd = folder.fresh()
    mapping(cwd, ENDLESS, rows)
    const running = start(['run', 'x.yaml', ...THREADS], cwd)
    await until('something is written', () => existsSync(join(cwd, 'out.partial')))
    await new Promise((resolve) => setTimeout(resolve, 300))
    const asked = performance.now()
    running.process.kill(signal)
    expect((await running.ended).status).toBe(code)
    expect(performance.now() - asked).toBeLessThan(5000)
    expect(names(cwd)).not.toContain('out')
    expect(names(cwd).filter((name) => name.endsWith('.lock'))).toEqual([])
  })

  test('a bad record before ends it, too', () => {
    const cwd = folder.fresh()
    mapping(cwd, ENDLESS, `${rows.slice(0, 40_000)}{"id":\n${rows.slice(40_000)}`)
    const { status, stderr } = run(cwd)
    expect(stderr).toContain('error: in:1001 (byte 40000), parse: ')
    expect(status).toBe(1)
    expect(read(cwd, 'out.partial')).toBe(rows.slice(0, 40_000))
  })
})

describe.skipIf(process.platform === 'win32')('a slow pipe', () => {
  /** Waits until a command has printed a text. */
  async function printed({ process }: Running, text: string): Promise<void> {
    let stdout = ''
    process.stdout.on('data', (said: string) => {
      stdout += said
    })
    await until('it is printed', () => stdout.includes(text))
  }

  test('gives records: each comes out before the next one goes in', async () => {
    const running = start(['parse', ...THREADS], folder.fresh())
    for (const n of [1, 2, 3]) {
      const out = printed(running, lines({ n }))
      running.process.stdin.write(lines({ n }))
      await out
    }
    running.process.stdin.end('{"n":4}')
    expect(await running.ended).toMatchObject({ status: 0, stderr: '' })
  })

  test('gives a bad record, and then nothing: the run ends', async () => {
    const running = start(['parse', ...THREADS], folder.fresh())
    running.process.stdin.write(`${lines({ n: 1 })}{"n":\n`)
    const { status, stdout, stderr } = await running.ended
    expect(stderr).toContain('error: stdin:2 (byte 8), parse: ')
    expect(status).toBe(1)
    expect(stdout).toBe(lines({ n: 1 }))
  })

  test.each(['SIGINT', 'SIGTERM'] as const)('is silent: %s ends the run', async (signal) => {
    const running = start(['parse', ...THREADS], folder.fresh())
    const out = printed(running, lines({ n: 1 }))
    running.process.stdin.write(lines({ n: 1 }))
    await out
    running.process.kill(signal)
    expect((await running.ended).status).toBe(signal === 'SIGINT' ? 130 : 143)
  })

  test('a FIFO, and a file on stdin, with a `-` for it', () => {
    const cwd = folder.fresh()
    put(cwd, { in: rows, 'x.yaml': 'name: x\ninputs: "-"\nstages: [parse, write: "-"]\n' })
    expect(spawnSync('mkfifo', [join(cwd, 'fifo')]).status).toBe(0)
    const fromFifo = shell('cat in > fifo & steerpipe parse fifo --workers 2', cwd)
    expect(fromFifo.stdout === rows).toBe(true)
    const fromPipe = shell('cat in | steerpipe run x.yaml --workers 2', cwd)
    expect(fromPipe.stdout === rows).toBe(true)
    const fromFile = shell('steerpipe parse --workers 2 - < in', cwd)
    expect(fromFile.stdout === rows).toBe(true)
  })
})

/** Changes an input in the middle of reading it. @param change a line of bash. `stdout` is what was read. */
function changed(change: string, more = ''): Ended {
  const cwd = folder.fresh()
  put(cwd, { in: rows })
  const script = `mkfifo out
steerpipe parse in -o out --on-error skip --workers 2 ${more} & command=$!
exec 3< out
head -c 8 <&3 > got
${change}
cat <&3 >> got
wait $command`
  return { ...shell(script, cwd), stdout: read(cwd, 'got') }
}

describe.skipIf(process.platform === 'win32')('an input that changes while it is read', () => {
  test('grows by whole lines: they are read', () => {
    const more = rows.slice(0, 4_000_000)
    const result = changed(`head -c 4000000 in > more; cat more >> in`)
    expect(result).toMatchObject({ status: 0, stderr: '' })
    expect(result.stdout === rows + more).toBe(true)
  })

  test('grows by half a line: that is a bad record, and the rest is read', () => {
    const result = changed(`printf '{"a":' >> in`)
    expect(result.status).toBe(3)
    expect(result.stderr).toContain(`left out: in:300001 (byte ${rows.length}), parse: `)
    expect(result.stdout === rows).toBe(true)
  })

  test.each([
    ['in the middle of a line', 6_000_020],
    ['before the end of a line', 6_000_039],
    ['at the end of a line', 6_000_000],
    ['to nothing', 0],
  ])('is cut %s: an error, and nothing is said of half a line', (_, size) => {
    const { status, stdout, stderr } = changed(`truncate -s ${size} in`)
    expect(stderr).toMatch(/^error: in, parse: the file had .* \[READ_FAILED\]\n/m)
    expect(stderr).not.toContain('left out')
    expect(status).toBe(1)
    expect(rows.startsWith(stdout)).toBe(true)
    expect(stdout.endsWith('\n')).toBe(true)
  })

  test.each([
    ['is removed', 'rm in'],
    ['has another file put in its place', 'echo bad > other; mv other in'],
  ])('%s: what was opened is read to its end', (_, change) => {
    const result = changed(change)
    expect(result).toMatchObject({ status: 0, stderr: '' })
    expect(result.stdout === rows).toBe(true)
  })
})

/** What makes of root somebody who may not do everything. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65534 } : {}
const canBeNobody = steerpipe(['--version'], { cwd: '/', ...NOBODY }).status === 0

test.skipIf(!canBeNobody)('an input that one may not read', () => {
  const cwd = folder.fresh()
  put(cwd, { in: '{}\n' })
  spawnSync('chmod', ['755', folder.path, cwd])
  spawnSync('chmod', ['0', join(cwd, 'in')])
  const { status, stderr } = steerpipe(['parse', 'in', ...THREADS], { cwd, ...NOBODY })
  expect(stderr).toContain('error: in, parse: reading failed: permission denied (EACCES) [READ_FAILED]')
  expect(status).toBe(1)
})

describe.skipIf(process.platform === 'win32')('a reader of the output', () => {
  test('that goes after one line: a quiet end', () => {
    const cwd = folder.fresh()
    put(cwd, { in: rows })
    const result = shell('steerpipe parse in --workers 2 | head -n 1; echo "codes ${PIPESTATUS[*]}" >&2', cwd)
    expect(result.stdout).toBe(rows.slice(0, 40))
    expect(result.stderr).toBe('codes 0 0\n')
  })

  test('that is slow holds back the reading', async () => {
    const cwd = folder.fresh()
    put(cwd, { in: rows })
    const running = start(['parse', 'in', ...THREADS], cwd)
    running.process.stdout.pause()
    await new Promise((resolve) => setTimeout(resolve, 1500))
    expect(running.process.exitCode).toBe(null)
    running.process.stdout.resume()
    const { status, stdout } = await running.ended
    expect(status).toBe(0)
    expect(stdout === rows).toBe(true)
  })
})

describe.each(SMALL_DISKS)('on $name', (disk) => {
  test.skipIf(!disk.possible)(`what fits is kept, in whole lines${skippedUnless(disk)}`, () => {
    const cwd = folder.fresh()
    const many = manyRows()
    put(cwd, { rows: many })
    const { status, stderr } = disk.run('steerpipe parse rows -o disk/out.jsonl --workers 2', cwd)
    expect(status).toBe(1)
    expect(stderr).toMatch(/^error: disk\/out\.jsonl, write: writing failed: .* \[WRITE_FAILED\]/m)
    expect(stderr).not.toContain('defect of steerpipe')
    expect(existsSync(join(cwd, 'left/out.jsonl'))).toBe(false)
    const kept = read(cwd, 'left/out.jsonl.partial')
    expect(many.startsWith(kept)).toBe(true)
    expect(kept.endsWith('\n')).toBe(true)
  })
})

describe('bad records', () => {
  const bad = rows.slice(0, 8_000_000).replace(/^\{"id":(?=\d*7777,)/gm, '{"id" ')

  /** What a run says and leaves. */
  function left(workers: string, flags: readonly string[]) {
    const cwd = folder.fresh()
    put(cwd, { in: bad, 'x.yaml': 'name: x\ninputs: in\nstages: [parse, write: out]\n' })
    const { status, stdout, stderr } = steerpipe(['run', 'x.yaml', '--workers', workers, ...flags], { cwd })
    const said = stderr.replace(/in [\d.]+ s\b/g, '')
    const files = names(cwd).map((name) => [name, read(cwd, name).replace(/"seconds": ?[\d.e-]+/g, '')])
    return { status, stdout, said, files: Object.fromEntries(files) as Record<string, string> }
  }

  test.each([
    ['stop', [], 1, ['out.partial']],
    ['skip', ['--on-error', 'skip'], 3, ['out']],
    ['skip, up to more than there are', ['--on-error', 'skip', '--max-errors', '99'], 3, ['out']],
    [
      'set aside, with a report',
      ['--on-error', 'dead-letter=bad', '--report', 'report'],
      3,
      ['bad', 'out', 'report'],
    ],
  ])('%s: as without threads', (_, flags, status, files) => {
    const found = left('2', flags)
    expect(found.status).toBe(status)
    expect(Object.keys(found.files)).toEqual(expect.arrayContaining(files))
    expect(found).toEqual(left('0', flags))
  })

  test('up to some: the error, and good records only', () => {
    const { status, said, files } = left('2', ['--on-error', 'skip', '--max-errors', '3'])
    expect(status).toBe(1)
    // How many were read by then hangs on how much is read ahead.
    expect(said).toMatch(/^error: 4 of \d+ records are bad \[TOO_MANY_ERRORS\]$/m)
    const good = bad.replace(/^\{"id" .*\n/gm, '')
    expect(good.startsWith(files['out.partial'])).toBe(true)
  })
})
