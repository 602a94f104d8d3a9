/** Inputs that are there and cannot be read. */
import { chmodSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Folder, lines, names, put, steerpipe } from '../support/command.js'

const folder = new Folder()
/** What makes of root somebody who may not do everything. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65534 } : {}
const canBeNobody =
  process.platform !== 'win32' && steerpipe(['--version'], { cwd: '/', ...NOBODY }).status === 0
const note = canBeNobody
  ? ''
  : ' (skipped: root may read everything, and nobody else can run the command here)'

describe('an input that one may not read', () => {
  const rows = lines({ a: 1 }, { a: 2 })

  test.skipIf(!canBeNobody)(`after one that can be read: no output under its final name${note}`, () => {
    const cwd = folder.fresh()
    chmodSync(folder.path, 0o755)
    chmodSync(cwd, 0o777)
    put(cwd, {
      rows,
      secret: rows,
      'x.yaml': 'name: x\ninputs: [rows, secret]\nstages: [parse, write: out]\n',
    })
    chmodSync(join(cwd, 'secret'), 0)
    const { status, stderr } = steerpipe(['run', 'x.yaml'], { cwd, ...NOBODY })
    expect(status).toBe(1)
    expect(stderr).toContain('error: secret, parse: reading failed: permission denied (EACCES) [READ_FAILED]')
    expect(names(cwd)).not.toContain('out')
  })

  test.skipIf(!canBeNobody)(`in a folder that one may not enter${note}`, () => {
    const cwd = folder.fresh()
    for (const path of [folder.path, cwd]) chmodSync(path, 0o755)
    const closed = join(cwd, 'closed')
    const made = steerpipe(['parse', '-o', 'closed/in'], { cwd, input: rows })
    expect(made.status).toBe(0)
    chmodSync(closed, 0)
    const { status, stderr } = steerpipe(['parse', 'closed/in'], { cwd, ...NOBODY })
    chmodSync(closed, 0o755)
    expect([1, 2]).toContain(status)
    expect(stderr).toMatch(/^error: closed\/in.* \[(READ_FAILED|NO_SUCH_INPUT)\]\n {2}do: /)
    expect(stderr).not.toContain('defect of steerpipe')
  })
})

test.skipIf(!existsSync('/proc/self/mem'))('a file that the system fails to read', () => {
  const cwd = folder.fresh()
  const { status, stderr } = steerpipe(['parse', '/proc/self/mem', '-o', 'out'], { cwd })
  expect(status).toBe(1)
  expect(stderr).toContain('error: /proc/self/mem, parse: reading failed: i/o error (EIO) [READ_FAILED]\n')
  expect(names(cwd)).not.toContain('out')
})
