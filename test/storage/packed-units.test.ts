/**
 * Units that were packed come back as they were: in the order that is asked for, from memory and from the file, in the
 * same thread and in another one.
 */
import fc, { type Arbitrary } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AnyRecord, Batch } from '../../src/records/batch.js'
import { readConversation } from '../../src/records/conversation.js'
import type { MakeAhead } from '../../src/records/direct.js'
import type { PackedUnits } from '../../src/records/packed-units.js'
import { RawLines } from '../../src/records/raw-lines.js'
import { JsonLinesReader } from '../../src/storage/json-lines.js'
import { KeyedSpill } from '../../src/storage/keyed-spill.js'
import { NumberedSpill } from '../../src/storage/numbered-spill.js'
import { unpack, unpackMixed } from '../../src/storage/packed-units.js'
import type { SpillSettings } from '../../src/storage/spill-settings.js'
import { jsonText, objectText, space } from '../support/arbitraries.js'
import { NO_LIMIT } from '../support/lines.js'

const PARTS = [null, 'train', 'val']

/** Lines as records of some inputs and parts; those with turns in them are conversations. */
function recordsOf(lines: readonly string[], input: string): AnyRecord[] {
  const reader = new JsonLinesReader({ input, maxLineBytes: NO_LIMIT })
  const { records, faults } = reader.read(Buffer.from(lines.map((line) => `${line}\n`).join('')))
  expect(faults).toEqual([])
  return records.map((record, i) => {
    const isConversation = record.json().includes('"from"')
    const read: AnyRecord = isConversation ? readConversation(record) : record
    // Some stand for another line.
    if (i % 3 === 2) record.original = records[i - 1]
    return read.inPart(PARTS[i % PARTS.length])
  })
}

/** All that can be told of a record. */
const told = (record: AnyRecord) => ({
  kind: record.kind,
  json: record.json(),
  place: record.source.place,
  part: record.part,
  line: record.source.readLine,
  turns:
    record.kind === 'conversation' && record.turns.map(({ from, value, label }) => ({ from, value, label })),
  members: membersOf(record),
})

/** The members of a record, as they stand on its tape. */
function membersOf({ source }: AnyRecord): [string, string][] {
  const members: [string, string][] = []
  const end = source.next(source.root)
  for (let at = source.first(source.root); at < end; at = source.next(at + 2)) {
    members.push([source.key(at), source.raw(at + 2)])
  }
  return members
}

interface Unit {
  readonly records: readonly AnyRecord[]
}

const conversationLine: Arbitrary<string> = fc
  .tuple(fc.array(fc.string({ maxLength: 8 }), { maxLength: 4 }), jsonText, space)
  .map(([texts, more, gap]) => {
    const turns = texts.map((value, i) => ({
      from: i % 2 ? 'Assistant' : 'User',
      value,
      label: i % 2 ? 'a:1' : null,
    }))
    return `${gap}{"conversations":${JSON.stringify([{ from: 'User', value: '' }, ...turns])},"mask":"User","more":${more}}`
  })

/** What is too long, or too deep, for the quick scanner. */
const oddLine = fc.constantFrom(
  `{"long":"${'x'.repeat(1 << 20)}"}`,
  `{"long":"${'é'.repeat(70_000)}"}`,
  `{"deep":${'['.repeat(5000)}${']'.repeat(5000)}}`,
)

/** Lines, cut into units of some of them. */
const someLines: Arbitrary<string[][]> = fc
  .tuple(
    fc.array(
      fc.oneof(
        { weight: 10, arbitrary: objectText },
        { weight: 10, arbitrary: conversationLine },
        { weight: 1, arbitrary: oddLine },
      ),
      { minLength: 1, maxLength: 25 },
    ),
    fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 25, maxLength: 25 }),
  )
  .map(([lines, sizes]) => {
    const units: string[][] = []
    for (let start = 0; start < lines.length; start += units[units.length - 1].length) {
      units.push(lines.slice(start, start + sizes[units.length]))
    }
    return units
  })

/** Lines as units of records from two inputs. */
function readUnits(lines: readonly (readonly string[])[]): Unit[] {
  const flat = lines.flat()
  const half = flat.length >> 1
  const records = [...recordsOf(flat.slice(0, half), 'a.jsonl'), ...recordsOf(flat.slice(half), 'é.jsonl')]
  return lines.map(({ length }) => ({ records: records.splice(0, length) }))
}

/** Units that keep nothing in memory, a little, or all. */
const memory = fc.constantFrom(1, 2000, 1 << 26)

/** The records of each unit of some batches, and whether they were bound. */
async function unitsOf(batches: AsyncIterable<Batch>, binds: boolean): Promise<unknown[]> {
  const units: unknown[] = []
  for await (const { records, unitEnds } of batches) {
    expect(unitEnds !== null).toBe(binds)
    let start = 0
    for (const end of unitEnds ?? records.map((_, i) => i + 1)) {
      units.push(records.slice(start, end).map(told))
      start = end
    }
  }
  return units
}

/** What another thread makes of packed units. */
async function* elsewhere(packed: AsyncIterable<PackedUnits>): AsyncGenerator<Batch> {
  for await (const sent of packed) {
    const came = structuredClone(sent, { transfer: [sent.bytes] })
    expect(sent.bytes.byteLength).toBe(0)
    const batch = unpack(came)
    expect(batch.records.length).toBe(came.records)
    expect((batch.unitEnds ?? batch.records).length).toBe(came.units)
    // Nothing of the bytes is kept.
    new Uint8Array(came.bytes).fill(0x22)
    yield batch
  }
}

/** What was made ahead of records, and what was not, in order; `memory` is that of the spill. */
describe('made ahead', () => {
  /** Makes, of the lines that are an odd number, so many lines, and notes something of some of them. */
  const makeAhead: MakeAhead = (lines, out) => {
    const line = Buffer.from(lines.bytes).toString('utf8', lines.start, lines.end)
    const number = Number(/\d+/.exec(line)?.[0])
    if (number % 2 === 0) {
      out.text('nothing') // it is taken back
      out.goBack(out.size - 'nothing'.length)
      return undefined
    }
    for (let i = 0; i < number % 5; i++) out.text(`${number}.${i}\n`)
    return {
      count: number % 5,
      notes: number % 3 === 0 ? [{ stage: 1, what: `three in ${number % 2}` }] : [],
    }
  }

  const expected = (number: number): unknown =>
    number % 2 === 0
      ? { json: `{"n":${number}}`, place: { input: 'in', line: number + 1 } }
      : {
          count: number % 5,
          lines: Array.from({ length: number % 5 }, (_, i) => `${number}.${i}\n`).join(''),
          notes: number % 3 === 0 ? [{ stage: 1, what: 'three in 1' }] : [],
        }

  async function found(packed: AsyncIterable<PackedUnits>): Promise<unknown[]> {
    const all: unknown[] = []
    for await (const each of packed) {
      const came = structuredClone(each, { transfer: [each.bytes] })
      let ahead = 0
      for (const unit of unpackMixed(came)) {
        if (!(unit instanceof Batch)) {
          all.push({ ...unit, lines: Buffer.from(unit.lines).toString() })
          ahead++
          continue
        }
        for (const record of unit.records) {
          const { input, line } = record.source.place
          all.push({ json: record.json(), place: { input, line } })
        }
      }
      expect(came.ahead).toBe(ahead)
    }
    return all
  }

  async function fill(spill: NumberedSpill | KeyedSpill, count: number, add: (lines: RawLines) => void) {
    const reader = new JsonLinesReader({ input: 'in', maxLineBytes: NO_LIMIT })
    const bytes = Buffer.from(Array.from({ length: count }, (_, n) => `{"n":${n}}\n`).join(''))
    reader.room(bytes.length).set(bytes)
    const lines = reader.filledRaw(bytes.length)
    if (!(lines instanceof RawLines)) throw new Error('these lines are good')
    for (let index = 0; index < count; index++) {
      lines.go(index)
      add(lines)
      await spill.flush({ unitEnds: null })
    }
  }

  const ORIGIN = { input: 'in', first: 1, offset: 0, unit: 'line' } as const

  test.each([1, 2000, 1 << 26])('in an order of their numbers, with memory for %i bytes', async (bytes) => {
    const spill = new NumberedSpill({ memory: bytes })
    await fill(spill, 500, (lines) => spill.addRaw(lines, ORIGIN, makeAhead))
    const order = Uint32Array.from({ length: 500 }, (_, i) => (i * 263) % 500)
    expect(await found(spill.inOrderPacked(order))).toEqual([...order].map(expected))
    await spill.close()
  })

  test.each([1, 2000, 1 << 26])('in the order of their keys, with memory for %i bytes', async (bytes) => {
    const spill = new KeyedSpill({ memory: bytes })
    const keys = Array.from({ length: 500 }, (_, i) => ((i * 263) % 500) / 500)
    let next = 0
    await fill(spill, 500, (lines) => spill.addRaw(lines, ORIGIN, keys[next++], makeAhead))
    const order = [...keys.keys()].sort((a, b) => keys[a] - keys[b])
    expect(await found(spill.inOrderPacked())).toEqual(order.map(expected))
    await spill.close()
  })
})

/** What is expected of units in an order. */
const inOrder = (units: readonly Unit[], order: Iterable<number>) =>
  [...order].map((unit) => units[unit].records.map(told))

describe.each([
  ['bound', true],
  ['alone', false],
] as const)('units that are %s', (_, binds) => {
  const units = binds ? someLines : someLines.map((lines) => lines.flat().map((line) => [line]))

  async function fill<S extends NumberedSpill | KeyedSpill>(
    spill: S,
    list: readonly Unit[],
    add: (unit: Unit, number: number) => void,
  ): Promise<S> {
    for (const [number, unit] of list.entries()) {
      add(unit, number)
      await spill.flush(new Batch(unit.records, binds ? [unit.records.length] : null))
    }
    return spill
  }

  const settings = (bytes: number): SpillSettings => ({ memory: bytes, keepLines: true })

  test('in an order of their numbers, and as they came', async () => {
    const given = fc.tuple(units, memory, fc.infiniteStream(fc.nat({ max: 1 << 20 })))
    await fc.assert(
      fc.asyncProperty(given, async ([lines, bytes, random]) => {
        const list = readUnits(lines)
        const spill = new NumberedSpill(settings(bytes))
        await fill(spill, list, ({ records }) => spill.add(records, 0, records.length))
        // Any numbers: some may come twice, some not at all.
        const order = Uint32Array.from(list, () => Number(random.next().value) % list.length)
        expect(await unitsOf(spill.inArrival(), binds)).toEqual(inOrder(list, list.keys()))
        expect(await unitsOf(spill.inOrder(order), binds)).toEqual(inOrder(list, order))
        expect(await unitsOf(elsewhere(spill.inOrderPacked(order)), binds)).toEqual(inOrder(list, order))
        await spill.close()
      }),
      { numRuns: 60 },
    )
  })

  test('in the order of their keys', async () => {
    const given = fc.tuple(units, memory, fc.boolean())
    await fc.assert(
      fc.asyncProperty(given, async ([lines, bytes, packed]) => {
        const list = readUnits(lines)
        const keys = list.map((_, n) => ((n * 7919) % 101) / 101)
        const spill = new KeyedSpill(settings(bytes))
        await fill(spill, list, ({ records }, n) => spill.add(records, 0, records.length, keys[n]))
        const order = [...list.keys()].sort((a, b) => keys[a] - keys[b])
        const batches = packed ? elsewhere(spill.inOrderPacked()) : spill.inOrder()
        expect(await unitsOf(batches, binds)).toEqual(inOrder(list, order))
        await spill.close()
      }),
      { numRuns: 60 },
    )
  })
})

test('packed units are sent in buffers of a usual size, and larger ones by themselves', async () => {
  const long = `{"long":"${'x'.repeat(600_000)}"}`
  const short = Array.from({ length: 1000 }, (_, n) => `{"n":${n},"filler":"${'x'.repeat(1000)}"}`)
  const records = recordsOf([...short.slice(0, 500), long, ...short.slice(500)], 'a.jsonl')
  const spill = new NumberedSpill({ memory: 100_000 })
  for (const [i] of records.entries()) spill.add(records, i, i + 1)
  await spill.flush(new Batch(records))
  const sizes: number[] = []
  for await (const { bytes, length, units } of spill.inOrderPacked(Uint32Array.from(records.keys()))) {
    expect(length).toBeLessThanOrEqual(bytes.byteLength)
    if (units === 1) expect(length).toBeGreaterThan(600_000)
    else expect(bytes.byteLength).toBe(256 * 1024)
    sizes.push(units)
  }
  expect(sizes).toContain(1)
  expect(sizes.reduce((sum, units) => sum + units)).toBe(1001)
  await spill.close()
})
