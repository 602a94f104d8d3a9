import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ROOT } from '../support/paths.js'

let folder = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'steerpipe-package-'))
  // The build is the one under test: packing must not make another while other tests run it.
  execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], {
    cwd: ROOT,
    stdio: 'pipe',
  })
  const [file] = readdirSync(folder).filter((name) => name.endsWith('.tgz'))
  writeFileSync(join(folder, 'package.json'), '{"name":"elsewhere","private":true,"type":"module"}')
  execFileSync('npm', ['install', '--no-audit', '--no-fund', `./${file}`], { cwd: folder, stdio: 'pipe' })
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('an installed package has the command', () => {
  const row = '{"prompt":"p","response":"r","helpfulness":3}\n'
  const result = spawnSync('npx', ['--no', 'steerpipe', 'template', '--dataset', 'helpsteer2'], {
    cwd: folder,
    input: row,
    encoding: 'utf8',
  })
  expect(result.stdout).toContain('"scores": {"helpfulness": 3}')
  expect(result.status).toBe(0)
})

test('an installed package has the imports, and the pipelines', () => {
  const script = `
    import { Readable } from 'node:stream'
    import * as steerpipe from 'steerpipe'
    const { template, labelFormat, regressionExpand, objects } = steerpipe
    const rows = Readable.from([{ prompt: 'p', response: 'r', helpfulness: 3 }])
    const samples = rows.pipe(template({ dataset: 'helpsteer2' })).pipe(labelFormat()).pipe(regressionExpand()).pipe(objects())
    for await (const sample of samples) console.log(JSON.stringify(sample.label))
    console.log(Object.keys(steerpipe).sort().join(' '))`
  writeFileSync(join(folder, 'script.js'), script)
  const result = spawnSync('node', ['script.js'], { cwd: folder, encoding: 'utf8' })
  expect(result.stderr).toBe('')
  const [label, names] = result.stdout.trim().split('\n')
  expect(JSON.parse(label)).toEqual([-100, -100, -100, -100, 3, -100, -100, -100, -100])
  expect(names.split(' ')).toEqual(expect.arrayContaining(['compose', 'parse', 'write', 'SteerpipeError']))
  const lint = spawnSync(
    'npx',
    ['--no', 'steerpipe', 'lint', 'node_modules/steerpipe/pipelines/regression.yaml'],
    {
      cwd: folder,
      encoding: 'utf8',
    },
  )
  expect(lint.stderr).toContain('nothing wrong')
})
