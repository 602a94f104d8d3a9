/** Two runs cannot write one output, and a process that has ended holds nothing. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { COMMAND, Folder, names, put, start, steerpipe, until } from '../support/command.js'
import { startSlowly } from '../support/slow-run.js'
import { filesOf, madeIn, rows } from './stopped.js'

const folder = new Folder()
const ROWS = rows(3000).join('')

/** A run, and what it makes. */
function prepared(): string {
  const cwd = folder.fresh()
  put(cwd, {
    'rows.jsonl': ROWS,
    'x.yaml': 'name: x\ninputs: rows.jsonl\nstages: [parse, write: out/a.jsonl]\n',
    // The same output, and another first one.
    'y.yaml': 'name: y\ninputs: rows.jsonl\nstages: [parse, write: out/b.jsonl, write: out/a.jsonl]\n',
  })
  return cwd
}

const LOCK = 'out/a.jsonl.lock'
const CHECKPOINT_LOCK = 'out/a.jsonl.checkpoint.lock'

const made = () => new Map([['out/a.jsonl', Buffer.from(ROWS).toString('base64')]])

/** What a lock says. */
interface Holder {
  host: string
  pid: number
  started: string | null
}

/** How this very process would be named in a lock: a run's own lock, with its number put in. */
function holderOf(cwd: string): Holder {
  return JSON.parse(readFileSync(join(cwd, CHECKPOINT_LOCK), 'utf8')) as Holder // written by steerpipe
}

describe('two runs at once', () => {
  test.each(['x.yaml', 'y.yaml'])(
    'the second, of %s, is told, and the first goes on undisturbed',
    async (second) => {
      const cwd = prepared()
      const first = startSlowly(['run', 'x.yaml', '--checkpoint-every', '1ms'], cwd, 400)
      await until('it writes', () => existsSync(join(cwd, LOCK)))
      const other = steerpipe(['run', second], { cwd })
      expect(other.stderr).toContain('[OUTPUT_LOCKED]')
      expect(other.stderr).toContain(`the process ${first.process.pid} is writing this`)
      expect(other.status).toBe(1)
      const resuming = steerpipe(['run', second, '--resume'], { cwd })
      expect(resuming.stderr).toContain('[OUTPUT_LOCKED]')
      const forced = steerpipe(['run', second, '--force'], { cwd })
      expect(forced.stderr).toContain('[OUTPUT_LOCKED]')
      expect(await first.ended).toMatchObject({ status: 0 })
      // A second run that has begun with another output keeps what it had done there.
      const left = [...madeIn(cwd)].filter(([name]) => !name.startsWith('out/b.jsonl'))
      expect(new Map(left)).toEqual(made())
    },
  )

  test('of many that start at once each is told, or makes the whole', async () => {
    const cwd = prepared()
    const ended = await Promise.all(
      Array.from({ length: 8 }, () => start(['run', 'x.yaml', '--force'], cwd).ended),
    )
    for (const { status, stderr } of ended) if (status !== 0) expect(stderr).toContain('[OUTPUT_LOCKED]')
    expect(ended.some(({ status }) => status === 0)).toBe(true)
    expect(madeIn(cwd)).toEqual(made())
  })
})

/** Starts a process whose parent stops before it can ask how it ended: once killed, it is a zombie. */
function unattended(cwd: string): ChildProcess {
  // `exec sleep` takes the place of the shell that would wait for its child.
  const script = '"$@" > child.out 2>&1 & echo $! > child.pid; exec sleep 60'
  const child = spawn('bash', ['-c', script, 'bash', process.execPath, ...COMMAND, 'run', 'held.yaml'], {
    cwd,
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

describe('a lock that counts for nothing', () => {
  /** The run takes the lock over, and leaves none. */
  function isTaken(cwd: string): void {
    const ended = steerpipe(['run', 'x.yaml', '--force'], { cwd })
    expect(ended).toMatchObject({ status: 0 })
    expect(madeIn(cwd)).toEqual(made())
  }

  test('of a process that was killed', async () => {
    const cwd = prepared()
    const first = startSlowly(['run', 'x.yaml'], cwd, 100)
    await until('it writes', () => existsSync(join(cwd, LOCK)))
    first.process.kill('SIGKILL')
    await first.ended
    expect([...filesOf(cwd).keys()]).toEqual(expect.arrayContaining([LOCK, CHECKPOINT_LOCK]))
    isTaken(cwd)
  })

  test.skipIf(process.platform !== 'linux')('of a zombie', async () => {
    const cwd = prepared()
    // It never ends by itself: nobody writes into its input.
    put(cwd, { 'held.yaml': 'name: x\ninputs: "-"\nstages: [parse, write: out/a.jsonl]\n' })
    unattended(cwd)
    await until(
      'there is a process',
      () => existsSync(join(cwd, 'child.pid')) && readFileSync(join(cwd, 'child.pid')).length > 1,
    )
    const pid = Number(readFileSync(join(cwd, 'child.pid'), 'utf8'))
    // In a shell's background stdin is empty, so that it may be over already: then there is no lock to be had.
    const stat = () => readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /s, '')
    await until(
      'it has a lock, or has ended',
      () => existsSync(join(cwd, CHECKPOINT_LOCK)) || stat().startsWith('Z'),
    )
    const started = stat().split(' ')[19]
    process.kill(pid, 'SIGKILL')
    await until('it is a zombie', () => stat().startsWith('Z'))
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    const lock = `${JSON.stringify({ host: hostname(), pid, started: `${boot} ${started}` })}\n`
    for (const name of [LOCK, CHECKPOINT_LOCK]) writeFileSync(join(cwd, name), lock)
    isTaken(cwd)
    expect(stat().startsWith('Z')).toBe(true)
  })

  test('of a process whose number another one has by now', async () => {
    const cwd = prepared()
    const first = startSlowly(['run', 'x.yaml'], cwd, 100)
    await until('it writes', () => existsSync(join(cwd, LOCK)))
    const holder = holderOf(cwd)
    expect(holder).toMatchObject({ host: hostname(), pid: first.process.pid, started: expect.any(String) })
    first.process.kill('SIGKILL')
    await first.ended
    // This process lives, and is not the one that began then.
    const lock = JSON.stringify({ ...holder, pid: process.pid })
    for (const name of [LOCK, CHECKPOINT_LOCK]) writeFileSync(join(cwd, name), `${lock}\n`)
    isTaken(cwd)
  })

  test.each([
    ['nothing in it', ''],
    ['something else in it', 'garbage\n'],
    ['half of what belongs in it', '{"host":"'],
    ['other members', '{"pid":1}\n'],
  ])('with %s', (_, content) => {
    const cwd = prepared()
    put(cwd, {})
    steerpipe(['run', 'x.yaml'], { cwd })
    for (const name of [LOCK, CHECKPOINT_LOCK]) {
      writeFileSync(join(cwd, name), content)
      // Old enough not to be one that is just being made.
      utimesSync(join(cwd, name), new Date(0), new Date(0))
    }
    isTaken(cwd)
  })

  test('what is just being made is waited for', () => {
    const cwd = prepared()
    steerpipe(['run', 'x.yaml'], { cwd })
    writeFileSync(join(cwd, CHECKPOINT_LOCK), '')
    isTaken(cwd)
  })
})

test('a lock of another machine holds, and says what to do', () => {
  const cwd = prepared()
  steerpipe(['run', 'x.yaml'], { cwd })
  const lock = { host: `${hostname()}-another`, pid: 1, started: 'then' }
  writeFileSync(join(cwd, LOCK), JSON.stringify(lock))
  const ended = steerpipe(['run', 'x.yaml', '--force'], { cwd })
  expect(ended.status).toBe(1)
  expect(ended.stderr).toContain('[OUTPUT_LOCKED]')
  expect(ended.stderr).toContain(`remove ${LOCK}`)
  expect(names(join(cwd, 'out'))).toEqual(['a.jsonl', 'a.jsonl.lock'])
})

test('of twenty that find the lock of a dead process one runs at a time', async () => {
  const cwd = prepared()
  // Each run tells when it begins and when it ends, by a module that is called for each record.
  put(cwd, {
    'one.jsonl': '{"a":1}\n{"a":2}\n',
    'told.mjs': [
      "import { appendFileSync } from 'node:fs'",
      'const tell = (what) => appendFileSync("told", `${what} ${process.pid}\\n`)',
      'export default { map: async (row) => {',
      '  tell(row.a === 1 ? "begins" : "ends")',
      '  await new Promise((resolve) => setTimeout(resolve, 30))',
      '  return row',
      '} }',
    ].join('\n'),
    'z.yaml': 'name: z\ninputs: one.jsonl\nstages: [parse, map: ./told.mjs, write: out/a.jsonl]\n',
  })
  steerpipe(['run', 'x.yaml'], { cwd })
  const dead = spawn('true')
  await new Promise((resolve) => dead.on('close', resolve))
  const lock = JSON.stringify({ host: hostname(), pid: dead.pid, started: 'then' })
  for (const [round, content] of [lock, '', lock].entries()) {
    for (const name of [LOCK, CHECKPOINT_LOCK]) {
      writeFileSync(join(cwd, name), content)
      utimesSync(join(cwd, name), new Date(0), new Date(0))
    }
    writeFileSync(join(cwd, 'told'), '')
    const ended = await Promise.all(
      Array.from({ length: 20 }, () => start(['run', 'z.yaml', '--force'], cwd).ended),
    )
    const won = ended.filter(({ status }) => status === 0).length
    expect(won, `round ${round}`).toBeGreaterThan(0)
    for (const { status, stderr } of ended) if (status !== 0) expect(stderr).toContain('[OUTPUT_LOCKED]')
    const told = readFileSync(join(cwd, 'told'), 'utf8').split('\n').slice(0, -1)
    expect(told).toHaveLength(2 * won)
    for (let i = 0; i < told.length; i += 2) {
      expect(told[i]).toBe(told[i + 1].replace('ends', 'begins'))
    }
    expect(names(join(cwd, 'out'))).toEqual(['a.jsonl'])
    await pause(1)
  }
})
