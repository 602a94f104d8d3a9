import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { Folder, lines, put, steerpipe } from '../support/command.js'

const folder = new Folder()
let cwd = ''

beforeEach(() => {
  cwd = folder.fresh()
  for (const name of ['recipes', 'stages']) mkdirSync(join(cwd, name))
  put(cwd, {
    'in.jsonl': lines({ n: 1 }),
    'recipes/p.yaml': 'name: x\ninputs: in.jsonl\nstages:\n  - map: ../stages/m.mjs\n  - write: out.jsonl\n',
    'stages/m.mjs': 'export default ({ n }) => ({ n: n + 1 })\n',
  })
})

test.each(['run', 'lint', 'explain', 'preview'])(
  '%s takes no module from outside the file’s folder',
  (verb) => {
    const { status, stderr } = steerpipe([verb, 'recipes/p.yaml'], { cwd })
    expect(stderr).toContain(
      `recipes/p.yaml:4:10, map: the module stages/m.mjs lies outside the folder of the pipeline file, at ${join(cwd, 'stages/m.mjs')} [MAP_MODULE]\n` +
        '  expected: a module beside the pipeline file or below\n' +
        `  do: Put it there, or allow its folder: \`--allow ${join(cwd, 'stages')}\`.\n`,
    )
    expect(status).toBe(2)
  },
)

test.each(['run', 'lint', 'explain', 'preview'])('%s takes one from a folder that --allow names', (verb) => {
  const allow = ['--allow', 'recipes', '--allow', 'stages']
  const { status, stderr, stdout } = steerpipe([verb, 'recipes/p.yaml', ...allow], { cwd })
  expect(status, stderr).toBe(0)
  if (verb === 'preview') expect(stdout).toContain('1. n: 2\n')
})

test.each(['nowhere', 'in.jsonl', ''])('--allow %j is no folder', (path) => {
  const { status, stderr } = steerpipe(['lint', 'recipes/p.yaml', '--allow', path], { cwd })
  expect(stderr).toContain(`error: \`--allow ${path}\`: there is no such folder [USAGE]\n`)
  expect(status).toBe(2)
})

test('the filter takes the file that is named', () => {
  const args = ['map', '--module', '../stages/m.mjs', '../in.jsonl']
  expect(steerpipe(args, { cwd: join(cwd, 'recipes') })).toMatchObject({ status: 0, stdout: '{"n": 2}\n' })
})
