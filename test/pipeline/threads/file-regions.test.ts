/** The regions of a file: who reads them on any number of threads reads, and hashes, what one reader does. */
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import {
  FROM_START,
  fileRegions,
  RegionAccount,
  type RegionStart,
} from '../../../src/pipeline/threads/file-regions.js'
import { Lane } from '../../../src/pipeline/threads/lane.js'
import type { RegionTask } from '../../../src/pipeline/threads/messages.js'
import { CELL_BYTES, digestOf } from '../../../src/records/bytes.js'
import { StreamHash } from '../../../src/storage/consumed.js'

const folder = mkdtempSync(join(tmpdir(), 'steerpipe-regions-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const OUT = 'out.jsonl'

const mark = Buffer.from('\ufeff')

const newLane = () =>
  new Lane({
    maxLineBytes: 64 * CELL_BYTES,
    stages: [{ name: 'write', options: { to: OUT, ascii: false }, parts: undefined }],
    onError: 'skip',
    setAside: false,
    tells: false,
    inOrder: false,
    hasUserCode: false,
  })

/** A line of so many bytes, its end with it: a record, or blank if there is no room for one. */
const lineOf = (bytes: number): string => {
  if (bytes < 9) return `${' '.repeat(Math.max(bytes, 1) - 1)}\n`
  return `{"a":"${'x'.repeat(bytes - 9)}"}\n`
}

/** Where one begins to read behind the first lines of a file. */
function startBehind(bytes: Buffer, lines: number): RegionStart {
  let end = 0
  let count = 0
  for (; count < lines && bytes.includes(0x0a, end); count++) end = bytes.indexOf(0x0a, end) + 1
  if (end === 0) return FROM_START
  const hash = new StreamHash(FROM_START.hash)
  hash.add(bytes.subarray(0, end))
  return { bytes: end, lines: count, hash: hash.state }
}

/** Reads a file on lanes that take turns, and expects of each region what one reader would have found. */
async function expectWhole(bytes: Buffer, linesBefore: number, lanes: number): Promise<RegionTask[]> {
  const path = join(folder, 'in')
  writeFileSync(path, bytes)
  const descriptor = openSync(path, 'r')
  try {
    const start = startBehind(bytes, linesBefore)
    const account = new RegionAccount(start)
    const tasks = [...fileRegions({ input: path, descriptor, size: bytes.length }, start, true)]
    const row = Array.from({ length: lanes }, newLane)
    // All are read before the first one is taken, as if each were a thread that is ahead.
    const results = []
    for (const [index, task] of tasks.entries()) results.push(await row[index % lanes].run(task, []))
    const written: Buffer[] = []
    for (const [index, task] of tasks.entries()) {
      const { read, made, counters, error } = results[index]
      expect(error).toBe(null)
      account.add(task, read)
      for (const { lines } of made) if (lines) written.push(Buffer.from(lines))
      expect(counters[0].leftOut).toEqual({})
      const done = bytes.subarray(0, account.bytes)
      expect(done.length === 0 || done.at(-1) === 0x0a || done.length === bytes.length).toBe(true)
      const hash = new StreamHash(FROM_START.hash)
      hash.add(done)
      expect(account.part()).toEqual({
        bytes: done.length,
        lines: linesIn(done.subarray(mark.equals(done.subarray(0, 3)) ? mark.length : 0)),
        hash: digestOf(hash.state, done.length),
      })
    }
    expect(account.bytes).toBe(bytes.length)
    expect(account.all()).toEqual(account.part())
    const expected = bytes
      .subarray(start.bytes)
      .toString('utf8')
      .replace(/^\ufeff/, '')
    const good = expected.split('\n').filter((line) => line.trim() !== '')
    expect(Buffer.concat(written).toString('utf8') === good.map((line) => `${line}\n`).join('')).toBe(true)
    return tasks
  } finally {
    closeSync(descriptor)
  }
}

function linesIn(bytes: Buffer): number {
  let lines = 0
  for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) lines++
  return lines + (bytes.length > 0 && bytes.at(-1) !== 0x0a ? 1 : 0)
}

describe('a file of regions', () => {
  const filled = (lengths: readonly number[]): Buffer => Buffer.from(lengths.map(lineOf).join(''))

  test.each<[string, Buffer, number]>([
    ['with nothing in it', Buffer.alloc(0), 1],
    ['of one line end', Buffer.from('\n'), 1],
    ['of a byte order mark', mark, 1],
    ['that is one cell', filled([CELL_BYTES]), 1],
    ['that is three cells, each of a line', filled([CELL_BYTES, CELL_BYTES, CELL_BYTES]), 3],
    ['that is a byte more than two cells', filled([CELL_BYTES, CELL_BYTES, 1]), 3],
    ['that is a byte less than two cells', filled([CELL_BYTES, CELL_BYTES - 1]), 2],
    ['with a line over many cells', filled([100, 5 * CELL_BYTES, 100]), 6],
    ['with a line over many cells, up to the end of one', filled([100, 3 * CELL_BYTES - 100, 100]), 4],
    ['with a last line over many cells, which has no end', filled([100, 3 * CELL_BYTES]).subarray(0, -1), 4],
    ['with empty lines at the end of a cell', filled([CELL_BYTES - 2, 1, 1, 1, 1, CELL_BYTES, 1]), 3],
    ['with a line that ends a byte behind a cell', filled([CELL_BYTES + 1, CELL_BYTES - 1, 50]), 3],
    ['with a byte order mark and a long line', Buffer.concat([mark, filled([CELL_BYTES, 40])]), 2],
  ])('%s', async (_, bytes, regions) => {
    for (const lanes of [1, 3]) expect(await expectWhole(bytes, 0, lanes)).toHaveLength(regions)
    await expectWhole(bytes, 1, 2)
  })

  test('any lines, from any place', async () => {
    const length = fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: 1, max: 2000 }) },
      { weight: 3, arbitrary: fc.integer({ min: CELL_BYTES - 30, max: CELL_BYTES + 30 }) },
      { weight: 1, arbitrary: fc.integer({ min: 2 * CELL_BYTES, max: 4 * CELL_BYTES }) },
    )
    const file = fc.record({
      lengths: fc.array(length, { maxLength: 12 }),
      hasMark: fc.boolean(),
      isEnded: fc.boolean(),
      before: fc.integer({ min: 0, max: 12 }),
      lanes: fc.integer({ min: 1, max: 4 }),
    })
    await fc.assert(
      fc.asyncProperty(file, async ({ lengths, hasMark, isEnded, before, lanes }) => {
        const bytes = Buffer.concat(hasMark ? [mark, filled(lengths)] : [filled(lengths)])
        await expectWhole(isEnded || lengths.length === 0 ? bytes : bytes.subarray(0, -1), before, lanes)
      }),
      { numRuns: 40 },
    )
  })
})

test('what comes behind the end while regions are asked for becomes regions, once', () => {
  const path = join(folder, 'growing')
  writeFileSync(path, 'x'.repeat(CELL_BYTES + 1))
  const descriptor = openSync(path, 'r')
  const regions = fileRegions({ input: path, descriptor, size: CELL_BYTES + 1 }, FROM_START, false)
  const seen: unknown[] = []
  for (const { from, to, size } of regions) {
    seen.push([from, to, size])
    if (seen.length === 1) writeFileSync(path, 'x'.repeat(2 * CELL_BYTES + 1))
    if (seen.length === 3) writeFileSync(path, 'x'.repeat(4 * CELL_BYTES))
  }
  closeSync(descriptor)
  const size = CELL_BYTES + 1
  expect(seen).toEqual([
    [0, CELL_BYTES, size],
    [CELL_BYTES, 2 * CELL_BYTES, size],
    [2 * CELL_BYTES, undefined, size],
  ])
})

test('of a file that was cut, the line that it ends in is not read', async () => {
  const path = join(folder, 'cut')
  const lines = lineOf(50).repeat(3)
  writeFileSync(path, `${lines}{"a":1}`)
  const descriptor = openSync(path, 'r')
  const [task] = fileRegions({ input: path, descriptor, size: 1000 }, FROM_START, true)
  const { made, read, counters } = await newLane().run(task, [])
  closeSync(descriptor)
  expect(read).toMatchObject({ end: undefined, fileEnd: lines.length + 7 })
  expect(Buffer.from(made[0].lines ?? []).toString()).toBe(lines)
  expect(counters[0].in).toBe(3)
})
