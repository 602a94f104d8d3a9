/** A disk that fills up in the middle: what is said, and that nothing is left that looks whole and is not. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { constants, gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { Folder, names, put, read, shell } from '../support/command.js'
import { DISK_BYTES, manyRows, SMALL_DISKS, skippedUnless } from '../support/small-disk.js'

const folder = new Folder()
const rows = manyRows()
/** The system's words for a disk that is full, and for a file that may not grow. */
const WORDS = /no space left on device \(ENOSPC\)|file too large \(EFBIG\)/

/** Expects an error of writing, with the path and the system's words, and no stack trace. */
function expectTold(stderr: string, path: string): void {
  const said = stderr.split('\n').find((line) => line.startsWith('error: '))
  expect(said).toContain(`error: ${path}`)
  expect(said).toMatch(WORDS)
  expect(said).toContain('[WRITE_FAILED]')
  expect(stderr).toMatch(/^ {2}do: /m)
  expect(stderr).not.toContain('defect of steerpipe')
}

/** What of a gzip file can be read. */
const readable = (bytes: Uint8Array): string =>
  gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }).toString('utf8')

describe.each(SMALL_DISKS)('on $name', (disk) => {
  const note = skippedUnless(disk)

  test.skipIf(!disk.possible)(`an output: whole lines beside its name${note}`, () => {
    const cwd = folder.fresh()
    put(cwd, { rows })
    const { status, stderr } = disk.run('steerpipe parse rows -o disk/out.jsonl', cwd)
    expect(status).toBe(1)
    expectTold(stderr, 'disk/out.jsonl')
    expect(existsSync(join(cwd, 'left/out.jsonl'))).toBe(false)
    const kept = read(cwd, 'left/out.jsonl.partial')
    expect(rows.startsWith(kept)).toBe(true)
    expect(kept.endsWith('\n')).toBe(true)
    expect(kept.length).toBeLessThanOrEqual(DISK_BYTES)
  })

  test.skipIf(!disk.possible)(`a gzip output: nothing that cannot be read${note}`, () => {
    const cwd = folder.fresh()
    put(cwd, { rows })
    const { status, stderr } = disk.run('steerpipe parse rows -o disk/out.jsonl.gz', cwd)
    expect(status).toBe(1)
    expectTold(stderr, 'disk/out.jsonl.gz')
    expect(existsSync(join(cwd, 'left/out.jsonl.gz'))).toBe(false)
    const partial = join(cwd, 'left/out.jsonl.gz.partial')
    if (existsSync(partial)) expect(rows.startsWith(readable(readFileSync(partial)))).toBe(true)
  })

  test.skipIf(!disk.possible)(`an output on a disk that is full already: nothing is left${note}`, () => {
    const cwd = folder.fresh()
    put(cwd, { one: '{"a":1}\n' })
    const { status, stderr } = disk.run(`${disk.fill}\nsteerpipe parse one -o disk/out.jsonl`, cwd)
    expect(status).toBe(1)
    expectTold(stderr, 'disk/out.jsonl')
    expect(names(join(cwd, 'left')).filter((name) => name !== 'fill')).toEqual([])
  })

  test.skipIf(!disk.possible)(`an output among several: none is under its final name${note}`, () => {
    const cwd = folder.fresh()
    put(cwd, {
      rows,
      'x.yaml': `name: x
inputs: rows
stages:
  - template: { dataset: helpsteer2 }
  - label-format
  - write: disk/sft.jsonl
  - sample: 0.05
  - write: some.jsonl
  - regression-expand
  - write: some.jsonl.gz
`,
    })
    const { status, stderr } = disk.run('steerpipe run x.yaml', cwd)
    expect(status).toBe(1)
    expectTold(stderr, 'disk/sft.jsonl')
    expect(existsSync(join(cwd, 'left/sft.jsonl'))).toBe(false)
    expect(existsSync(join(cwd, 'some.jsonl'))).toBe(false)
    expect(existsSync(join(cwd, 'some.jsonl.gz'))).toBe(false)
    for (const name of ['left/sft.jsonl.partial', 'some.jsonl.partial']) {
      const partial = join(cwd, name)
      if (existsSync(partial)) expect(readFileSync(partial, 'utf8')).toMatch(/\n$/)
    }
  })

  test.skipIf(!disk.possible).each(['python', 'buckets'])(
    `the spill folder of %s${note}: nothing is left there`,
    (algorithm) => {
      const cwd = folder.fresh()
      put(cwd, { rows })
      const flags = `--algorithm ${algorithm} --memory 1MB --folder disk`
      const { status, stderr } = disk.run(`steerpipe shuffle ${flags} -o out.jsonl rows`, cwd)
      expect(status).toBe(1)
      expectTold(stderr, 'disk')
      expect(names(join(cwd, 'left'))).toEqual([])
      expect(existsSync(join(cwd, 'out.jsonl'))).toBe(false)
    },
  )

  test.skipIf(!disk.possible)(`the report: what was there before stays${note}`, () => {
    const cwd = folder.fresh()
    put(cwd, { one: '{"a":1}\n', 'x.yaml': 'name: x\ninputs: one\nstages: [parse, write: /dev/null]\n' })
    const report = 'steerpipe run x.yaml --report disk/report.json'
    const { status, stderr } = disk.run(`echo earlier > disk/report.json\n${disk.fill}\n${report}`, cwd)
    expect(status).toBe(1)
    expectTold(stderr, 'disk/report.json')
    expect(read(cwd, 'left/report.json')).toBe('earlier\n')
    expect(names(join(cwd, 'left')).filter((name) => name !== 'fill')).toEqual(['report.json'])
  })
})

const [tmpfs] = SMALL_DISKS

describe('a failure that shows only when the outputs shall become whole', () => {
  const definition = (last: string) => ({
    one: '{"a":1}\n',
    'x.yaml': `name: x\ninputs: one\nstages: [parse, write: first.jsonl, write: ${last}]\n`,
  })

  test.skipIf(!tmpfs.possible)(`on ${tmpfs.name}, with gzip${skippedUnless(tmpfs)}`, () => {
    const cwd = folder.fresh()
    put(cwd, definition('disk/last.jsonl.gz'))
    const { status, stderr } = tmpfs.run(`${tmpfs.fill}\nsteerpipe run x.yaml`, cwd)
    expect(status).toBe(1)
    expectTold(stderr, 'disk/last.jsonl.gz')
    expect(existsSync(join(cwd, 'first.jsonl'))).toBe(false)
    expect(existsSync(join(cwd, 'left/last.jsonl.gz'))).toBe(false)
  })

  test.skipIf(!existsSync('/dev/full')).each(['/dev/full', 'full.gz'])('of %s', (last) => {
    const cwd = folder.fresh()
    put(cwd, definition(last))
    const { status, stderr } = shell('ln -s /dev/full full.gz; steerpipe run x.yaml', cwd)
    expect(status).toBe(1)
    expectTold(stderr, last)
    expect(existsSync(join(cwd, 'first.jsonl'))).toBe(false)
  })

  test.skipIf(!tmpfs.possible)(`of a part${skippedUnless(tmpfs)}`, () => {
    const cwd = folder.fresh()
    put(cwd, {
      rows: '{"a":1}\n{"a":2}\n{"a":3}\n{"a":4}\n',
      'x.yaml':
        'name: x\ninputs: rows\nstages: [parse, split: { parts: { one: 0.5, two: 0.5 } }, write: "${part}/x.gz"]\n',
    })
    const script = `ln -s disk two; ${tmpfs.fill}\nsteerpipe run x.yaml`
    const { status, stderr } = tmpfs.run(script, cwd)
    expect(status).toBe(1)
    expectTold(stderr, 'two/x.gz')
    expect(existsSync(join(cwd, 'one/x.gz'))).toBe(false)
  })
})
