import { describe, expect, test } from 'vitest'
import { Task, TaskQueue } from '../../src/reward/task.js'

const task = () =>
  new Task(
    { text: Buffer.from(''), messages: () => [] },
    () => {},
    () => {},
  )
const never = () => false

describe('a queue of questions', () => {
  test('gives those first that have waited before', () => {
    const queue = new TaskQueue()
    const [a, b, c] = [task(), task(), task()]
    queue.add(a)
    queue.add(b)
    queue.addAgain(c)
    expect(queue.length).toBe(3)
    expect(queue.take(2, never)).toEqual([c, a])
    expect([a.waiting, b.waiting, c.waiting]).toEqual([false, true, false])
    expect(queue.take(2, never)).toEqual([b])
    expect(queue.length).toBe(0)
    expect(queue.take(2, never)).toEqual([])
  })

  test('keeps those alone that are to be asked alone', () => {
    const queue = new TaskQueue()
    const [a, b, c] = [task(), task(), task()]
    a.alone = true
    queue.addAgain(a)
    queue.add(b)
    queue.addAgain(c)
    expect(queue.take(8, never)).toEqual([a])
    expect(queue.take(8, never)).toEqual([c, b])
  })

  test('passes over those that should go elsewhere, and forgets those that are answered', () => {
    const queue = new TaskQueue()
    const [a, b, c] = [task(), task(), task()]
    for (const each of [a, b, c]) queue.addAgain(each)
    b.settled = true
    expect(queue.take(8, (each) => each === a)).toEqual([c])
    expect(queue.take(8, never)).toEqual([a])
    expect(queue.length).toBe(0)
  })

  test('keeps its order over many', () => {
    const queue = new TaskQueue()
    const all = Array.from({ length: 5000 }, task)
    for (const each of all) queue.add(each)
    const taken: Task[] = []
    while (queue.length > 0) taken.push(...queue.take(7, never))
    expect(taken.every((each, index) => each === all[index])).toBe(true)
  })
})
