import { expect, test } from 'vitest'
import { WrongServer } from '../../../src/reward/protocol.js'
import { openrlhf } from '../../../src/reward/protocols/openrlhf.js'
import { contractOf, expectBad, expectRefusal, type Refusal, reading, requestFor } from './support.js'

test('a request', () => {
  expect(requestFor(openrlhf, 'one\n', 'zwei “ü”')).toEqual({
    method: 'POST',
    path: '/get_reward',
    headers: { 'content-type': 'application/json' },
    body: '{"query":["one\\n","zwei “ü”"],"prompts":["",""],"labels":["",""]}',
  })
})

test('one score for each text', () => {
  const rewards = [0.5, -1.25]
  expect(reading('openrlhf', { rewards, scores: rewards, extra_logs: { dummy_scores: rewards } }, 2)).toEqual(
    [{ values: [0.5] }, { values: [-1.25] }],
  )
})

test('each score in a list of its own', () => {
  expect(reading('openrlhf', { rewards: [[0.5], [null]] }, 2)).toEqual([
    { values: [0.5] },
    { values: [Number.NaN] },
  ])
})

test('the score of a single text without a list', () => {
  expect(reading('openrlhf', { rewards: 0.5 })).toEqual([{ values: [0.5] }])
  expectBad('openrlhf', { rewards: 0.5 }, 2)
})

test.each<[string, unknown]>([
  ['no JSON', '{"rewards":[0.5'],
  ['bare NaN', '{"rewards":[NaN]}'],
  ['no rewards', { scores: [1] }],
  ['no object', [1]],
  ['too few', { rewards: [] }],
  ['too many', { rewards: [1, 2] }],
  ['two scores for a text', { rewards: [[1, 2]] }],
  ['text for a number', { rewards: ['1'] }],
  ['null for a list', { rewards: null }],
])('bad answer: %s', (_what, value) => expectBad('openrlhf', value))

test.each<[string, Refusal]>([
  ['no query', { fields: { query: undefined }, status: 500, says: 'Internal Server Error' }],
  ['a query of numbers', { fields: { query: [1] }, status: 500, says: 'Internal Server Error' }],
  ['no JSON', { request: { body: Buffer.from('{') }, status: 500, says: 'Internal Server Error' }],
  ['another path', { request: { path: '/' }, status: 404, says: '{"detail":"Not Found"}' }],
  ['another method', { request: { method: 'GET' }, status: 405, says: 'Method Not Allowed' }],
])('refused: %s', (_what, refusal) => expectRefusal('openrlhf', refusal))

test('one head, no more', async () => {
  expect(await contractOf('openrlhf', {}, { heads: ['reward'] })).toEqual({})
  const contract = contractOf('openrlhf', {}, { heads: ['helpfulness', 'coherence'] })
  await expect(contract).rejects.toThrow(WrongServer)
  await expect(contract).rejects.toMatchObject({ expected: '2 scores (helpfulness, coherence)' })
})
