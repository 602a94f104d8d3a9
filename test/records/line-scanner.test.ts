import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import wabt from 'wabt'
import { ILLEGAL, RegionBytes } from '../../src/records/bytes.js'
import { LineScanner, SCAN_WASM } from '../../src/records/line-scanner.js'
import { Refusal, scanValue, skipSpace, Tape } from '../../src/records/tape.js'
import { damagedFile, legalFile, recordLine } from '../support/arbitraries.js'
import { ROOT, readText } from '../support/paths.js'

/** What a scan comes to: the number of lines, the records, and the tape behind what was there before. */
interface Scanned {
  readonly lines: number
  readonly records: readonly number[][]
  readonly cells: readonly number[]
}

/** Cells that are on the tape already. */
const BEFORE = 5

const tapeWithCells = (): Tape => {
  const tape = new Tape(BEFORE)
  tape.append(new Int32Array(BEFORE).fill(-1))
  return tape
}

const scanner = new LineScanner(1000)

function scanQuickly(file: Buffer): Scanned | undefined {
  const tape = tapeWithCells()
  const records: number[][] = []
  const lines = scanner
    .clear()
    .add(file)
    .scan(tape, (...record) => records.push(record))
  expect(scanner.text()).toBe(file.toString('latin1'))
  if (lines === undefined) expect([tape.length, records.length]).toEqual([BEFORE, 0])
  return lines === undefined ? undefined : { lines, records, cells: [...tape.cells.subarray(0, tape.length)] }
}

/** The same by the scanner of values. */
function scanSlowly(file: Buffer): Scanned | undefined {
  const text = file.toString('latin1')
  const tape = tapeWithCells()
  const records: number[][] = []
  let line = 0
  for (let start = 0; start < text.length; line++) {
    const end = text.indexOf('\n', start)
    const at = skipSpace(text, start)
    if (at < end) {
      const root = tape.length
      if (text[at] !== '{' || !isRecord(text, at, end, tape)) return undefined
      records.push([line, start, end, root])
    }
    start = end + 1
  }
  return { lines: line, records, cells: [...tape.cells.subarray(0, tape.length)] }
}

/** Scans what begins at `at`, which is a record if it ends with its line. */
function isRecord(text: string, at: number, end: number, tape: Tape): boolean {
  try {
    return skipSpace(text, scanValue(text, at, tape, true)) === end
  } catch (error) {
    if (error instanceof Refusal) return false
    throw error
  }
}

const whole = (file: Buffer): Buffer => Buffer.concat([file, Buffer.from('\n')])

describe('makes the tape that the scanner of values makes', () => {
  test('of legal files', () => {
    fc.assert(
      fc.property(legalFile, (bytes) => {
        const file = whole(bytes.subarray(bytes[0] === 0xef ? 3 : 0))
        const scanned = scanQuickly(file)
        expect(scanned).toBeDefined()
        expect(scanned).toEqual(scanSlowly(file))
      }),
      { numRuns: 2000 },
    )
  })

  test('of damaged files, and refuses what that one refuses', () => {
    const region = new RegionBytes(1)
    let refused = 0
    let taken = 0
    fc.assert(
      fc.property(damagedFile, (bytes) => {
        const file = whole(bytes)
        region.ensure(file.length)
        region.bytes.set(file)
        // Escapes are looked at before.
        if (region.inspect(file.length) & ILLEGAL) return
        const scanned = scanQuickly(file)
        if (scanned === undefined) refused++
        else taken++
        expect(scanned).toEqual(scanSlowly(file))
      }),
      { numRuns: 4000 },
    )
    expect(Math.min(refused, taken)).toBeGreaterThan(200)
  })

  test('of single lines with any byte in the place of one of theirs', () => {
    fc.assert(
      fc.property(recordLine, fc.nat(), fc.nat({ max: 0x7f }), (line, at, byte) => {
        const file = whole(Buffer.from(line))
        file[at % (file.length - 1)] = byte
        if (byte !== 0x5c && !file.includes(0x5c)) expect(scanQuickly(file)).toEqual(scanSlowly(file))
      }),
      { numRuns: 4000 },
    )
  })

  test.each(['', '\n', ' \t\r\n\n', '{}\n', '{"a":[]}\n', '{"a":[{},[],1]}\n', '{"":{"":""}}\n'])(
    '%j',
    (text) => {
      const scanned = scanQuickly(Buffer.from(text))
      expect(scanned).toBeDefined()
      expect(scanned).toEqual(scanSlowly(Buffer.from(text)))
    },
  )

  test.each([
    ['strings', '"x"'],
    ['digits', '1'],
    ['arrays', '[]'],
    ['objects', '{"":0}'],
  ])('where the tape is much longer than the text: %s', (_, value) => {
    const file = Buffer.from(`{"a":[${`${value},`.repeat(60_000)}0]}\n`)
    // It begins with less memory than this takes.
    const tape = new Tape()
    expect(new LineScanner(1000).add(file).scan(tape, () => {})).toBe(1)
    expect([...tape.cells.subarray(0, 3)]).toEqual([0, file.length - 1, tape.length])
    expect(scanQuickly(file)?.cells).toEqual(scanSlowly(file)?.cells)
  })

  test('of many short lines', () => {
    const file = Buffer.from('{}\n'.repeat(200_000))
    expect(scanQuickly(file)?.records.length).toBe(200_000)
    expect(scanQuickly(file)).toEqual(scanSlowly(file))
  })
})

test('nesting is left to the scanner of values from some depth on', () => {
  const deep = (levels: number) => Buffer.from(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}\n`)
  expect(scanQuickly(deep(4000))).toEqual(scanSlowly(deep(4000)))
  expect(scanQuickly(deep(4092))).toBeDefined()
  expect(scanQuickly(deep(4093))).toBeUndefined()
  // What was open then is forgotten.
  expect(scanQuickly(deep(2))).toEqual(scanSlowly(deep(2)))
})

test('lines are scanned as one text, in whatever pieces they come', () => {
  const lines = Array.from({ length: 1000 }, (_, n) => `{"n": ${n}, "text": "${'x'.repeat(n)}"}`)
  const file = Buffer.from(lines.map((line) => `${line}\n`).join(''))
  const all = scanQuickly(file)
  const fresh = new LineScanner(1000)
  for (const line of lines) fresh.addLine(Buffer.from(line))
  expect(fresh.size).toBe(file.length)
  expect(fresh.text()).toBe(file.toString('latin1'))
  const records: number[][] = []
  expect(fresh.scan(tapeWithCells(), (...record) => records.push(record))).toBe(1000)
  expect(records).toEqual(all?.records)
})

test('the committed code is what scan.wat compiles to', async () => {
  const module = (await wabt()).parseWat('scan.wat', readText(`${ROOT}/src/records/scan.wat`), { simd: true })
  expect(Buffer.from(module.toBinary({}).buffer).toString('base64')).toBe(SCAN_WASM)
})
