import { once } from 'node:events'
import { createServer } from 'node:net'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { freePort, isTaken, setUpTriton, startTriton } from '../support/triton/index.js'
import { SET_UP_PATIENCE } from '../support/triton/set-up.js'

let python: Awaited<ReturnType<typeof setUpTriton>>

beforeAll(async () => {
  // Two at once, as two workers may be at it.
  const [one, other] = await Promise.all([setUpTriton(), setUpTriton()])
  expect(other).toEqual(one)
  python = one
}, SET_UP_PATIENCE)

/** How many scores the Triton at an address gives. */
async function widthAt(url: string): Promise<number> {
  const inputs = [{ name: 'sentences', shape: [1, 1], datatype: 'BYTES', data: ['a'] }]
  const answer = await fetch(`${url}/v2/models/reward_model/infer`, {
    method: 'POST',
    body: JSON.stringify({ inputs }),
  })
  const { outputs } = (await answer.json()) as { outputs: { shape: number[] }[] } // as Triton answers
  return outputs[0].shape[1]
}

test('two at once leave each other alone, also when the first port of one was taken', async (context) => {
  if (typeof python !== 'string') return context.skip(python.skip)
  const taken = await freePort()
  const silent = createServer().listen(taken, '127.0.0.1')
  onTestFinished(() => void silent.close())
  await once(silent, 'listening')
  const picks: number[] = []
  const pick = async () => {
    const port = picks.length === 0 ? taken : await freePort()
    picks.push(port)
    return port
  }
  const [one, other] = await Promise.all([
    startTriton(python, { heads: 3 }, pick),
    startTriton(python, { heads: 4 }),
  ])
  expect(picks.length).toBeGreaterThan(1)
  expect(one.url).toBe(`http://127.0.0.1:${picks.at(-1)}`)
  expect([await widthAt(one.url), await widthAt(other.url)]).toEqual([3, 4])
  await one.stop()
  expect(await isTaken(Number(new URL(one.url).port))).toBe(false)
  expect(await widthAt(other.url)).toBe(4)
  await Promise.all([one.stop(), other.stop()])
  expect(await isTaken(Number(new URL(other.url).port))).toBe(false)
})

test('one that cannot start says why', async (context) => {
  if (typeof python !== 'string') return context.skip(python.skip)
  await expect(startTriton(python, { maxBatch: -1 })).rejects.toThrow(
    /did not become ready:[\s\S]*max_batch_size/,
  )
})
