/**
 * The file of bad records, as a person sees it: a file like all outputs.
 */
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { Folder, lines, names, put, read, start, steerpipe, until } from '../support/command.js'

const folder = new Folder()
const RECIPE = `name: recipe
inputs: { rows: rows.jsonl }
stages:
  - parse
  - template: helpsteer2
  - label-format
  - write: out.jsonl
`
const GOOD = lines({ prompt: 'p', response: 'r', helpfulness: 1 })
const TO = ['--on-error', 'dead-letter=bad.jsonl']

/** A folder with the recipe and its rows, and more files. */
function made(rows: string, more: Readonly<Record<string, string>> = {}): string {
  const cwd = folder.fresh()
  put(cwd, { 'recipe.yaml': RECIPE, 'rows.jsonl': rows, ...more })
  return cwd
}

describe('--on-error dead-letter=FILE', () => {
  test('sets bad records aside, tells the reasons, and exits with 3', () => {
    const cwd = made(`${GOOD}{"prompt": 1}\n${GOOD}bad\n`)
    const { status, stderr } = steerpipe(['run', 'recipe.yaml', ...TO], { cwd })
    expect(status).toBe(3)
    const letters = read(cwd, 'bad.jsonl')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const offset = Buffer.byteLength(GOOD)
    expect(letters).toEqual([
      {
        ...{ name: 'rows', input: 'rows.jsonl', line: 2, offset, stage: 'template', code: 'WRONG_TYPE' },
        message: expect.stringContaining('`prompt` is the number 1'),
        ...{ tries: 1, raw: '{"prompt": 1}', encoding: 'utf-8' },
        at: { 'out.jsonl': { bytes: expect.any(Number), crc: expect.any(Number) } },
      },
      expect.objectContaining({ line: 4, stage: 'parse', code: 'JSON_SYNTAX', raw: 'bad' }),
    ])
    expect(stderr).toContain('left out: 1 × JSON_SYNTAX (parse)\nleft out: 1 × WRONG_TYPE (template)\n')
    expect(names(cwd)).toEqual(['bad.jsonl', 'out.jsonl', 'recipe.yaml', 'rows.jsonl'])
  })

  test('without a bad record it is there all the same, and the run exits with 0', () => {
    const cwd = made(GOOD)
    expect(steerpipe(['run', 'recipe.yaml', ...TO], { cwd }).status).toBe(0)
    expect(read(cwd, 'bad.jsonl')).toBe('')
  })

  test('.gz compresses it', () => {
    const cwd = made(`bad\n${GOOD}`)
    steerpipe(['run', 'recipe.yaml', '--on-error', 'dead-letter=deep/down/bad.jsonl.gz'], { cwd })
    const text = gunzipSync(readFileSync(join(cwd, 'deep/down/bad.jsonl.gz'))).toString()
    expect(JSON.parse(text)).toMatchObject({ line: 1, raw: 'bad' })
  })

  test('one that is there is replaced with --force only, when the run is done', () => {
    const cwd = made(`bad\n${GOOD}`, { 'bad.jsonl': 'earlier' })
    const refused = steerpipe(['run', 'recipe.yaml', ...TO], { cwd })
    expect(refused.status).toBe(2)
    expect(refused.stderr).toContain('error: bad.jsonl: this output is there already [OUTPUT_EXISTS]')
    expect(read(cwd, 'bad.jsonl')).toBe('earlier')
    expect(existsSync(join(cwd, 'out.jsonl'))).toBe(false)
    expect(steerpipe(['run', 'recipe.yaml', ...TO, '--force'], { cwd }).status).toBe(3)
    expect(read(cwd, 'bad.jsonl')).toContain('"raw":"bad"')
  })

  test.each([
    ['an output', 'out.jsonl'],
    ['an input', './rows.jsonl'],
    ['the pipeline file', 'recipe.yaml'],
    ['the report', 'report.json'],
  ])('it is not written over %s', (_what, path) => {
    const cwd = made(`bad\n${GOOD}`)
    const args = [
      'run',
      'recipe.yaml',
      '--on-error',
      `dead-letter=${path}`,
      '--report',
      'report.json',
      '--force',
    ]
    const { status, stderr } = steerpipe(args, { cwd })
    expect(status).toBe(2)
    expect(stderr).toContain('the file of bad records would overwrite')
    expect(read(cwd, 'rows.jsonl')).toBe(`bad\n${GOOD}`)
    expect(read(cwd, 'recipe.yaml')).toBe(RECIPE)
  })

  test.each([['dead-letter=-'], ['dead-letter='], ['dead-letter'], ['deadletter=bad.jsonl']])(
    '%s is refused',
    (value) => {
      const { status, stderr } = steerpipe(['run', 'recipe.yaml', '--on-error', value], { cwd: made(GOOD) })
      expect(status).toBe(2)
      expect(stderr).toContain('[USAGE]')
    },
  )

  test('when the run fails it is kept beside its name, and the person is told', () => {
    const cwd = made(`bad\n${GOOD}bad\n${GOOD}`)
    const { status, stderr } = steerpipe(['run', 'recipe.yaml', ...TO, '--max-errors', '1'], { cwd })
    expect(status).toBe(1)
    expect(names(cwd)).toContain('bad.jsonl.partial')
    expect(names(cwd)).not.toContain('bad.jsonl')
    for (const line of read(cwd, 'bad.jsonl.partial').trim().split('\n'))
      expect(JSON.parse(line).raw).toBe('bad')
    expect(stderr).toMatch(/is kept in .*bad\.jsonl\.partial/)
  })

  test('two runs cannot write one', async () => {
    const cwd = made('')
    const first = start(['parse', '-o', 'a', ...TO], cwd)
    first.process.stdin.write('bad\n')
    await until('the file is begun', () => existsSync(join(cwd, 'bad.jsonl.partial')))
    const second = steerpipe(['parse', '-o', 'b', ...TO], { cwd, input: 'bad too\n' })
    expect(second.status).toBe(1)
    expect(second.stderr).toContain('[OUTPUT_LOCKED]')
    first.process.stdin.end()
    expect((await first.ended).status).toBe(3)
    expect(JSON.parse(read(cwd, 'bad.jsonl')).raw).toBe('bad')
  })

  test('ctrl-C leaves nothing of a run that cannot be gone on with', async () => {
    const cwd = made('')
    const running = start(['parse', '-o', '-', ...TO], cwd)
    running.process.stdin.write('bad\n')
    await until('the file is begun', () => existsSync(join(cwd, 'bad.jsonl.partial')))
    running.process.kill('SIGINT')
    expect((await running.ended).status).toBe(130)
    expect(names(cwd)).toEqual(['recipe.yaml', 'rows.jsonl'])
  })
})

const canMeasure = existsSync('/proc/self/status')

describe.skipIf(!canMeasure)('a run in which every record is bad', () => {
  /** 240 MB. */
  const BLOCK = Buffer.from(`${'not JSON, '.repeat(200)}\n`.repeat(500))
  const BLOCKS = 240

  test.each([['skip'], ['dead-letter=bad.jsonl.gz']])(
    'needs no more memory with --on-error %s than others do',
    async (how) => {
      const cwd = folder.fresh()
      const { process: child, ended } = start(
        ['template', '--dataset', 'helpsteer2', '-o', 'out', '--on-error', how],
        cwd,
      )
      let peak = 0
      for (let block = 0; block < BLOCKS; block++) {
        if (!child.stdin.write(BLOCK)) await once(child.stdin, 'drain')
        const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
        peak = Math.max(peak, Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1000)
      }
      child.stdin.end()
      const { status, stderr } = await ended
      expect(status).toBe(3)
      expect(stderr).toContain('left out: 120,000 × JSON_SYNTAX (parse)')
      expect(peak).toBeGreaterThan(30)
      expect(peak).toBeLessThan(250)
    },
  )
})
