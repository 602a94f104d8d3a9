/** What `--resume` refuses, and leaves as it was; what may have changed; and what a run does where another one was. */
import {
  appendFileSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { Folder, put, steerpipe } from '../support/command.js'
import { checkpointIn, copyOf, filesOf, killInMiddle, madeIn, readPoint, resumes, rows } from './stopped.js'

const folder = new Folder()

const LINES = rows(20_000)
const PLAIN = Buffer.from(LINES.join(''))
const SMALL = Buffer.from(rows(300, 2).join(''))

/** Every kind of option that can change the output, and some that cannot. */
const YAML = `name: x
description: rows
vars: { source: rows.jsonl, bytes: 1000000, second: out/b.jsonl }
inputs: { all: { from: [first.jsonl, '\${source}'], stages: [skip: 3] } }
stages:
  - parse: { max-line-bytes: '\${bytes}' }
  - map: ./map.mjs
  - filter: 'has(source.id)'
  - sample: { fraction: 0.8, seed: 3 }
  - split: { parts: { train: 0.5, val: 0.5 }, by: prompt }
  - write: out/a.jsonl
  - repeat: 2
  - write: { to: '\${second}', ascii: false }
`

const ARGS = ['x.yaml']

/** Makes a folder to run in. */
function prepared(source: Uint8Array = PLAIN): string {
  const cwd = folder.fresh()
  put(cwd, {
    'first.jsonl': SMALL,
    'rows.jsonl': source,
    'x.yaml': YAML,
    'map.mjs': 'export default { pure: true, map: (row) => row }\n',
  })
  return cwd
}

/** What a run makes that nothing stops. */
let made: Map<string, string>
/** Folders with a run that was killed in the middle of the second file. */
const killed = { plain: '', gzip: '' }

beforeAll(async () => {
  const cwd = prepared()
  expect(steerpipe(['run', ...ARGS], { cwd })).toMatchObject({ status: 0 })
  made = madeIn(cwd)
  killed.plain = prepared()
  killed.gzip = prepared(gzipSync(PLAIN))
  for (const each of Object.values(killed)) {
    await killInMiddle(each, ARGS)
    expect(readPoint(each).reading?.sources.flat()).toHaveLength(2)
  }
})

/** Bytes of the second file that were read. */
const consumed = (cwd: string): number => readPoint(cwd).reading?.sources.flat().at(-1)?.bytes ?? 0

/** The bytes, with a digit changed near one of them: another record, as long. */
function changedNear(bytes: Uint8Array, at: number): Buffer {
  const changed = Buffer.from(bytes)
  const found = changed.indexOf('"helpfulness":', Math.max(0, at)) + '"helpfulness":'.length
  changed[found] = changed[found] === 0x31 ? 0x32 : 0x31
  return changed
}

const source = (cwd: string) => join(cwd, 'rows.jsonl')

/** Edits a file. */
const edit = (path: string, change: (text: string) => string): void =>
  writeFileSync(path, change(readFileSync(path, 'utf8')))

/** All that must stay as it is when a run is refused: how far outputs got behind the checkpoint does not matter. */
const vouchedFor = (cwd: string): Map<string, string> =>
  new Map([...filesOf(cwd)].filter(([name]) => !/\.(partial|lock)$/.test(name)))

/** Expects a refusal that leaves all as it was, so that a later run goes on once the cause is gone. */
function refused(
  kind: keyof typeof killed,
  change: (cwd: string) => void,
  reason: RegExp,
  args = ARGS,
): void {
  const cwd = copyOf(killed[kind], folder)
  change(cwd)
  const before = vouchedFor(cwd)
  const { status, stderr } = steerpipe(['run', ...args, '--resume'], { cwd })
  expect(stderr).toContain('[RESUME_REFUSED]')
  expect(stderr).toMatch(reason)
  expect(status).toBe(2)
  expect(vouchedFor(cwd)).toEqual(before)
  expect([...filesOf(cwd).keys()].filter((name) => name.startsWith('out/') && made.has(name))).toEqual([])
  // The cause is mended: all that was there is there still.
  const mended = copyOf(killed[kind], folder)
  for (const name of [...filesOf(cwd).keys()].filter((each) => each.endsWith('.partial'))) {
    writeFileSync(join(mended, name), readFileSync(join(cwd, name)))
  }
  const isLost = !existsSync(join(cwd, 'out/a.jsonl.partial')) || /partial/.test(reason.source)
  if (!isLost) resumes(mended, ARGS, made)
}

describe('refused', () => {
  test.each([
    ['the first byte', 0],
    ['a byte in the middle', 0.5],
    ['the last bytes', 0.99],
  ])('%s of what was read is another', (_, share) => {
    const change = (cwd: string) =>
      writeFileSync(source(cwd), changedNear(PLAIN, consumed(cwd) * share - 600))
    refused('plain', change, /bytes that were read of it have changed since/)
    const gzip = (cwd: string) =>
      writeFileSync(source(cwd), gzipSync(changedNear(PLAIN, consumed(cwd) * share - 600)))
    refused('gzip', gzip, /bytes that were read of it have changed since/)
  })

  test('the input is shorter than what was read', () => {
    refused(
      'plain',
      (cwd) => truncateSync(source(cwd), consumed(cwd) - 1),
      /it has \d+ bytes, but \d+ were read/,
    )
    const gzip = (cwd: string) => writeFileSync(source(cwd), gzipSync(PLAIN.subarray(0, consumed(cwd) - 1)))
    refused('gzip', gzip, /it has \d+ bytes, but \d+ were read/)
  })

  test('a file that was read to its end has grown, or changed', () => {
    refused(
      'plain',
      (cwd) => appendFileSync(join(cwd, 'first.jsonl'), LINES[0]),
      /read to its end, and has grown/,
    )
    const change = (cwd: string) => writeFileSync(join(cwd, 'first.jsonl'), changedNear(SMALL, 0))
    refused('plain', change, /first\.jsonl.*have changed since/s)
  })

  test('another file comes before, or one is gone', () => {
    const more = (cwd: string) => {
      writeFileSync(join(cwd, 'another.jsonl'), LINES[7])
      edit(join(cwd, 'x.yaml'), (text) => text.replace('[first.jsonl', '[another.jsonl, first.jsonl'))
    }
    refused('plain', more, /RESUME_REFUSED/)
    const less = (cwd: string) =>
      edit(join(cwd, 'x.yaml'), (text) => text.replace("[first.jsonl, '${source}']", 'first.jsonl'))
    refused('plain', less, /rows\.jsonl: this was read, and is not among the inputs any more|definition/)
  })

  test.each([
    ['an option of a stage', 'seed: 3', 'seed: 4'],
    ['an expression', 'has(source.id)', 'has(source.prompt)'],
    ['a stage more', '- repeat: 2', '- repeat: 2\n  - skip: 1'],
    ['a stage less', '  - repeat: 2\n', ''],
    [
      'stages in another order',
      "  - filter: 'has(source.id)'\n  - sample: { fraction: 0.8, seed: 3 }",
      "  - sample: { fraction: 0.8, seed: 3 }\n  - filter: 'has(source.id)'",
    ],
    ['parts', 'train: 0.5, val: 0.5', 'train: 0.6, val: 0.4'],
    ['a source’s own stages', 'skip: 3', 'skip: 4'],
    ['a group', 'parse: { max-line-bytes', 'parse: { group: 2, max-line-bytes'],
    ['a format', 'parse: { max-line-bytes', 'parse: { format: lines, max-line-bytes'],
    ['an output’s spelling', 'ascii: false', 'ascii: true'],
    ['the name of another output', 'second: out/b.jsonl', 'second: out/c.jsonl'],
    ['the name of an input', '{ all:', '{ every:'],
    ['an order', 'stages: [skip: 3]', 'order: interleave, seed: 4, stages: [skip: 3]'],
  ])('another definition: %s', (_, from, to) => {
    expect(YAML).toContain(from)
    refused(
      'plain',
      (cwd) => edit(join(cwd, 'x.yaml'), (text) => text.replace(from, to)),
      /the definition is not the one/,
    )
  })

  test('another module, and another `--limit`', () => {
    const module = (cwd: string) => edit(join(cwd, 'map.mjs'), (text) => `${text}// another\n`)
    refused('plain', module, /the definition is not the one.*sha256/s)
    refused('plain', () => {}, /the definition is not the one.*limit/s, [...ARGS, '--limit', '7900'])
  })

  test('a checkpoint of another version, or a damaged one', () => {
    const point = (change: (text: string) => string) => (cwd: string) => edit(checkpointIn(cwd), change)
    refused(
      'plain',
      point((text) => text.replace(/"format":\d+/, '"format":999')),
      /another version of steerpipe/,
    )
    refused(
      'plain',
      point((text) => text.slice(0, text.length / 2)),
      /cannot be read/,
    )
    refused(
      'plain',
      point(() => ''),
      /cannot be read/,
    )
    refused(
      'plain',
      point((text) => text.replace('"lines":', '"rows":')),
      /damaged/,
    )
    refused(
      'plain',
      point(() => '{"format":2}'),
      /damaged/,
    )
  })

  test('what was written is gone, or shorter than it was', () => {
    const partial = (cwd: string) => join(cwd, 'out/a.jsonl.partial')
    refused('plain', (cwd) => rmSync(partial(cwd)), /a\.jsonl\.partial is gone/)
    refused('plain', (cwd) => truncateSync(partial(cwd), 10), /a\.jsonl\.partial has 10 bytes/)
  })
})

describe('not refused', () => {
  /** Goes on after a change that may be. */
  function goesOn(
    kind: keyof typeof killed,
    change: (cwd: string) => void,
    more: readonly string[] = [],
  ): void {
    const cwd = copyOf(killed[kind], folder)
    change(cwd)
    resumes(cwd, [...ARGS, ...more], made)
  }

  test('nothing has changed', () => {
    goesOn('plain', () => {})
    goesOn('gzip', () => {})
  })

  test('gzip of another level, in several members, and none at all', () => {
    goesOn('gzip', (cwd) => writeFileSync(source(cwd), gzipSync(PLAIN, { level: 1 })))
    const [head, tail] = [PLAIN.subarray(0, 777_777), PLAIN.subarray(777_777)]
    goesOn('gzip', (cwd) => writeFileSync(source(cwd), Buffer.concat([gzipSync(head), gzipSync(tail)])))
    goesOn('gzip', (cwd) => writeFileSync(source(cwd), PLAIN))
    goesOn('plain', (cwd) => writeFileSync(source(cwd), gzipSync(PLAIN)))
  })

  test('a file with another name', () => {
    goesOn('plain', (cwd) => renameSync(source(cwd), join(cwd, 'moved.jsonl')), [
      '--set',
      'source=moved.jsonl',
    ])
  })

  test('what does not change the output', () => {
    const change = (cwd: string) =>
      edit(join(cwd, 'x.yaml'), (text) =>
        text
          .replace('name: x', '# mended\nname: y\noverwrite: true')
          .replace('description: rows', 'description: other'),
      )
    goesOn('plain', change, [
      ...[
        '--set',
        'bytes=2000000',
        '--on-error',
        'skip',
        '--report',
        'report.json',
        '--checkpoint-every',
        '3s',
      ],
    ])
  })

  test('what comes behind was mended, or has grown', () => {
    const end = changedNear(PLAIN, PLAIN.length - 5000)
    for (const later of [end, Buffer.concat([PLAIN, SMALL])]) {
      const cwd = prepared(later)
      expect(steerpipe(['run', ...ARGS], { cwd })).toMatchObject({ status: 0 })
      const resumed = copyOf(killed.plain, folder)
      writeFileSync(source(resumed), later)
      resumes(resumed, ARGS, madeIn(cwd))
      const packed = copyOf(killed.gzip, folder)
      writeFileSync(source(packed), gzipSync(later))
      resumes(packed, ARGS, madeIn(cwd))
    }
  })
})

describe('runs where another one was', () => {
  const run = (cwd: string, ...more: string[]) => steerpipe(['run', ...ARGS, ...more], { cwd })

  test('an unfinished one is not thrown away without `--force`', () => {
    const cwd = copyOf(killed.plain, folder)
    const before = vouchedFor(cwd)
    const ended = run(cwd)
    expect(ended).toMatchObject({ status: 2 })
    expect(ended.stderr).toContain('[RUN_UNFINISHED]')
    expect(ended.stderr).toContain('--resume')
    expect(vouchedFor(cwd)).toEqual(before)
    resumes(copyOf(cwd, folder), ARGS, made)
    const forced = run(cwd, '--force')
    expect(forced).toMatchObject({ status: 0 })
    expect(forced.stderr).not.toContain('resuming')
    expect(madeIn(cwd)).toEqual(made)
  })

  test('with nothing to resume it starts from the beginning', () => {
    const cwd = prepared()
    const ended = run(cwd, '--resume')
    expect(ended).toMatchObject({ status: 0 })
    expect(ended.stderr).not.toContain('resuming')
    expect(madeIn(cwd)).toEqual(made)
  })

  test('a finished one says so', () => {
    const cwd = prepared()
    run(cwd)
    const before = filesOf(cwd)
    const again = run(cwd, '--resume')
    expect(again).toMatchObject({ status: 0, stdout: '' })
    expect(again.stderr).toContain('finished already')
    const plain = run(cwd)
    expect(plain).toMatchObject({ status: 2 })
    expect(plain.stderr).toContain('[OUTPUT_EXISTS]')
    expect(filesOf(cwd)).toEqual(before)
  })

  test('`--force --resume` goes on, and makes a finished one anew', () => {
    const cwd = copyOf(killed.plain, folder)
    resumes(cwd, [...ARGS, '--force'], made)
    writeFileSync(source(cwd), SMALL)
    expect(run(cwd, '--force', '--resume')).toMatchObject({ status: 0 })
    expect(madeIn(cwd)).not.toEqual(made)
  })

  test('`overwrite: true` begins anew over an unfinished one, and goes on with `--resume`', async () => {
    const cwd = prepared()
    edit(join(cwd, 'x.yaml'), (text) => text.replace('name: x', 'name: x\noverwrite: true'))
    await killInMiddle(cwd, ARGS)
    resumes(copyOf(cwd, folder), ARGS, made)
    const anew = run(cwd)
    expect(anew).toMatchObject({ status: 0 })
    expect(anew.stderr).not.toContain('resuming')
    expect(madeIn(cwd)).toEqual(made)
    const over = run(cwd)
    expect(over).toMatchObject({ status: 0 })
    expect(madeIn(cwd)).toEqual(made)
  })

  test('an output that appeared in the meantime is not replaced', () => {
    const cwd = copyOf(killed.plain, folder)
    writeFileSync(join(cwd, 'out/b.jsonl'), 'somebody’s\n')
    const ended = run(cwd, '--resume')
    expect(ended).toMatchObject({ status: 2 })
    expect(ended.stderr).toContain('[OUTPUT_EXISTS]')
    expect(readFileSync(join(cwd, 'out/b.jsonl'), 'utf8')).toBe('somebody’s\n')
    rmSync(join(cwd, 'out/b.jsonl'))
    resumes(cwd, ARGS, made)
  })

  test.each(['-', '/dev/null'])('what is written to %s cannot be gone on with', (to) => {
    const cwd = prepared()
    put(cwd, { 'y.yaml': `name: y\ninputs: rows.jsonl\nstages: [parse, write: '${to}']\n` })
    const ended = steerpipe(['run', 'y.yaml', '--resume'], { cwd })
    expect(ended).toMatchObject({ status: 2, stdout: '' })
    expect(ended.stderr).toContain('[RESUME_REFUSED]')
  })
})

describe('stdin', () => {
  const args = ['x.yaml', '--set', 'source=-']

  test('goes on behind what was consumed, or says why not', async () => {
    const cwd = prepared()
    await killInMiddle(cwd, args, PLAIN)
    const bytes = consumed(cwd)
    expect(bytes).toBeGreaterThan(0)
    const before = vouchedFor(cwd)
    for (const [input, reason] of [
      [changedNear(PLAIN, bytes / 2), 'have changed since'],
      [PLAIN.subarray(0, bytes - 1), 'bytes, but'],
      [Buffer.alloc(0), 'bytes, but'],
    ] as const) {
      const { status, stderr } = steerpipe(['run', ...args, '--resume'], { cwd, input })
      expect(stderr).toContain('[RESUME_REFUSED]')
      expect(stderr).toContain(reason)
      expect(status).toBe(2)
      expect(vouchedFor(cwd)).toEqual(before)
    }
    resumes(copyOf(cwd, folder), args, made, PLAIN)
    // What came through a pipe may come from a file, compressed or not.
    resumes(copyOf(cwd, folder), ARGS, made)
    resumes(cwd, args, made, gzipSync(PLAIN))
  })
})
