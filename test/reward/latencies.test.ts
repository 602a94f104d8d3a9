import { expect, test } from 'vitest'
import { Latencies } from '../../src/reward/latencies.js'

test('percentiles are right to within 5%, in a memory that does not grow', () => {
  const latencies = new Latencies()
  for (let i = 1; i <= 10_000; i++) latencies.add(i / 10)
  expect(latencies.count).toBe(10_000)
  for (const fraction of [0.01, 0.5, 0.95, 0.99, 1]) {
    const exact = fraction * 1000
    expect(Math.abs(latencies.percentile(fraction) / exact - 1)).toBeLessThan(0.05)
  }
})

test('of nothing is no number, and nothing is too short or too long', () => {
  const latencies = new Latencies()
  expect(latencies.percentile(0.5)).toBeNaN()
  latencies.add(0)
  latencies.add(3_600_000)
  expect(latencies.percentile(0.5)).toBeCloseTo(0.01)
  expect(latencies.percentile(1) / 3_600_000).toBeCloseTo(1, 1)
})
