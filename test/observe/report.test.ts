import { afterEach, describe, expect, test, vi } from 'vitest'
import { Counters } from '../../src/observe/counters.js'
import { ProgressLine, progressText } from '../../src/observe/progress.js'
import { countLeftOut, type RunReport, reportData, showBytes, showReport } from '../../src/observe/report.js'

function counted(into: number, out: number, leftOut: Record<string, number> = {}): Counters {
  const counters = new Counters()
  counters.in = into
  counters.out = out
  for (const [reason, count] of Object.entries(leftOut)) counters.leaveOut(reason, count)
  return counters
}

const report: RunReport = {
  pipeline: 'x',
  seconds: 1.234,
  inputs: [
    {
      input: 'train',
      files: ['-'],
      bytes: 1_234_567,
      seconds: 1,
      stages: [
        { stage: 'parse', counters: counted(1_234, 1_230, { JSON_SYNTAX: 4 }), outputs: [] },
        {
          stage: 'write',
          counters: counted(1_230, 1_230),
          outputs: [
            { path: '-', bytes: 5 },
            { path: 'b', bytes: 12_345 },
          ],
        },
      ],
    },
    {
      input: 'val',
      files: ['a', 'b'],
      bytes: 0,
      seconds: 0,
      stages: [{ stage: 'parse', counters: counted(1, 0, { JSON_SYNTAX: 1 }), outputs: [] }],
    },
  ],
}

describe('a report', () => {
  test('for people has its columns below each other, and counts of the whole run', () => {
    expect(showReport(report)).toBe(`train: stdin, 1.2 MB
  parse      1,234 in       1,230 out
  write      1,230 in       1,230 out  → stdout (5 B)
                                       → b (12 kB)
val: 2 files, 0 B
  parse          1 in           0 out
left out: 5 × JSON_SYNTAX (parse)
done in 1.23 s
`)
    expect(countLeftOut(report)).toBe(5)
  })

  test('as data has the counts of each input', () => {
    expect(reportData(report)).toMatchObject({
      leftOut: 5,
      inputs: [
        { input: 'train', stages: [{ stage: 'parse', leftOut: { JSON_SYNTAX: 4 } }, {}] },
        { bytes: 0 },
      ],
    })
  })

  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [9_949, '9.9 kB'],
    [9_950, '10 kB'],
    [999_499, '999 kB'],
    [999_500, '1.0 MB'],
    [2_000_000_000, '2.0 GB'],
    [5e15, '5000 TB'],
  ])('%i bytes are %s', (bytes, shown) => {
    expect(showBytes(bytes)).toBe(shown)
  })
})

describe('the progress line', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  const READ = { input: 'train', records: 0, bytes: 0, total: undefined, done: 0, status: '' }

  test.each([
    [{ records: 10, bytes: 5000, done: 10 }, 10, 'train: 10 records, 5.0 kB, 500 B/s'],
    [
      { records: 10, bytes: 5000, done: 10, total: 50_000 },
      10,
      'train: 10 records, 5.0 kB, 500 B/s, 2 min left',
    ],
    [{ records: 10, bytes: 5000, done: 10, total: 50_000 }, 1, 'train: 10 records, 5.0 kB, 5.0 kB/s'],
    [{ records: 10, bytes: 5000, done: 0, total: 50_000 }, 10, 'train: 10 records, 5.0 kB, 500 B/s'],
    [
      { records: 4000, bytes: 1e6, done: 1000, total: 1e7, status: '444 texts/s, 128 in flight' },
      10,
      'train: 4,000 records, 1.0 MB, 100 records/s done, 444 texts/s, 128 in flight, 7 min left',
    ],
  ])('%j after %d s', (state, seconds, text) => {
    expect(progressText({ ...READ, ...state }, seconds)).toBe(text)
  })

  /** What a terminal gets in five looks, 100 ms apart. */
  function looks(isTTY: boolean): string[] {
    vi.useFakeTimers({ toFake: ['performance'] })
    const written: string[] = []
    const line = new ProgressLine({ isTTY, write: (text: string) => written.push(text) > 0 })
    for (let i = 1; i <= 5; i++) {
      vi.advanceTimersByTime(100)
      line.show({ ...READ, records: 1000 * i, bytes: 100_000 * i })
    }
    line.clear()
    line.clear()
    return written
  }

  test('is written anew now and then, and taken away at the end', () => {
    expect(looks(true)).toEqual(['\r\x1b[Ktrain: 3,000 records, 300 kB, 1.0 MB/s', '\r\x1b[K'])
  })

  test('is nothing where stderr is no terminal', () => {
    expect(looks(false)).toEqual([])
  })
})
