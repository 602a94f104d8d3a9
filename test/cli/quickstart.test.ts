import { readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Ended, Folder, names, read, shell, steerpipe } from '../support/command.js'
import { ROOT } from '../support/paths.js'
import { all, labelled, type Row, sample } from './data.js'

const folder = new Folder()
let cwd = ''
let first: Ended

const rowsOf = (name: string): Row[] =>
  gunzipSync(readFileSync(join(ROOT, 'pipelines/quickstart', `${name}.jsonl.gz`)))
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row)

beforeAll(() => {
  cwd = folder.fresh()
  symlinkSync(join(ROOT, 'pipelines'), join(cwd, 'pipelines'))
  first = steerpipe(['run', 'pipelines/quickstart.yaml'], { cwd })
})

describe('the quickstart', () => {
  test('tells what it made, what went in and out, what was left out, how long it took, and what to try next', () => {
    expect(first.status).toBe(0)
    expect(first.stdout).toBe('')
    const said = first.stderr
    expect(said).toMatch(/^quickstart: Sixty bundled rows /)
    for (const [name, count, file] of [
      ['train', 48, 'train'],
      ['val', 12, 'validation'],
    ]) {
      expect(said).toContain(`${name}: pipelines/quickstart/${file}.jsonl.gz`)
      expect(said).toMatch(new RegExp(`  parse +${count} in +${count} out\\n`))
      expect(said).toMatch(new RegExp(`${count} out +→ data/quickstart/sft/${name}\\.jsonl \\([\\d.]+ kB\\)`))
      expect(said).toMatch(
        new RegExp(`${count} out +→ data/quickstart/regression/${name}\\.jsonl \\([\\d.]+ kB\\)`),
      )
    }
    expect(said).toContain('\nleft out: nothing\n')
    expect(said).toMatch(/\ndone in \d+\.\d\d s\n/)
    expect(said).toContain('\nnext: steerpipe preview pipelines/quickstart.yaml -n 2; head -n 1 data/')
  })

  test('makes the files that the original tools make, and no others', () => {
    expect(names(join(cwd, 'data/quickstart/sft'))).toEqual(['train.jsonl', 'val.jsonl'])
    expect(names(join(cwd, 'data/quickstart/regression'))).toEqual(['train.jsonl', 'val.jsonl'])
    for (const [name, file] of [
      ['train', 'train'],
      ['val', 'validation'],
    ]) {
      const rows = rowsOf(file)
      expect(read(cwd, `data/quickstart/sft/${name}.jsonl`)).toBe(all(labelled, rows))
      expect(read(cwd, `data/quickstart/regression/${name}.jsonl`)).toBe(all(sample, rows))
    }
  })

  test('what it proposes to try next works', () => {
    const [, commands] = /^next: (.*)$/m.exec(first.stderr) ?? []
    const tried = shell(commands.replaceAll('; ', ' && '), cwd)
    expect(tried.status).toBe(0)
    expect(tried.stdout).toContain('── parse\n1. prompt: ')
    expect(tried.stdout).toContain('── regression-expand\n1. text: ')
    const [head] = read(cwd, 'data/quickstart/sft/train.jsonl').split('\n', 1)
    expect(tried.stdout.endsWith(`\n${head}\n`)).toBe(true)
  })

  test('runs again, over what it made', () => {
    const before = read(cwd, 'data/quickstart/sft/train.jsonl')
    const again = steerpipe(['run', 'pipelines/quickstart.yaml'], { cwd })
    expect(again.status).toBe(0)
    expect(read(cwd, 'data/quickstart/sft/train.jsonl')).toBe(before)
  })

  test('writes elsewhere with --set out', () => {
    const result = steerpipe(['run', 'pipelines/quickstart.yaml', '--set', 'out=else where'], { cwd })
    expect(result.status).toBe(0)
    expect(names(join(cwd, 'else where'))).toEqual(['regression', 'sft'])
    expect(result.stderr).toContain(
      "next: steerpipe preview pipelines/quickstart.yaml --set 'out=else where' -n 2;",
    )
  })
})
