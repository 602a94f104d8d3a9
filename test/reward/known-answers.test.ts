import { expect, test } from 'vitest'
import { KnownAnswers } from '../../src/reward/known-answers.js'

const question = (text: string) => ({ text: Buffer.from(text), messages: () => [] })

/** What is known, and what was asked. */
function answers(memory: number) {
  const known = new KnownAnswers(
    memory,
    { protocol: 'p', model: 'm', heads: [], asMessages: false },
    undefined,
  )
  const asked: string[] = []
  const get = (text: string) =>
    known.get(question(text), async ({ text: fresh }) => {
      asked.push(fresh.toString())
      if (fresh.toString() === 'bad') throw new Error('refused')
      return { values: [fresh.length] }
    })
  return { asked, get }
}

test('a text is asked about once, also while its answer is on its way', async () => {
  const { asked, get } = answers(1e6)
  const both = await Promise.all([get('a'), get('a'), get('bc')])
  expect(both).toEqual([{ values: [1] }, { values: [1] }, { values: [2] }])
  await get('a')
  expect(asked).toEqual(['a', 'bc'])
})

test('a failure is not remembered', async () => {
  const { asked, get } = answers(1e6)
  await expect(get('bad')).rejects.toThrow('refused')
  await expect(get('bad')).rejects.toThrow('refused')
  expect(asked).toEqual(['bad', 'bad'])
})

test('what was asked for last is forgotten last, when there is no memory for more', async () => {
  const { asked, get } = answers(1000 * 10)
  for (let i = 0; i < 10; i++) await get(`text ${i}`)
  await get('text 0')
  await get('text 10') // takes the place of text 1
  asked.length = 0
  await get('text 0')
  await get('text 1')
  expect(asked).toEqual(['text 1'])
})
