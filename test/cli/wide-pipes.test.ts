/** A pipe through which much comes is made to hold more than Linux gives it; where that cannot be, nothing changes. */
import { spawnSync } from 'node:child_process'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { COMMAND, Folder } from '../support/command.js'

const folder = new Folder()

/** Linux's default, and what an ordinary user may have. */
const USUAL = 64 * 1024
const LARGE = 1024 * 1024

const runs = (command: string): boolean => spawnSync(command, ['--version']).status === 0
const missing = ['python3', 'perl'].filter((command) => !runs(command))
const canMeasure = process.platform === 'linux' && missing.length === 0

/**
 * Feeds a command some megabytes through a pipe, and says how much that holds then. It waits for a change as long as
 * `patience` seconds.
 */
const MEASURE = `
import fcntl, json, os, subprocess, sys, threading, time
megabytes, patience, *command = json.loads(sys.argv[1])
F_GETPIPE_SZ = 1032
reader, writer = os.pipe()
before = fcntl.fcntl(writer, F_GETPIPE_SZ)
process = subprocess.Popen(command, stdin=reader, stdout=subprocess.PIPE)
os.close(reader)
lines = b'{"a":"' + b'x' * 1000 + b'"}\\n'
given = lines * (megabytes * 1048576 // len(lines))
got = []
reading = threading.Thread(target=lambda: got.append(process.stdout.read()))
reading.start()
with os.fdopen(writer, 'wb', buffering=0) as pipe:
    for at in range(0, len(given), 65536):
        pipe.write(given[at:at + 65536])
    end = time.monotonic() + patience
    while fcntl.fcntl(pipe, F_GETPIPE_SZ) == before and time.monotonic() < end:
        time.sleep(0.02)
    after = fcntl.fcntl(pipe, F_GETPIPE_SZ)
reading.join()
code = process.wait()
print(json.dumps({'before': before, 'after': after, 'code': code, 'same': got[0] == given}))
`

/** @param env of the command */
function measure(megabytes: number, patience: number, env: NodeJS.ProcessEnv = process.env): unknown {
  const job = JSON.stringify([megabytes, patience, process.execPath, ...COMMAND, 'parse'])
  const { stdout, stderr } = spawnSync('python3', ['-c', MEASURE, job], { env, encoding: 'utf8' })
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

describe.skipIf(!canMeasure)(
  `stdin${canMeasure ? '' : ` (skipped: no ${missing.join(', ') || 'Linux'})`}`,
  () => {
    test('holds 1 MiB when more than some megabytes have come', () => {
      expect(measure(8, 20)).toEqual({ before: USUAL, after: LARGE, code: 0, same: true })
    })

    test('stays as it is for less', () => {
      expect(measure(2, 0.5)).toEqual({ before: USUAL, after: USUAL, code: 0, same: true })
    })

    test('stays as it is where there is no Perl', () => {
      const path = folder.fresh()
      const { stdout } = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], {
        encoding: 'utf8',
      })
      symlinkSync(stdout.trim(), join(path, 'python3'))
      expect(measure(8, 0.5, { ...process.env, PATH: path })).toEqual({
        ...{ before: USUAL, after: USUAL },
        ...{ code: 0, same: true },
      })
    })
  },
)
