import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { CATALOGUE } from '../../src/errors.js'
import { Folder, names, put, shell, steerpipe } from '../support/command.js'
import { DATA_ERRORS, type ErrorCase } from './error-cases.js'
import { SERVER_ERRORS, TIMED_ERRORS } from './server-error-cases.js'
import { DEFINITION_ERRORS, SYSTEM_ERRORS } from './system-error-cases.js'

const folder = new Folder()
/** What makes of root somebody who may not do everything. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65534 } : {}
const canBeNobody = steerpipe(['--version'], { cwd: '/', ...NOBODY }).status === 0

/** Those of the hub and the web are in test/hub. */
const HUB_ERRORS = ['HUB_DENIED', 'HUB_OFFLINE', 'UNREACHABLE', 'DOWNLOAD_REFUSED', 'DOWNLOAD_DAMAGED']

const CASES = [...DATA_ERRORS, ...SYSTEM_ERRORS, ...DEFINITION_ERRORS]

/** An error as it is shown: what it says in one line each, and no stack trace. */
function shown({ code, where, found, expected, fix }: ErrorCase): RegExp {
  const first = `error: ${where === '' ? '' : `${literal(where)}: `}${literal(found)} \\[${code}\\]\n`
  const second = expected === undefined ? '' : ` {2}expected: ${literal(expected)}\n`
  return new RegExp(`^${first}${second} {2}do: ${literal(fix)}.*\n$`)
}

const literal = (text: string | RegExp): string =>
  typeof text === 'string' ? text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&') : text.source

describe('every error', () => {
  test('that a command line can reach stands in the table', () => {
    // READ_FAILED is below, TOO_MANY_ERRORS in max-errors.test.ts, MERGE_REFUSED in
    // replay.test.ts. PLAIN_OBJECT is for objects that a script writes.
    const covered = new Set<string>([
      ...[...CASES, ...SERVER_ERRORS].map(({ code }) => code),
      ...TIMED_ERRORS,
      'READ_FAILED',
      'TOO_MANY_ERRORS',
      'MERGE_REFUSED',
      'PLAIN_OBJECT',
      ...HUB_ERRORS,
    ])
    expect(Object.keys(CATALOGUE).filter((code) => !covered.has(code))).toEqual([])
  })

  test.each(CASES.map((each) => [each.code, each.args.join(' ').slice(0, 80), each] as const))(
    '%s: %s',
    (_code, _args, each) => {
      const cwd = folder.fresh()
      const { args, input = '{}\n', files = {}, exit = 1, stdout = '' } = each
      put(cwd, { in: input, ...files })
      const result = steerpipe(args, { cwd, input })
      expect(result.stderr).toMatch(shown(each))
      expect(result.stdout).toBe(stdout)
      expect(result.status).toBe(exit)
      expect(names(cwd)).toEqual(['in', ...Object.keys(files)].sort())
    },
  )
})

describe('errors that need a shell', () => {
  test('a folder on stdin is READ_FAILED, not empty input', () => {
    const result = shell('steerpipe parse < .', folder.fresh())
    expect(result).toMatchObject({ status: 1, stdout: '' })
    expect(result.stderr).toBe(
      'error: stdin, parse: reading failed: illegal operation on a directory (EISDIR) [READ_FAILED]\n' +
        '  do: Name the files in it, or a pattern such as `FOLDER/*.jsonl`.\n',
    )
  })

  test.skipIf(!canBeNobody)(
    `files that one may not read, and folders that one may not write${canBeNobody ? '' : ' (skipped: root may do everything, and nobody else can run the command here)'}`,
    () => {
      const cwd = folder.fresh()
      for (const path of [folder.path, cwd]) chmodSync(path, 0o755)
      put(cwd, { secret: '{}\n' })
      chmodSync(join(cwd, 'secret'), 0)
      mkdirSync(join(cwd, 'closed'), { mode: 0o555 })
      const unread = steerpipe(['parse', 'secret'], { cwd, ...NOBODY })
      expect(unread.status).toBe(1)
      expect(unread.stderr).toContain(
        'secret, parse: reading failed: permission denied (EACCES) [READ_FAILED]',
      )
      const unwritten = steerpipe(['parse', '-o', 'closed/out'], { cwd, input: '{}\n', ...NOBODY })
      expect(unwritten.status).toBe(1)
      expect(unwritten.stderr).toContain(
        'closed/out, write: writing failed: permission denied (EACCES) [WRITE_FAILED]',
      )
    },
  )

  test('--verbose says what caused an error', () => {
    const cwd = folder.fresh()
    put(cwd, { file: '' })
    const { stderr } = steerpipe(['parse', '-o', 'file/out', '--verbose'], { cwd, input: '{}\n' })
    expect(stderr).toMatch(/ {2}do: .*\n {2}because: EEXIST: file already exists/)
  })

  test('a definition with several mistakes has them all told, in the order of the file', () => {
    const cwd = folder.fresh()
    put(cwd, { 'x.yaml': 'name: x\ninputs: nowhere\nstages:\n  - pars\n  - template: { dataste: x }\n' })
    const { status, stdout, stderr } = steerpipe(['run', 'x.yaml'], { cwd })
    expect(status).toBe(2)
    expect(stdout).toBe('')
    const places = [...stderr.matchAll(/^error: x\.yaml:(\d+)/gm)].map(([, line]) => Number(line))
    expect(places.length).toBeGreaterThan(2)
    expect(places).toEqual(places.toSorted((a, b) => a - b))
    expect(stderr).toContain('[UNKNOWN_STAGE]')
    expect(stderr).toContain('(did you mean `dataset`?)')
  })
})
