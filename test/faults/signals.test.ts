/** Signals, wherever a command is: it ends with the code of the signal, and no output looks whole. */
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Ended, Folder, names, put, type Running, start, until } from '../support/command.js'

const folder = new Folder()
const rows = '{"a":1}\n'.repeat(200_000)

/** SIGHUP is what the programs of a terminal get when it is closed. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** The code that a shell sees, whether a process ended itself or was ended. */
const codeOf = ({ status, signal }: Ended): number | null =>
  signal === null ? status : 128 + constants.signals[signal]

/** Waits until a file of a run no longer grows: then it waits for somebody. */
async function stuck(path: string): Promise<void> {
  const sizes: number[] = []
  await until('nothing is written any more', () => {
    sizes.push(existsSync(path) ? statSync(path).size : -1)
    const last = sizes.slice(-25)
    return last.length === 25 && last[0] > 0 && last.every((size) => size === last[0])
  })
}

const makeFifo = (cwd: string, name: string): void => {
  expect(spawnSync('mkfifo', [join(cwd, name)]).status).toBe(0)
}

/** A run with files and a FIFO that nobody reads: it waits for that. */
async function waiting(cwd: string): Promise<Running> {
  makeFifo(cwd, 'fifo')
  put(cwd, {
    rows,
    'x.yaml': 'name: x\ninputs: rows\nstages: [parse, write: out, write: out.gz, write: fifo]\n',
  })
  const running = start(['run', 'x.yaml'], cwd)
  await stuck(join(cwd, 'out.partial'))
  return running
}

/** A filter in the middle of an input that goes on. */
async function filtering(cwd: string): Promise<Running> {
  const running = start(['parse', '-o', 'out'], cwd)
  running.process.stdin.write(rows)
  await until('something is written', () => {
    const partial = join(cwd, 'out.partial')
    return existsSync(partial) && statSync(partial).size > 0
  })
  return running
}

/** A run whose stdout nobody reads. */
async function unread(cwd: string): Promise<Running> {
  put(cwd, { rows, 'x.yaml': 'name: x\ninputs: rows\nstages: [parse, write: out, write: "-"]\n' })
  const running = start(['run', 'x.yaml'], cwd)
  running.process.stdout.pause()
  await stuck(join(cwd, 'out.partial'))
  return running
}

/** Waits for the process, not for its stdout, which nobody reads. */
async function exited({ process, ended }: Running): Promise<Ended> {
  await until('the process has ended', () => process.exitCode !== null || process.signalCode !== null)
  process.stdout.resume()
  return ended
}

const WHERE = [
  ['a run that waits for a FIFO’s reader', waiting],
  ['a run that waits for the reader of stdout', unread],
  ['a filter whose input goes on', filtering],
] as const

describe.skipIf(process.platform === 'win32').each(WHERE)('%s', (_, begin) => {
  test.each(SIGNALS)('%s ends it with its code', async (signal) => {
    const cwd = folder.fresh()
    const running = await begin(cwd)
    running.process.kill(signal)
    const ended = await exited(running)
    expect(codeOf(ended)).toBe(128 + constants.signals[signal])
    for (const name of ['out', 'out.gz']) expect(names(cwd)).not.toContain(name)
    expect(ended.stderr).not.toContain('defect of steerpipe')
  })

  test('a second SIGINT ends it at once', async () => {
    const cwd = folder.fresh()
    const running = await begin(cwd)
    running.process.kill('SIGINT')
    running.process.kill('SIGINT')
    const ended = await exited(running)
    expect(codeOf(ended)).toBe(130)
    expect(names(cwd)).not.toContain('out')
  })
})

test.skipIf(process.platform === 'win32')('a stopped run goes on when it may', async () => {
  const cwd = folder.fresh()
  const running = await filtering(cwd)
  running.process.kill('SIGSTOP')
  running.process.stdin.end('{"a":2}\n')
  running.process.kill('SIGCONT')
  expect(await running.ended).toMatchObject({ status: 0, stderr: '' })
  expect(statSync(join(cwd, 'out')).size).toBe(rows.length + 8)
})

test.skipIf(process.platform === 'win32')('SIGKILL leaves nothing under a final name', async () => {
  const cwd = folder.fresh()
  const running = await waiting(cwd)
  running.process.kill('SIGKILL')
  expect(codeOf(await running.ended)).toBe(137)
  for (const name of ['out', 'out.gz']) expect(names(cwd)).not.toContain(name)
})
