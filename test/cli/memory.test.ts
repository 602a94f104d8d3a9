/**
 * The promise of constant memory: stages that make it are given more and more, and the peak of their process stays
 * where it was.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { STAGE_NAMES } from '../../src/stages/table.js'
import { flatLines, said } from '../datasets/trees.js'
import { COMMAND, Folder, put, steerpipe } from '../support/command.js'
import { all, labelled, type Row, sample } from './data.js'

const folder = new Folder()

/** Rows of some length, no two of a block alike: half a megabyte or so as conversations. */
const rows = Array.from({ length: 400 }, (_, id): Row => {
  const prompt = `${id} ${'a question with “quotes” '.repeat(id % 30)}`
  const response = `line\nline\t${'and an answer – '.repeat((id * 7) % 120)}`
  return { prompt, response, helpfulness: id % 5, verbosity: (id * 3) % 5 }
})

const canMeasure = existsSync('/proc/self/status')
const onlyIfMeasured = canMeasure ? '' : ' (skipped: /proc does not tell the peak here)'

/** How often a peak is looked at, in milliseconds. It only grows: what is missed is what the very end adds. */
const LOOK = 5

/**
 * The peak of the resident size of a run of the command that ends well, in MB.
 *
 * @param feed writes its stdin
 * @param flags of node, before the command's own
 */
async function peakOf(
  args: readonly string[],
  cwd: string,
  { feed, flags = [] }: { feed?: (stdin: Writable) => Promise<void>; flags?: readonly string[] } = {},
): Promise<number> {
  const child = spawn(process.execPath, [...flags, ...COMMAND, ...args], {
    cwd,
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  let peak = 0
  const look = () => {
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? []
    peak = Math.max(peak, Number(kilobytes ?? 0) / 1000)
  }
  const timer = setInterval(look, LOOK)
  const ended = once(child, 'exit')
  await feed?.(child.stdin)
  child.stdin.end()
  const [code] = await ended
  clearInterval(timer)
  expect(code, said).toBe(0)
  expect(peak).toBeGreaterThan(30)
  return peak
}

test.skipIf(!canMeasure)(
  `120 MB go through regression-expand in less than 200 MB${onlyIfMeasured}`,
  async () => {
    const cwd = folder.fresh()
    const block = Buffer.from(all(labelled, rows))
    const blocks = Math.ceil(120_000_000 / block.length)
    const feed = async (stdin: Writable) => {
      for (let written = 0; written < blocks; written++) {
        if (!stdin.write(block)) await once(stdin, 'drain')
      }
    }
    const peak = await peakOf(['regression-expand', '-o', 'samples.jsonl'], cwd, { feed })
    const { size } = statSync(join(cwd, 'samples.jsonl'))
    expect(size).toBe(blocks * Buffer.byteLength(all(sample, rows)))
    expect(peak).toBeLessThan(200)
  },
)

/** Every stage, where it says `memory: constant`; two sources, of which the second is read at another pace. */
const CONSTANT = `name: constant
vars: { in: null }
inputs:
  all:
    from:
      - ${'${in}'}
      - { from: "${'${in}'}", weight: 2, stages: [skip: 1] }
    order: interleave
stages:
  - template: { dataset: helpsteer2, split-turns: true }
  - sample: 0.9
  - filter: 'helpfulness >= 1.0 && turns.exists(t, t.chars > 10)'
  - length: { max-chars: 400, on: cut-turns }
  - split: { parts: { train: 0.8, val: 0.2 }, by: prompt }
  - map: ./map.mjs
  - label-format
  - repeat: 2
  - limit: 1000000000
  - write: sft-${'${part}'}.jsonl
  - regression-expand
  - write: samples.jsonl
overwrite: true
`

/** Flat messages, which wait for the rest of their tree. */
const GATHERING = `name: gathering
vars: { in: null }
inputs: ${'${in}'}
stages: [template: oasst, label-format, write: sft.jsonl]
overwrite: true
`

/** Those that hold something for each record, or as much as their options say. */
const NOT_CONSTANT = ['annotate', 'dedupe', 'shuffle']

/**
 * Less than these runs would take by themselves: node lets its heap grow as long as it may, which says nothing of
 * what is held. A stage that holds its records comes to the end of this heap, or grows outside of it.
 */
const SMALL_HEAP = '--max-old-space-size=48'

/** What the smaller run reads, in bytes: below some 10 MB buffers and compiled code are still growing. */
const SMALL = 10_000_000
const TIMES = 6
/**
 * What the larger run may add to the peak, in MB. It was seen to differ by 10 from run to run, also from 12 MB to 96;
 * a stage that held what it reads would add 50 at the least.
 */
const NOISE_MB = 25

const shortRows = rows.map((row) => ({ ...row, response: row.response.slice(0, 300) }))
const tree = said('root', 'prompter', [
  said('a', 'assistant', [said('b', 'prompter', [said('c', 'assistant')])]),
  said('d', 'assistant'),
])

test('every stage is in one of the runs below, or says that it holds more', () => {
  const cwd = folder.fresh()
  put(cwd, { 'constant.yaml': CONSTANT, 'map.mjs': 'export default (record) => record\n' })
  const { stdout } = steerpipe(['explain', 'constant.yaml'], { cwd })
  const constant = [...stdout.matchAll(/^ *(\S+) .*memory: constant/gm)].map(([, name]) => name)
  expect(stdout).not.toMatch(/memory: (window|all)/)
  expect(new Set([...constant, ...NOT_CONSTANT])).toEqual(new Set(STAGE_NAMES))
})

test.skipIf(!canMeasure).each([
  ['rows', CONSTANT, shortRows.map((row) => `${JSON.stringify(row)}\n`).join('')],
  ['flat messages', GATHERING, flatLines(tree).join('\n').concat('\n')],
])(`%s times ${TIMES}: the same peak${onlyIfMeasured}`, async (_, definition, block) => {
  const cwd = folder.fresh()
  const small = block.repeat(Math.ceil(SMALL / Buffer.byteLength(block)))
  put(cwd, {
    'p.yaml': definition,
    'map.mjs': `export default (record) => (Math.random() < 0.5 ? { ...record, n: 1 } : record)\n`,
    'small.jsonl': small,
    'large.jsonl': small.repeat(TIMES),
  })
  const peak = (input: string) =>
    peakOf(['run', 'p.yaml', '--set', `in=${input}`], cwd, { flags: [SMALL_HEAP] })
  const before = await peak('small.jsonl')
  expect((await peak('large.jsonl')) - before).toBeLessThan(NOISE_MB)
})

test.skipIf(!canMeasure)(
  `buckets shuffles 100 MB within 16 MB beside what the process takes itself${onlyIfMeasured}`,
  async () => {
    const cwd = folder.fresh()
    const block = all(labelled, rows)
    const blocks = Math.ceil(100_000_000 / Buffer.byteLength(block))
    put(cwd, { 'in.jsonl': block.repeat(blocks) })
    const args = [
      'shuffle',
      '--algorithm',
      'buckets',
      '--memory',
      '16MB',
      '--workers',
      '0',
      '-o',
      'out.jsonl',
      'in.jsonl',
    ]
    const peak = await peakOf(args, cwd)
    expect(statSync(join(cwd, 'out.jsonl')).size).toBe(Buffer.byteLength(block) * blocks)
    expect(peak).toBeLessThan(160)
  },
)
