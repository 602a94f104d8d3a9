/** Which definitions have their work done by threads, and when threads are started. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { prepareFile } from '../../../src/pipeline/check.js'
import type { OpenInput } from '../../../src/pipeline/inputs.js'
import { type RunSettings, runPipeline } from '../../../src/pipeline/run.js'
import { InputThreads, openTail, type ThreadSettings } from '../../../src/pipeline/threads/input-threads.js'
import { wireInput } from '../../../src/pipeline/wiring.js'

const started = vi.hoisted(() => ({ count: 0, running: 0 }))

vi.mock('../../../src/lazy-node.js', async (original) => {
  const real = await original<typeof import('../../../src/lazy-node.js')>()
  const { Worker, ...others } = real.workerThreads()
  class CountedWorker extends Worker {
    constructor(...given: ConstructorParameters<typeof Worker>) {
      super(...given)
      started.count++
      started.running++
      this.once('exit', () => started.running--)
    }
  }
  return { ...real, workerThreads: () => ({ ...others, Worker: CountedWorker }) }
})

const folder = mkdtempSync(join(tmpdir(), 'steerpipe-planning-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
beforeEach(() => {
  started.count = 0
})

const row = (n: number) => `{"prompt":"p${n}","response":"${'r'.repeat(200)}","helpfulness":${n % 5}}\n`
writeFileSync(join(folder, 'in'), row(1).repeat(10))
writeFileSync(join(folder, 'pure.mjs'), 'export default { pure: true, map: (row) => row }')
writeFileSync(join(folder, 'other.mjs'), 'export default (row) => row')

async function prepared(stages: string, inputs = 'IN/in') {
  const definition = join(folder, 'p.yaml')
  const text = `name: x\ninputs: ${inputs}\nstages: [${stages}]\n`
  writeFileSync(definition, text.replaceAll('IN', folder).replaceAll('OUT', join(folder, 'out')))
  return prepareFile(definition, { env: {} })
}

const SETTINGS: ThreadSettings = { workers: 2, workersFrom: 0, setAside: false, inOrder: false }

/** What threads do of a definition: the row of its stages, the stages behind a `shuffle`, or nothing. */
async function planned(stages: string, inputs?: string, settings = SETTINGS) {
  const { pipeline, inputs: opened } = await prepared(stages, inputs)
  const [input] = opened as [OpenInput]
  const wired = wireInput(pipeline, input)
  if (await InputThreads.open(pipeline, input, wired, settings)) return 'row'
  const tail = await openTail(pipeline, input, wired, settings)
  if (tail === undefined) return 'nothing'
  return tail.fitWith === undefined ? 'tail' : 'tail, where records are fit'
}

const ROW = 'template: helpsteer2, label-format, write: OUT/a'.replaceAll(', ', '},{')
const list = (stages: string) => `{${stages}}`.replaceAll('{label-format}', 'label-format')

describe('threads do', () => {
  test.each([
    ['row', 'a recipe', list(ROW)],
    ['row', 'parse with options', '{parse: {max-line-bytes: 1000}}, {write: OUT/a}'],
    ['row', 'a filter, a repeat, a length', "{filter: 'has(source.prompt)'}, {repeat: 2}, {write: OUT/a}"],
    ['row', 'a function that is pure', '{map: ./pure.mjs}, {write: OUT/a}'],
    ['row', 'parts by a key', "{split: {parts: {a: 0.5, b: 0.5}, by: prompt}}, {write: 'OUT/${part}'}"],
    ['nothing', 'a function that does not say that it is pure', '{map: ./other.mjs}, {write: OUT/a}'],
    ['nothing', 'a limit', '{limit: 3}, {write: OUT/a}'],
    ['nothing', 'a sample', '{sample: {fraction: 0.5}}, {write: OUT/a}'],
    ['nothing', 'dedupe', '{dedupe: prompt}, {write: OUT/a}'],
    ['nothing', 'one document', '{parse: {format: json}}, {write: OUT/a}'],
    ['nothing', 'plain text', '{parse: {format: lines, field: a}}, {write: OUT/a}'],
    ['nothing', 'groups', '{parse: {group: 2}}, {write: OUT/a}'],
    ['tail', 'what comes behind a shuffle', '{shuffle: {}}, {template: helpsteer2}, {write: OUT/a}'],
    [
      'tail',
      'a split behind a shuffle',
      "{shuffle: {}}, {split: {parts: {a: 0.5, b: 0.5}}}, {write: 'OUT/${part}'}",
    ],
    [
      'tail, where records are fit',
      'trees behind a shuffle',
      '{shuffle: {}}, {template: oasst}, {write: OUT/a}',
    ],
    [
      'tail',
      'what comes behind the last shuffle',
      '{shuffle: {}}, {limit: 2}, {shuffle: {}}, {write: OUT/a}',
    ],
    ['nothing', 'a limit behind a shuffle', '{shuffle: {}}, {limit: 2}, {write: OUT/a}'],
  ])('%s: %s', async (expected, _, stages) => {
    expect(await planned(stages)).toBe(expected)
  })

  test.each([
    ['row', 'several files', '[IN/in, IN/in]'],
    ['row', 'sources', '{x: {from: [{from: IN/in, stages: [{write: OUT/b}]}, {from: IN/in}]}}'],
    ['nothing', 'sources that are mixed', '{x: {from: [{from: IN/in}, {from: IN/in}], order: interleave}}'],
  ])('%s: %s', async (expected, _, inputs) => {
    expect(await planned('{write: OUT/a}', inputs)).toBe(expected)
  })

  test.each<[string, string, Partial<ThreadSettings>]>([
    ['nothing', 'no threads', { workers: 0 }],
    ['nothing', 'a limit of the run', { limit: 3 }],
    ['nothing', 'outputs of somebody else', { openOutput: () => undefined }],
    ['nothing', 'less than is worth it', { workersFrom: 1e6 }],
    ['row', 'as much as is worth it', { workersFrom: 1000 }],
  ])('%s: with %s', async (expected, _, settings) => {
    expect(await planned('{write: OUT/a}', undefined, { ...SETTINGS, ...settings })).toBe(expected)
  })
})

describe('threads are started', () => {
  async function run(settings: RunSettings, stages: string, inputs: string): Promise<void> {
    await runPipeline(await prepared(stages, inputs), { force: true, ...settings })
    expect(started.running).toBe(0)
  }

  const PURE = '{map: ./pure.mjs}, {write: OUT/a}'
  const big = row(1).repeat(Math.ceil(64_000_000 / row(1).length))
  writeFileSync(join(folder, 'big'), big)
  writeFileSync(join(folder, 'less'), big)
  truncateSync(join(folder, 'less'), 62_000_000 - (62_000_000 % row(1).length))
  writeFileSync(join(folder, 'big.gz'), gzipSync(big, { level: 0 }))

  test.each([
    [2, 'for 64 MB', {}, 'IN/big'],
    [0, 'for less', {}, 'IN/less'],
    [2, 'for both together', {}, '[IN/less, IN/in, IN/less]'],
    [2, 'for what is compressed', {}, 'IN/big.gz'],
    [1, 'as many as there is work for', { workersFrom: 0 }, 'IN/in'],
    [2, 'for each input anew', { workersFrom: 0 }, '{one: IN/in, two: IN/in}'],
  ])('%i: %s', async (count, _, settings, inputs) => {
    await run({ workers: 2, ...settings }, PURE.replace('OUT/a', "'OUT/${input}'"), inputs)
    expect(started.count).toBe(count)
  })

  test('for stages behind a shuffle', async () => {
    await run(
      { workers: 2 },
      '{shuffle: {}}, {template: helpsteer2}, {length: {max-turns: 9}}, {write: OUT/a}',
      'IN/big',
    )
    expect(started.count).toBe(1) // the other one is the thread that is there
  })

  test('for stages behind a shuffle: none, where their work is done before', async () => {
    await run({ workers: 2 }, '{shuffle: {}}, {template: helpsteer2}, {write: OUT/a}', 'IN/big')
    expect(started.count).toBe(0)
  })

  test('and ended where a run fails', async () => {
    writeFileSync(join(folder, 'bad'), `${row(1)}{"a":\n${row(2)}`)
    await expect(run({ workers: 2, workersFrom: 0 }, PURE, 'IN/bad')).rejects.toThrow('bad:2 (')
    expect([started.count, started.running]).toEqual([1, 0])
  })
})
