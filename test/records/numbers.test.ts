import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pythonFloat, pythonNumber, roundHalfEven } from '../../src/records/numbers.js'
import { numberText } from '../support/arbitraries.js'
import { needsPython, pythonLines } from '../support/python.js'

/** Numbers with their `repr` in Python, recorded with Python 3.11. */
const REPR: readonly [number, string][] = [
  [0, '0.0'],
  [-0, '-0.0'],
  [4, '4.0'],
  [-100, '-100.0'],
  [0.1, '0.1'],
  [1 / 3, '0.3333333333333333'],
  [2.5, '2.5'],
  [0.0001, '0.0001'],
  [0.00012, '0.00012'],
  [0.00009999999999999999, '9.999999999999999e-05'],
  [0.00001, '1e-05'],
  [1e-6, '1e-06'],
  [1e-7, '1e-07'],
  [1.5e-7, '1.5e-07'],
  [1e-10, '1e-10'],
  [1e15, '1000000000000000.0'],
  [123456789012345.6, '123456789012345.6'],
  [9999999999999998, '9999999999999998.0'],
  [1e16, '1e+16'],
  [12345678901234568, '1.2345678901234568e+16'],
  [-1e16, '-1e+16'],
  [Number('123456789012345678901'), '1.2345678901234568e+20'],
  [1e21, '1e+21'],
  [1e22, '1e+22'],
  [1e23, '1e+23'],
  [1e100, '1e+100'],
  [5e-324, '5e-324'],
  [2.2250738585072014e-308, '2.2250738585072014e-308'],
  [Number.MAX_VALUE, '1.7976931348623157e+308'],
  [2 ** 53, '9007199254740992.0'],
]

/** A generator of random bits that gives the same ones each time. */
function randomBits(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x9e3779b9) | 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return (mixed ^ (mixed >>> 15)) >>> 0
  }
}

/** Doubles of all sizes: bit patterns, integers, fractions of few digits, powers, subnormals, and what is next to the
 * places where Python changes its spelling. */
function manyDoubles(): Float64Array {
  const next = randomBits(20)
  const list: number[] = REPR.map(([value]) => value)
  const view = new DataView(new ArrayBuffer(8))
  const fromBits = (high: number, low: number) => {
    view.setUint32(0, high)
    view.setUint32(4, low)
    return view.getFloat64(0)
  }
  for (const edge of [1e16, 1e-4, 1e22, 1e21, 1e-6, 1e15, 2 ** 53, 1e17]) {
    view.setFloat64(0, edge)
    const bits = view.getBigUint64(0)
    for (let step = -20n; step <= 20n; step++) {
      view.setBigUint64(0, bits + step)
      list.push(view.getFloat64(0))
    }
  }
  for (let power = -330; power <= 308; power++) list.push(Number(`1e${power}`), -Number(`9.5e${power - 1}`))
  for (let power = -1074; power <= 1023; power++) list.push(2 ** power)
  while (list.length < 8000) list.push(fromBits(next(), next()))
  while (list.length < 10_000) list.push(fromBits(next() & 0x800fffff, next()))
  while (list.length < 13_000) list.push(Math.trunc((next() / 2 ** 32 - 0.5) * 10 ** (next() % 20)))
  while (list.length < 16_000) list.push((next() % 100_000) / 10 ** (next() % 9))
  while (list.length < 20_000) list.push((next() / 2 ** 32 - 0.3) * 10 ** ((next() % 40) - 20))
  return Float64Array.from(list.filter(Number.isFinite))
}

describe('pythonFloat', () => {
  test.each(REPR)('%d', (value, repr) => {
    expect(pythonFloat(value)).toBe(repr)
  })

  test('reads back as the same number', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Number(pythonFloat(value))).toBe(value)
        expect(pythonFloat(value)).toMatch(/^-?(\d+\.\d+|\d(\.\d+)?e[+-]\d\d+)$/)
      }),
      { numRuns: 2000 },
    )
  })

  test('Python prints 20,000 doubles of all sizes the same', (context) => {
    needsPython(context)
    const doubles = manyDoubles()
    expect(doubles.length).toBeGreaterThan(19_500)
    const script = `
data = sys.stdin.buffer.read()
for (value,) in struct.iter_unpack('<d', data): print(repr(value))`
    expect(pythonLines(script, new Uint8Array(doubles.buffer))).toEqual(Array.from(doubles, pythonFloat))
  })
})

describe('pythonNumber', () => {
  test.each([
    ['3', '3'],
    ['0', '0'],
    ['-0', '0'],
    ['-7', '-7'],
    ['123456789012345678901234567890', '123456789012345678901234567890'],
    ['3.0', '3.0'],
    ['3.50', '3.5'],
    ['3e0', '3.0'],
    ['-0.0', '-0.0'],
    ['-0e0', '-0.0'],
    ['0E5', '0.0'],
    ['1E5', '100000.0'],
    ['1e16', '1e+16'],
    ['0.0000001', '1e-07'],
    ['1e-400', '0.0'],
    ['-1e-400', '-0.0'],
    ['0.1000000000000000055511151231257827', '0.1'],
  ])('%s', (json, expected) => {
    expect(pythonNumber(json)).toBe(expected)
  })

  test('Python prints thousands of JSON numbers the same after reading them', (context) => {
    needsPython(context)
    const texts = fc.sample(numberText, 5000).filter((text) => Number.isFinite(Number(text)))
    const script = 'for line in sys.stdin: print(repr(json.loads(line)))'
    expect(pythonLines(script, texts.join('\n'))).toEqual(texts.map(pythonNumber))
  })
})

describe('roundHalfEven', () => {
  test.each([
    [0, 0],
    [0.5, 0],
    [1.5, 2],
    [2.5, 2],
    [3.5, 4],
    [0.49999999999999994, 0],
    [0.5000000000000001, 1],
    [2.4999999999999996, 2],
    [2.5000000000000004, 3],
    [3.2, 3],
    [-0.5, 0],
    [-0.49999999999999994, 0],
    [-1.5, -2],
    [-2.5, -2],
    [-2.6, -3],
    [4503599627370495.5, 4503599627370496],
    [4503599627370494.5, 4503599627370494],
    [1e300, 1e300],
    [-5e-324, 0],
  ])('%d → %d', (value, rounded) => {
    expect(roundHalfEven(value) + 0).toBe(rounded)
  })

  test('Python rounds thousands of numbers to the same', (context) => {
    needsPython(context)
    const next = randomBits(5)
    const halves = Array.from({ length: 4000 }, () => ((next() % 40_001) - 20_000) / 2)
    const values = Float64Array.from([...halves, ...manyDoubles()])
    const script = `
data = sys.stdin.buffer.read()
for (value,) in struct.iter_unpack('<d', data): print(round(value))`
    expect(pythonLines(script, new Uint8Array(values.buffer))).toEqual(
      Array.from(values, (value) => String(BigInt(roundHalfEven(value)))),
    )
  })
})
