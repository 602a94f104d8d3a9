/**
 * `replay`, as a person uses it.
 */
import { describe, expect, test } from 'vitest'
import { Folder, lines, names, put, read, steerpipe } from '../support/command.js'
import { labelled, type Row } from './data.js'

const folder = new Folder()
const ROWS: readonly Row[] = [1, 2, 3, 4].map((n) => ({ prompt: `p${n}`, response: `r${n}`, helpfulness: n }))
const RECIPE = `name: recipe
vars: { out: out.jsonl }
inputs: { rows: rows.jsonl }
stages:
  - parse
  - template: helpsteer2
  - label-format
  - write: \${out}
`
const ALL = ROWS.map(labelled).join('')

/** A folder in which a run has set the second and the fourth row aside. */
function made(): string {
  const cwd = folder.fresh()
  const text = lines(...ROWS)
    .replace('"helpfulness":2', '"helpfulness":"x"')
    .replace('"p4"', '4')
  put(cwd, { 'recipe.yaml': RECIPE, 'rows.jsonl': text })
  expect(steerpipe(['run', 'recipe.yaml', '--on-error', 'dead-letter=bad.jsonl'], { cwd }).status).toBe(3)
  return cwd
}

/** The bad records with all, or only the first one of them, mended. */
const mended = (cwd: string, all = true): string => {
  const text = read(cwd, 'bad.jsonl').replaceAll(':\\"x\\"}', ':2}')
  return all ? text.replaceAll('{\\"prompt\\":4', '{\\"prompt\\":\\"p4\\"') : text
}

describe('replay', () => {
  test('stops at the first record that is bad still, and says what to do', () => {
    const cwd = made()
    const { status, stderr } = steerpipe(['replay', 'bad.jsonl', 'recipe.yaml'], { cwd })
    expect(status).toBe(1)
    expect(stderr).toContain(
      'error: rows.jsonl:2 (byte 48), template: the score of `helpfulness` is "x" [BAD_SCORE]',
    )
    expect(names(cwd)).not.toContain('out.replayed.jsonl')
  })

  test('puts what is made of mended records beside the outputs', () => {
    const cwd = made()
    put(cwd, { 'mended.jsonl': mended(cwd) })
    const before = read(cwd, 'out.jsonl')
    const { status, stderr } = steerpipe(['replay', 'mended.jsonl', 'recipe.yaml'], { cwd })
    expect(status).toBe(0)
    expect(stderr).toContain('replayed 2 records: all good now')
    expect(read(cwd, 'out.replayed.jsonl')).toBe(
      ROWS.slice(1, 4)
        .filter(({ prompt }) => prompt !== 'p3')
        .map(labelled)
        .join(''),
    )
    expect(read(cwd, 'out.jsonl')).toBe(before)
    const again = steerpipe(['replay', 'mended.jsonl', 'recipe.yaml'], { cwd })
    expect(again.status).toBe(2)
    expect(again.stderr).toContain('[OUTPUT_EXISTS]')
    expect(steerpipe(['replay', 'mended.jsonl', 'recipe.yaml', '--force'], { cwd }).status).toBe(0)
  })

  test('writes where --output says, also to stdout', () => {
    const cwd = made()
    put(cwd, { 'mended.jsonl': mended(cwd) })
    const two = labelled(ROWS[1]) + labelled(ROWS[3])
    expect(steerpipe(['replay', 'mended.jsonl', 'recipe.yaml', '--output', '-'], { cwd }).stdout).toBe(two)
    expect(
      steerpipe(['replay', 'mended.jsonl', 'recipe.yaml', '--output', 'new.jsonl'], { cwd }).status,
    ).toBe(0)
    expect(read(cwd, 'new.jsonl')).toBe(two)
  })

  test('--merge-into puts it back into its place, in one step or in several', () => {
    const cwd = made()
    put(cwd, { 'first.jsonl': mended(cwd, false) })
    const flags = ['--merge-into', '--on-error', 'dead-letter=rest.jsonl', '--report', 'report.json']
    const { status, stderr } = steerpipe(['replay', 'first.jsonl', 'recipe.yaml', ...flags], { cwd })
    expect(status).toBe(3)
    expect(stderr).toContain('next: mend `raw` in rest.jsonl, then `steerpipe replay rest.jsonl recipe.yaml`')
    expect(JSON.parse(read(cwd, 'report.json'))).toMatchObject({ leftOut: 1 })
    expect(read(cwd, 'out.jsonl')).toBe(ROWS.slice(0, 3).map(labelled).join(''))
    put(cwd, {
      'second.jsonl': read(cwd, 'rest.jsonl').replaceAll('{\\"prompt\\":4', '{\\"prompt\\":\\"p4\\"'),
    })
    expect(
      steerpipe(['replay', 'second.jsonl', 'recipe.yaml', '--merge-into', 'out.jsonl'], { cwd }).status,
    ).toBe(0)
    expect(read(cwd, 'out.jsonl')).toBe(ALL)
  })

  test('--merge-into finds the output of a run with --output', () => {
    const cwd = made()
    const flags = ['--output', 'new.jsonl', '--on-error', 'dead-letter=bad.jsonl', '--force']
    steerpipe(['run', 'recipe.yaml', ...flags], { cwd })
    put(cwd, { 'mended.jsonl': mended(cwd) })
    const { status } = steerpipe(['replay', 'mended.jsonl', 'recipe.yaml', '--merge-into', 'new.jsonl'], {
      cwd,
    })
    expect(status).toBe(0)
    expect(read(cwd, 'new.jsonl')).toBe(ALL)
  })

  test('--merge-into refuses with 2 and leaves the output as it was', () => {
    const cwd = made()
    put(cwd, { 'mended.jsonl': mended(cwd) })
    const merge = () => steerpipe(['replay', 'mended.jsonl', 'recipe.yaml', '--merge-into'], { cwd })
    expect(merge().status).toBe(0)
    const before = names(cwd)
    const { status, stderr } = merge()
    expect(status).toBe(2)
    expect(stderr).toContain('[MERGE_REFUSED]')
    expect(read(cwd, 'out.jsonl')).toBe(ALL)
    expect(names(cwd)).toEqual(before)
  })

  test('a bad record ends --merge-into before anything is replaced', () => {
    const cwd = made()
    put(cwd, { 'mended.jsonl': mended(cwd, false) })
    const before = names(cwd).map((name) => [name, read(cwd, name)])
    expect(steerpipe(['replay', 'mended.jsonl', 'recipe.yaml', '--merge-into'], { cwd }).status).toBe(1)
    expect(names(cwd).map((name) => [name, read(cwd, name)])).toEqual(before)
  })

  test.each([
    ['is no such file', 'this is a row\n', 'JSON_SYNTAX', 1],
    ['holds other records', '{"prompt":"p"}\n', 'WRONG_RECORD', 1],
    ['is of another pipeline', undefined, 'USAGE', 2],
  ])('a file that %s is a coded error', (_what, text, code, exit) => {
    const cwd = made()
    put(cwd, { 'file.jsonl': text ?? read(cwd, 'bad.jsonl').replaceAll('"name":"rows"', '"name":"others"') })
    const { status, stderr } = steerpipe(['replay', 'file.jsonl', 'recipe.yaml'], { cwd })
    expect(stderr).toContain(`[${code}]`)
    expect(status).toBe(exit)
  })

  test('one that is not there is an error, an empty one is not', () => {
    const cwd = made()
    const missing = steerpipe(['replay', 'none.jsonl', 'recipe.yaml'], { cwd })
    expect(missing.status).toBe(2)
    expect(missing.stderr).toContain('[NO_SUCH_INPUT]')
    put(cwd, { 'none.jsonl': '' })
    for (const flags of [[], ['--merge-into']]) {
      const empty = steerpipe(['replay', 'none.jsonl', 'recipe.yaml', ...flags], { cwd })
      expect(empty).toMatchObject({
        status: 0,
        stderr: expect.stringContaining('there is nothing to replay'),
      })
    }
  })

  test.each([['recipe.yaml'], ['out.replayed.jsonl'], ['mended.jsonl']])(
    'bad records do not go over %s',
    (path) => {
      const cwd = made()
      put(cwd, { 'mended.jsonl': mended(cwd) })
      const flags = ['--on-error', `dead-letter=${path}`, '--force']
      const { status, stderr } = steerpipe(['replay', 'mended.jsonl', 'recipe.yaml', ...flags], { cwd })
      expect(status).toBe(2)
      expect(stderr).toContain('[OUTPUT_CONFLICT]')
    },
  )

  test('with --merge-into a file of bad records that is there is kept', () => {
    const cwd = made()
    put(cwd, { 'mended.jsonl': mended(cwd), rest: 'mine' })
    const flags = ['--merge-into', '--on-error', 'dead-letter=rest']
    const { status } = steerpipe(['replay', 'mended.jsonl', 'recipe.yaml', ...flags], { cwd })
    expect(status).toBe(2)
    expect(read(cwd, 'rest')).toBe('mine')
  })
})
