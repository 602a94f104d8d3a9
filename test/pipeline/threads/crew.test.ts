import { EventEmitter } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { afterEach, expect, test, vi } from 'vitest'
import { Crew } from '../../../src/pipeline/threads/crew.js'
import type { RegionTask, RowPlan } from '../../../src/pipeline/threads/messages.js'

/** An expression takes a library that is loaded when it is wanted. */
const PLAN: RowPlan = {
  maxLineBytes: 1000,
  stages: [{ name: 'filter', options: { where: 'size(turns) > 0', attributes: [] }, parts: undefined }],
  onError: 'stop',
  setAside: false,
  tells: false,
  inOrder: true,
  hasUserCode: false,
}

const TASK: RegionTask = {
  kind: 'region',
  input: 'nothing',
  file: -1,
  from: 0,
  isInside: false,
  to: 1000,
  size: 1000,
  hash: undefined,
}

afterEach(() => vi.restoreAllMocks())

// Node aborts the whole process, if seldom, where a thread is ended while it requires a module.
test.each([0, 20, 60])(
  'a thread that is closed after %d ms has loaded what it needs when it is ended',
  async (wait) => {
    const spoken = new Set<Worker>()
    const early: Worker[] = []
    vi.spyOn(Worker.prototype, 'emit').mockImplementation(function (this: Worker, event, ...values) {
      if (event === 'message') spoken.add(this)
      return EventEmitter.prototype.emit.call(this, event, ...values)
    })
    const { terminate } = Worker.prototype
    const ending = vi.spyOn(Worker.prototype, 'terminate').mockImplementation(function (this: Worker) {
      if (!spoken.has(this)) early.push(this)
      return terminate.call(this)
    })
    const crew = new Crew(PLAN, 3) // this thread and two others
    const results = [1, 2, 3].map(() => crew.run(TASK, []))
    await pause(wait)
    await crew.close(new Error('enough'))
    await Promise.allSettled(results)
    expect(ending).toHaveBeenCalledTimes(2)
    expect(early).toEqual([])
  },
)
