/** Records that hang on others behind a `shuffle`: one thread does all tasks, and what it holds from one to the next stays. */
import { expect, test } from 'vitest'
import { prepareFile } from '../../../src/pipeline/check.js'
import { runPipeline } from '../../../src/pipeline/run.js'
import { timeless } from '../../support/timeless.js'
import { put, textOf, useWorkFolder } from '../support.js'

useWorkFolder()

/** Such a score is left to the stages, so that nothing is made ahead. */
const labels = { quality: { value: 2.5 } }

/** A message in a row of its own, or a tree; each has its number in it. */
function line(n: number): string {
  const text = `${n} ${'x'.repeat(n % 3000)}`
  if (n % 2 === 0) return JSON.stringify({ message_id: `${n}`, text, role: 'prompter', parent_id: null })
  const replies = [{ message_id: `${n}-1`, text, role: 'assistant', replies: [], labels }]
  return JSON.stringify({ prompt: { message_id: `${n}`, text, role: 'prompter', replies } })
}

test('messages among trees are the same with a thread and without', async () => {
  const lines = Array.from({ length: 2200 }, (_, n) => `${line(n)}\n`)
  put({
    'in.jsonl': lines.join(''),
    'p.yaml':
      "name: x\ninputs: in.jsonl\nstages: [parse, shuffle, split: { parts: { a: 0.5, b: 0.5 } }, template: oasst, write: 'out/${part}.jsonl']\n",
  })
  const made = async (workers: number) => {
    const told: string[] = []
    const report = await runPipeline(await prepareFile('p.yaml', { env: {} }), {
      onError: 'skip',
      onLeftOut: ({ message }) => told.push(message),
      workers,
      workersFrom: 0,
      force: true,
    })
    const counts = timeless(report)
    return { told, counts, a: textOf('out/a.jsonl'), b: textOf('out/b.jsonl') }
  }
  const expected = await made(0)
  expect(expected.told).toEqual([])
  expect(await made(1)).toEqual(expected)
})
