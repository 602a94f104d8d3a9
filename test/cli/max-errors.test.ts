import { describe, expect, test } from 'vitest'
import { Folder, lines, names, put, read, steerpipe } from '../support/command.js'

const folder = new Folder()
const bad = (count: number): string => 'no JSON\n'.repeat(count)
const good = (count: number): string => lines(...Array.from({ length: count }, (_, n) => ({ n })))

/** A filter over an input with bad records in it. */
function run(input: string, ...flags: string[]) {
  const cwd = folder.fresh()
  put(cwd, { in: input })
  return { cwd, ...steerpipe(['parse', 'in', '-o', 'out', '--on-error', 'skip', ...flags], { cwd }) }
}

describe('--max-errors', () => {
  test('one more than the number ends the run with 1', () => {
    const { status, stderr } = run(good(3) + bad(3), '--max-errors', '2')
    expect(status).toBe(1)
    expect(stderr).toContain('error: 3 of 6 records are bad [TOO_MANY_ERRORS]\n  expected: at most 2\n')
  })

  test('as many as the number do not', () => {
    const { status, cwd } = run(good(3) + bad(2), '--max-errors', '2')
    expect(status).toBe(3)
    expect(read(cwd, 'out')).toBe(good(3))
  })

  test('0 ends it at the first', () => {
    expect(run(bad(1), '--max-errors', '0').status).toBe(1)
    expect(run(good(1), '--max-errors', '0').status).toBe(0)
  })

  test('a percentage is of the records that were read, all of them where they are few', () => {
    expect(run(good(98) + bad(2), '--max-errors', '2%').status).toBe(3)
    const { status, stderr } = run(bad(3) + good(97), '--max-errors', '2%')
    expect(status).toBe(1)
    expect(stderr).toContain('3 of 100 records are bad')
    expect(stderr).toContain('at most 2%')
  })

  test('a run that goes wrong wholesale does not go on to its end', () => {
    const { status, stderr } = run(bad(200_000), '--max-errors', '1%')
    expect(status).toBe(1)
    const read = Number(/of (\d+) records are bad/.exec(stderr)?.[1])
    expect(read).toBeGreaterThanOrEqual(1000)
    expect(read).toBeLessThan(200_000)
  })

  test('the partners of a bad record do not count', () => {
    const cwd = folder.fresh()
    put(cwd, { in: `${bad(1)}{}\n{}\n{}\n` })
    const flags = ['--group', '2', '--on-error', 'skip', '--max-errors', '1', '-o', 'out']
    expect(steerpipe(['parse', 'in', ...flags], { cwd }).status).toBe(3)
    expect(names(cwd)).toEqual(['in', 'out'])
  })

  test.each([
    [['--max-errors', '-1']],
    [['--max-errors', '1.5']],
    [['--max-errors', 'many']],
    [['--max-errors', '101%']],
  ])('%j is refused', (flags) => {
    const { status, stderr } = run('{}\n', ...flags)
    expect(status).toBe(2)
    expect(stderr).toContain('[USAGE]')
  })

  test('without --on-error it would say nothing: refused', () => {
    const { status, stderr } = steerpipe(['parse', '--max-errors', '3'], { cwd: folder.fresh(), input: '' })
    expect(status).toBe(2)
    expect(stderr).toContain('`--max-errors` without `--on-error skip`')
  })
})
