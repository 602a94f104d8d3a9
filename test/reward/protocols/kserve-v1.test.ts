import { describe, expect, test } from 'vitest'
import { BadAnswer, WrongServer } from '../../../src/reward/protocol.js'
import { kserveV1 } from '../../../src/reward/protocols/kserve-v1.js'
import {
  contractOf,
  expectBad,
  expectRefusal,
  question,
  type Refusal,
  reading,
  requestFor,
} from './support.js'

test('a request', () => {
  expect(requestFor(kserveV1, 'one\n', 'zwei “ü”')).toEqual({
    method: 'POST',
    path: '/v1/models/reward_model:predict',
    headers: { 'content-type': 'application/json' },
    body: '{"instances":["one\\n","zwei “ü”"]}',
  })
})

test('a name that is no part of a path', () => {
  expect(kserveV1.request([question('a')], { model: 'a/b c', heads: [] }).path).toBe(
    '/v1/models/a%2Fb%20c:predict',
  )
})

test('the shapes of a prediction', () => {
  const predictions = [[1, -2.5], 0.5, { coherence: 3, helpfulness: 2 }, { 1: -1.5, 0: 2, 2: null }]
  expect(reading('kserve-v1', { predictions }, 4)).toEqual([
    { values: [1, -2.5] },
    { values: [0.5] },
    { values: [3, 2], names: ['coherence', 'helpfulness'] },
    { values: [2, -1.5, Number.NaN] },
  ])
})

test.each<[string, unknown]>([
  ['no JSON', '{"predictions":[0.5'],
  ['no predictions', { outputs: [1] }],
  ['no object', [1]],
  ['too few', { predictions: [] }],
  ['too many', { predictions: [1, 2] }],
  ['text for a number', { predictions: ['1'] }],
  ['text in a list', { predictions: [['1']] }],
  ['text in an object', { predictions: [{ label: 'cat', score: 1 }] }],
  ['a list in a list', { predictions: [[[1]]] }],
  ['an error', { error: 'no' }],
])('bad answer: %s', (_what, value) => expectBad('kserve-v1', value))

test.each<[string, Refusal]>([
  ['no instances', { fields: { instances: undefined }, status: 400, says: '{"error":' }],
  [
    'instances that are no list',
    { fields: { instances: 'a' }, status: 400, says: 'Expected \\"instances\\" to be a list' },
  ],
  ['instances of numbers', { fields: { instances: [1] }, status: 500, says: 'ValueError' }],
  ['no JSON', { request: { body: Buffer.from('{') }, status: 400, says: 'Unrecognized request format' }],
  [
    'another model',
    {
      request: { path: '/v1/models/other:predict' },
      status: 404,
      says: '{"error":"Model with name other does not exist."}',
    },
  ],
  [
    'another verb',
    { request: { path: '/v1/models/reward_model:classify' }, status: 404, says: '{"detail":"Not Found"}' },
  ],
  ['another method', { request: { method: 'GET' }, status: 405, says: 'Method Not Allowed' }],
])('refused: %s', (_what, refusal) => expectRefusal('kserve-v1', refusal))

describe('contract', () => {
  const path = '/v1/models/reward_model'

  test('a model that is ready', async () => {
    expect(await contractOf('kserve-v1', { [path]: { name: 'reward_model', ready: true } })).toEqual({})
  })

  test('a model that is not', async () => {
    await expect(contractOf('kserve-v1', { [path]: { name: 'reward_model', ready: false } })).rejects.toThrow(
      BadAnswer,
    )
  })

  test('no such model', async () => {
    await expect(contractOf('kserve-v1', {})).rejects.toThrow(WrongServer)
  })
})
