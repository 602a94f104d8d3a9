import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  type Ended,
  Folder,
  names,
  put,
  type Running,
  read,
  start,
  steerpipe,
  until,
} from '../support/command.js'

const folder = new Folder()

const SIGNALS = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const

/** Interrupts a run and waits for its end. */
async function interrupt({ process, ended }: Running, signal: NodeJS.Signals): Promise<Ended> {
  process.kill(signal)
  return ended
}

const fifo = (cwd: string, name: string): void => {
  expect(spawnSync('mkfifo', [join(cwd, name)]).status).toBe(0)
}

/** Opens a FIFO, writes a record into it and stays. */
function holdOpen(cwd: string, name: string): ChildProcess {
  const script = `exec 3>${name}; echo '{"a":2}' >&3; read forever`
  return spawn('bash', ['-c', script], { cwd, stdio: ['pipe', 'ignore', 'ignore'] })
}

/** A run that cannot go on, because nobody reads a FIFO that it writes. */
function waitingForReader(cwd: string): Running {
  fifo(cwd, 'pipe')
  put(cwd, {
    'x.yaml': 'name: x\ninputs: rows\nstages: [parse, write: out, write: pipe]\n',
    rows: '{}\n',
  })
  return start(['run', 'x.yaml'], cwd)
}

/** Waits until a run writes its output. */
const writing = (cwd: string, name: string): Promise<void> =>
  until(`${name} is written`, () => existsSync(join(cwd, `${name}.partial`)))

describe.skipIf(process.platform === 'win32')('an interrupted run', () => {
  test.each(SIGNALS)('%s while stdin never ends: exit %i, and nothing is left', async (signal, code) => {
    const cwd = folder.fresh()
    const running = start(['parse', '-o', 'out.jsonl'], cwd)
    const source = spawn('yes', ['{"a":1}'], { stdio: ['ignore', 'pipe', 'ignore'] })
    source.stdout.pipe(running.process.stdin)
    await writing(cwd, 'out.jsonl')
    const ended = await interrupt(running, signal)
    source.kill()
    expect(ended).toMatchObject({ status: code, signal: null, stdout: '' })
    expect(ended.stderr).toBe('interrupted: what was not finished was removed\n')
    expect(names(cwd)).toEqual([])
  })

  test.each(SIGNALS)('%s while stdin is silent: exit %i', async (signal, code) => {
    const cwd = folder.fresh()
    const running = start(['parse', '-o', 'out.jsonl.gz'], cwd)
    running.process.stdin.write('{"a":1}\n')
    await writing(cwd, 'out.jsonl.gz')
    expect(await interrupt(running, signal)).toMatchObject({ status: code, signal: null })
    expect(names(cwd)).toEqual([])
  })

  test.each(SIGNALS)('%s while a FIFO is silent: exit %i', async (signal, code) => {
    const cwd = folder.fresh()
    fifo(cwd, 'in')
    const writer = holdOpen(cwd, 'in')
    const running = start(['parse', 'in', '-o', 'out.jsonl'], cwd)
    await writing(cwd, 'out.jsonl')
    const ended = await interrupt(running, signal)
    writer.kill()
    expect(ended).toMatchObject({ status: code, signal: null })
    expect(names(cwd)).toEqual(['in'])
  })

  test('while nobody has opened the FIFO that it reads', async () => {
    const cwd = folder.fresh()
    fifo(cwd, 'pipe')
    put(cwd, { rows: '{}\n' })
    const running = start(['parse', 'rows', 'pipe', '-o', 'out'], cwd)
    await writing(cwd, 'out')
    expect(await interrupt(running, 'SIGINT')).toMatchObject({ status: 130, signal: null })
    expect(names(cwd)).toEqual(['pipe', 'rows'])
  })

  test('while nobody has opened the FIFO that it writes', async () => {
    const cwd = folder.fresh()
    const running = waitingForReader(cwd)
    await writing(cwd, 'out')
    const ended = await interrupt(running, 'SIGINT')
    expect(ended).toMatchObject({ status: 130, signal: null })
    expect(ended.stderr).toBe('interrupted: what was not finished was removed\n')
    expect(names(cwd)).toEqual(['pipe', 'rows', 'x.yaml'])
  })

  test('while whoever reads stdout has stopped reading', async () => {
    const cwd = folder.fresh()
    put(cwd, { 'x.yaml': 'name: x\ninputs: "-"\nstages: [parse, write: out, write: "-"]\n' })
    const running = start(['run', 'x.yaml'], cwd)
    running.process.stdout.pause()
    const source = spawn('yes', ['{"a":1}'], { stdio: ['ignore', 'pipe', 'ignore'] })
    source.stdout.pipe(running.process.stdin)
    await writing(cwd, 'out')
    // It is stuck when its file has not grown for a while.
    const sizes: number[] = []
    await until('nothing is written any more', () => {
      sizes.push(statSync(join(cwd, 'out.partial')).size)
      const last = sizes.slice(-20)
      return last.length === 20 && last[0] > 0 && last.every((size) => size === last[0])
    })
    running.process.kill('SIGINT')
    const code = await new Promise((resolve) => running.process.on('exit', resolve))
    source.kill()
    running.process.stdout.resume()
    expect(code).toBe(130)
    expect(names(cwd)).toEqual(['x.yaml'])
  })

  test('a second signal ends at once', async () => {
    const cwd = folder.fresh()
    const running = waitingForReader(cwd)
    await writing(cwd, 'out')
    running.process.kill('SIGINT')
    running.process.kill('SIGTERM')
    const { status, stderr } = await running.ended
    // Signals that arrive together may be taken in any order.
    expect([130, 143]).toContain(status)
    expect(stderr).toBe('')
  })

  test('keeps what was whole before, and what was there before', async () => {
    const cwd = folder.fresh()
    fifo(cwd, 'in')
    put(cwd, {
      'x.yaml':
        'name: x\noverwrite: true\ninputs: { one: rows, two: in }\nstages: [parse, write: "out-${input}"]\n',
      rows: '{"a":1}\n',
      'out-two': 'earlier',
    })
    const writer = holdOpen(cwd, 'in')
    const running = start(['run', 'x.yaml'], cwd)
    await writing(cwd, 'out-two')
    const ended = await interrupt(running, 'SIGINT')
    writer.kill()
    expect(ended.status).toBe(130)
    // What was whole stands on record, for `--resume`.
    expect(names(cwd)).toEqual(['in', 'out-one', 'out-one.checkpoint', 'out-two', 'rows', 'x.yaml'])
    expect(read(cwd, 'out-one')).toBe('{"a":1}\n')
    expect(read(cwd, 'out-two')).toBe('earlier')
    // And the next run finds its way.
    const again = steerpipe(['run', 'x.yaml', '--input', 'two=rows'], { cwd })
    expect(again.status).toBe(0)
    expect(read(cwd, 'out-two')).toBe('{"a":1}\n')
  })
})
