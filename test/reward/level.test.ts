import { afterEach, describe, expect, test, vi } from 'vitest'
import { Level } from '../../src/reward/level.js'
import { batching, failing, limited, Simulation } from './simulation.js'

afterEach(() => void vi.restoreAllMocks())

describe('a server that gathers batches', () => {
  test.each([
    [16, 20, 1],
    [64, 50, 0.2],
    [256, 100, 0.1],
  ])(
    'of %i is kept full from the second batch on, and gets no more than that takes',
    (size, latency, each) => {
      const simulation = new Simulation(batching(size, latency, each))
      const full = (size / (latency + size * each + 0.1)) * 1000
      simulation.run(1000)
      const { rate } = simulation.run(5000)
      expect(rate).toBeGreaterThan(full * 0.97)
      const later = simulation.run(60_000)
      expect(later.rate).toBeGreaterThan(full * 0.97)
      expect(later.limit).toBeLessThanOrEqual(Math.max(256, size * 2))
    },
  )

  test('is found out about from a single text on', () => {
    const simulation = new Simulation(batching(64, 50, 0.2), { start: 1 })
    simulation.run(3000)
    expect(simulation.run(5000).rate).toBeGreaterThan(900)
  })

  test('is not given more than it may have', () => {
    const simulation = new Simulation(batching(64, 50, 0.2), { most: 20 })
    expect(simulation.run(5000).limit).toBeLessThanOrEqual(20)
  })
})

describe('a server that turns away what is too much', () => {
  test.each([
    [1, 300],
    [8, 50],
    [8, 1000],
    [100, 100],
    [500, 200],
  ])('beyond %i texts of %i ms is not kept busy with that', (most, latency) => {
    const simulation = new Simulation(limited(most, latency))
    simulation.run(20_000)
    const { rate, share, limit } = simulation.run(60_000)
    const full = (most / latency) * 1000
    expect(rate).toBeGreaterThan(full * 0.9)
    expect(limit).toBeLessThanOrEqual(Math.ceil(most * 1.25))
    expect(share).toBeLessThan(0.1)
  })

  test('is given more again when it takes more', () => {
    let server = limited(8, 50)
    const simulation = new Simulation((...given) => server(...given))
    simulation.run(10_000)
    server = limited(64, 50)
    simulation.run(60_000)
    expect(simulation.run(10_000).rate).toBeGreaterThan((64 / 50) * 1000 * 0.6)
  })
})

describe('a server that fails at random', () => {
  test.each([
    [0.05, 16, 20, 1],
    [0.2, 16, 20, 1],
    [0.2, 64, 50, 0.2],
    [0.4, 16, 20, 1],
  ])('%f of the time is used as fully as another', (share, size, latency, each) => {
    const simulation = new Simulation(failing(share, batching(size, latency, each)))
    const full = (size / (latency + size * each + 0.1)) * 1000
    simulation.run(2000)
    expect(simulation.run(30_000).rate).toBeGreaterThan(full * 0.93)
    expect(simulation.run(120_000).rate).toBeGreaterThan(full * 0.93)
  })

  test('all of the time is asked ever less often', () => {
    const simulation = new Simulation(failing(1, batching(16, 20, 1)))
    let asked = 0
    const { shed } = simulation.places
    simulation.places.shed = (...given) => {
      asked++
      return shed.apply(simulation.places, given)
    }
    simulation.run(30_000)
    const first = asked
    simulation.run(30_000)
    expect(asked - first).toBeLessThan(first / 2)
    expect(simulation.places.isRefusing(0)).toBe(true)
  })
})

describe('what says nothing', () => {
  test('is a round in which there was no more to do', () => {
    let now = 0
    const level = new Level(32, 1024, () => now)
    for (let i = 0; i < 100_000; i++) {
      now += 0.01 * (i % 7)
      level.answered(1, 5)
    }
    expect(level.limit).toBe(32)
  })
})
