/** Who does the work of a crew: this thread first, then others, and never this one where code of the user's runs. */
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test, vi } from 'vitest'
import { Crew } from '../../../src/pipeline/threads/crew.js'
import type { RegionTask, RowPlan, TaskResult } from '../../../src/pipeline/threads/messages.js'

const started = vi.hoisted(() => ({ count: 0 }))

vi.mock('../../../src/lazy-node.js', async (original) => {
  const real = await original<typeof import('../../../src/lazy-node.js')>()
  const { Worker, ...others } = real.workerThreads()
  class CountedWorker extends Worker {
    constructor(...given: ConstructorParameters<typeof Worker>) {
      super(...given)
      started.count++
    }
  }
  return { ...real, workerThreads: () => ({ ...others, Worker: CountedWorker }) }
})

const folder = mkdtempSync(join(tmpdir(), 'steerpipe-hands-'))
const file = join(folder, 'in')
const LINES = 200
writeFileSync(file, '{"a":1}\n'.repeat(LINES))
const descriptor = openSync(file, 'r')
afterAll(() => {
  closeSync(descriptor)
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(() => {
  started.count = 0
})

const plan = (hasUserCode: boolean): RowPlan => ({
  maxLineBytes: 1000,
  stages: [{ name: 'write', options: { to: 'out', ascii: false }, parts: undefined }],
  onError: 'stop',
  setAside: false,
  tells: false,
  inOrder: false,
  hasUserCode,
})

const task: RegionTask = {
  kind: 'region',
  input: file,
  file: descriptor,
  from: 0,
  isInside: false,
  to: undefined,
  size: 8 * LINES,
  hash: undefined,
}

const linesOf = ({ read, made }: TaskResult) => [read.lines, made[0].lines?.length]

test('this thread alone, if there is to be one', async () => {
  const crew = new Crew(plan(false), 1)
  const results = await Promise.all([1, 2, 3, 4, 5].map(() => crew.run(task, [])))
  for (const result of results) expect(linesOf(result)).toEqual([LINES, 8 * LINES])
  await crew.close(undefined)
  expect(started.count).toBe(0)
})

test('one task after the other: this thread, whatever there may be', async () => {
  const crew = new Crew(plan(false), 4)
  for (let n = 0; n < 5; n++) expect(linesOf(await crew.run(task, []))).toEqual([LINES, 8 * LINES])
  await crew.close(undefined)
  expect(started.count).toBe(0)
})

test('as many others as there is work for', async () => {
  const crew = new Crew(plan(false), 4)
  const results = await Promise.all([1, 2, 3].map(() => crew.run(task, [])))
  for (const result of results) expect(linesOf(result)).toEqual([LINES, 8 * LINES])
  await crew.close(undefined)
  expect(started.count).toBe(2)
})

test('others too for what this thread has to bring, though it comes one after the other', async () => {
  const crew = new Crew(plan(false), 3, true)
  for (let n = 0; n < 5; n++) expect(linesOf(await crew.run(task, []))).toEqual([LINES, 8 * LINES])
  await crew.close(undefined)
  expect(started.count).toBe(2)
})

test('others only, for code of the user’s', async () => {
  const crew = new Crew(plan(true), 1)
  expect(crew.worksHere).toBe(false)
  expect(linesOf(await crew.run(task, []))).toEqual([LINES, 8 * LINES])
  await crew.close(undefined)
  expect(started.count).toBe(1)
})

test('who asks when all is over, or is still waiting then, is told why', async () => {
  const crew = new Crew(plan(false), 1)
  const waiting = [1, 2, 3].map(() => crew.run(task, []))
  const reason = new Error('enough')
  await crew.close(reason)
  for (const each of [...waiting, crew.run(task, [])]) await expect(each).rejects.toBe(reason)
})

test('memory that was handed over is written into', async () => {
  const crew = new Crew(plan(false), 1)
  const memory = new ArrayBuffer(1 << 16)
  const { made } = await crew.run(task, [memory])
  expect(made[0].lines?.buffer).toBe(memory)
  await crew.close(undefined)
})
