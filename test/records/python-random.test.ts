/**
 * Python's random numbers, as recorded, and as a python3 that is there gives them.
 */
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { PythonRandom } from '../../src/records/python-random.js'
import { needsPython, pythonLines } from '../support/python.js'
import { DRAWN, SHUFFLED, SHUFFLED_HASHES } from '../support/python-random.js'

function shuffled(seed: number, n: number): number[] {
  const list = Uint32Array.from({ length: n }, (_, i) => i)
  new PythonRandom(seed).shuffle(list)
  return [...list]
}

const hash = (list: readonly number[]) => createHash('sha256').update(list.join(',')).digest('hex')

test.each(SHUFFLED)('shuffle with seed %d: %j', (seed, list) => {
  expect(shuffled(seed, list.length)).toEqual(list)
})

test.each(SHUFFLED_HASHES)('shuffle with seed %d of %d', (seed, n, sha256) => {
  expect(hash(shuffled(seed, n))).toBe(sha256)
})

test.each(DRAWN)('random() with seed %d', (seed, drawn) => {
  const random = new PythonRandom(seed)
  expect(drawn.map(() => random.next())).toEqual(drawn)
})

test('every length up to 300, and some up to 100,000, as python3 shuffles them', (context) => {
  needsPython(context)
  const lengths = [...Array.from({ length: 301 }, (_, n) => n), 1023, 1024, 1025, 33_333, 99_999, 100_000]
  const script = `
import random, hashlib
for line in sys.stdin:
    seed, n = map(int, line.split())
    random.seed(seed)
    numbers = list(range(n))
    random.shuffle(numbers)
    print(hashlib.sha256(','.join(map(str, numbers)).encode()).hexdigest())
`
  const cases = lengths.map((n) => [n % 7 === 0 ? 10 : n * 7919 - 1000, n] as const)
  const expected = pythonLines(script, cases.map(([seed, n]) => `${seed} ${n}\n`).join(''))
  expect(cases.map(([seed, n]) => hash(shuffled(seed, n)))).toEqual(expected)
})
