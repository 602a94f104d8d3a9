import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Retries } from '../../src/reward/retries.js'
import { Task } from '../../src/reward/task.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('retries', () => {
  test('are counted by cause, and paid for by answers', () => {
    const retries = new Retries()
    let paid = 0
    while (retries.spend('HTTP 503', 0)) paid++
    expect(paid).toBe(10_000)
    expect(retries.spend('reset', 1)).toBe(true) // two for each answer
    expect(retries.spend('reset', 1)).toBe(false)
    retries.note('slow')
    expect(retries.causes).toEqual(
      new Map([
        ['HTTP 503', 10_001],
        ['reset', 2],
        ['slow', 1],
      ]),
    )
    expect(retries.count).toBe(10_004)
  })

  test('wait ever longer, and a part of that is drawn', () => {
    const retries = new Retries()
    const longest: number[] = []
    for (let run = 0; run < 300; run++) {
      const task = new Task(
        { text: Buffer.from(''), messages: () => [] },
        () => {},
        () => {},
      )
      for (let i = 0; i < 10; i++) longest[i] = Math.max(longest[i] ?? 0, retries.pauseOf(task))
    }
    const most = [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000]
    for (const [index, pause] of longest.entries()) {
      expect(pause).toBeLessThanOrEqual(most[index])
      expect(pause).toBeGreaterThan(most[index] * 0.8)
    }
  })

  test('that are cleared are not made, and leave no timers', () => {
    const retries = new Retries()
    const made: number[] = []
    for (const pause of [10, 20, 30]) retries.after(pause, () => made.push(pause))
    vi.advanceTimersByTime(10)
    retries.clear()
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(100)
    expect(made).toEqual([10])
  })
})
