/** Whatever ends a run in its middle, `--resume` goes on once the cause is gone, and the bytes are the same. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Ended, Folder, put, steerpipe, until } from '../support/command.js'
import { startSlowly } from '../support/slow-run.js'
import { SMALL_DISKS, skippedUnless } from '../support/small-disk.js'
import { filesOf, madeIn, pointIn, readPoint, resumes, rows } from './stopped.js'

const folder = new Folder()
const LINES = rows(20_000)

const DEFINITIONS = {
  plain: 'write: out/a.jsonl, repeat: 2, write: out/b.jsonl',
  gzip: 'write: out/a.jsonl.gz',
  shuffle: 'write: out/a.jsonl, shuffle, write: out/b.jsonl',
}

function prepared(stages: string, lines: readonly string[] = LINES): string {
  const cwd = folder.fresh()
  put(cwd, {
    'rows.jsonl': lines.join(''),
    'x.yaml': `name: x\ninputs: rows.jsonl\nstages: [parse, ${stages}]\n`,
  })
  return cwd
}

/** What a run makes that nothing stops. */
function whole(stages: string): Map<string, string> {
  const cwd = prepared(stages)
  expect(steerpipe(['run', 'x.yaml'], { cwd })).toMatchObject({ status: 0 })
  return madeIn(cwd)
}

/** Goes on to the end; a run that has no checkpoint begins anew. */
function goesOn(cwd: string, made: ReadonlyMap<string, string>): void {
  const ended = steerpipe(['run', 'x.yaml', '--resume'], { cwd })
  expect(ended).toMatchObject({ status: 0 })
  expect(madeIn(cwd)).toEqual(made)
}

describe.each(Object.entries(DEFINITIONS))('%s', (name, stages) => {
  /** A run that got a signal in its middle. Where the disk is slow, one may be over before its first checkpoint. */
  async function interrupted(signal: NodeJS.Signals, nap = 40): Promise<Ended & { cwd: string }> {
    const cwd = prepared(stages)
    const behind = { folder: join(cwd, 'out'), bytes: 0 }
    const running = startSlowly(['run', 'x.yaml', '--checkpoint-every', '1ms'], cwd, nap, behind)
    const partial = join(cwd, `out/a.jsonl${name === 'gzip' ? '.gz' : ''}.partial`)
    const isIn = () => (name === 'shuffle' ? existsSync(partial) : (pointIn(cwd)?.reading ?? null) !== null)
    await until('it is in its middle', () => isIn() || running.process.exitCode !== null)
    running.process.kill(signal)
    const ended = await running.ended
    return ended.status === 0 && nap < 1000 ? interrupted(signal, nap * 2) : { ...ended, cwd }
  }

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s', async (signal, code) => {
    const made = whole(stages)
    const { cwd, status, stderr } = await interrupted(signal)
    expect(status).toBe(code)
    if (name === 'shuffle') {
      // Nothing can be gone on with: nothing is left.
      expect(stderr).toContain('what was not finished was removed')
      expect(madeIn(cwd)).toEqual(new Map())
      goesOn(cwd, made)
    } else {
      expect(stderr).toContain('`--resume` goes on from here')
      expect(readPoint(cwd).reading).not.toBeNull()
      resumes(cwd, ['x.yaml'], made)
    }
  })

  test('a second SIGINT, which ends it at once', async () => {
    const made = whole(stages)
    const cwd = prepared(stages)
    const behind = { folder: join(cwd, 'out'), bytes: 0 }
    const running = startSlowly(['run', 'x.yaml', '--checkpoint-every', '1ms'], cwd, 40, behind)
    await until('it is in its middle', () =>
      [...filesOf(cwd).keys()].some((each) => each.endsWith('.partial')),
    )
    running.process.kill('SIGINT')
    running.process.kill('SIGINT')
    expect((await running.ended).status).toBe(130)
    goesOn(cwd, made)
  })

  test('a bad record, mended', () => {
    const made = whole(stages)
    const bad = LINES.with(6000, `${LINES[6000].slice(0, 300)}\n`)
    const cwd = prepared(stages, bad)
    const stopped = steerpipe(['run', 'x.yaml', '--checkpoint-every', '1ms'], { cwd })
    expect(stopped).toMatchObject({ status: 1 })
    expect(stopped.stderr).toContain('rows.jsonl:6001')
    const again = steerpipe(['run', 'x.yaml', '--resume', '--checkpoint-every', '1ms'], { cwd })
    expect(again).toMatchObject({ status: 1 })
    writeFileSync(join(cwd, 'rows.jsonl'), LINES.join(''))
    goesOn(cwd, made)
  })
})

describe.each(SMALL_DISKS.map((disk) => [`${disk.name}${skippedUnless(disk)}`, disk] as const))(
  '%s',
  (_, disk) => {
    test.runIf(disk.possible).each([
      ['one output', 'write: disk/a.jsonl', ['a.jsonl']],
      ['gzip', 'write: disk/a.jsonl.gz', ['a.jsonl.gz']],
      [
        'two outputs and dead letters',
        'write: disk/a.jsonl, write: disk/b.jsonl',
        ['a.jsonl', 'b.jsonl', 'bad.jsonl'],
      ],
    ])('is full: %s', (_name, stages, expected) => {
      const cwd = prepared(stages)
      const other = prepared(stages)
      const dead = stages.includes('b.jsonl') ? '--on-error dead-letter=disk/bad.jsonl' : ''
      if (dead)
        for (const each of [cwd, other])
          writeFileSync(join(each, 'rows.jsonl'), LINES.with(20, '{\n').join(''))
      const run = `steerpipe run x.yaml --checkpoint-every 1ms ${dead}`
      // What is made where there is room, from what was left of a run that had none.
      const ended = disk.run(run, cwd)
      expect(ended.stderr).toContain('[WRITE_FAILED]')
      expect(ended.status).toBe(1)
      expect(readFileSync(join(cwd, 'x.yaml'), 'utf8')).toContain('disk')
      const roomy = (script: string, at: string): Map<string, string> => {
        const done = disk.possible
          ? steerpipe(['run', 'x.yaml', ...script.split(' ').filter(Boolean)], { cwd: at })
          : null
        expect([0, 3]).toContain(done?.status)
        return new Map([...filesOf(at)].filter(([name]) => name.startsWith('disk/')))
      }
      moveLeft(cwd)
      const made = roomy(dead, other)
      expect([...made.keys()]).toEqual(expected.map((name) => `disk/${name}`))
      expect(roomy(`${dead} --resume`, cwd)).toEqual(made)
    })
  },
)

/** Puts what a small disk has left where it was. */
function moveLeft(cwd: string): void {
  const left = [...filesOf(join(cwd, 'left'))]
  for (const [name, content] of left) {
    if (name !== 'fill') put(cwd, { [join('disk', name)]: Buffer.from(content, 'base64') })
  }
}
