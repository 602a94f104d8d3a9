import { describe, expect, test } from 'vitest'
import { BadAnswer, WrongServer } from '../../../src/reward/protocol.js'
import { tei } from '../../../src/reward/protocols/tei.js'
import {
  answer,
  contractOf,
  expectBad,
  expectRefusal,
  question,
  type Refusal,
  reading,
  requestFor,
  settings,
  started,
} from './support.js'

test('a request', () => {
  expect(requestFor(tei, 'one\n', 'zwei “ü”')).toEqual({
    method: 'POST',
    path: '/predict',
    headers: { 'content-type': 'application/json' },
    body: '{"inputs":[["one\\n"],["zwei “ü”"]],"raw_scores":true,"truncate":false}',
  })
})

test('scores keep their labels, whatever their order', () => {
  expect(
    reading(
      'tei',
      [
        [
          { score: 3.5, label: 'coherence' },
          { score: -0.25, label: 'helpfulness' },
        ],
        [
          { score: 2, label: 'helpfulness' },
          { score: 1, label: 'coherence' },
        ],
      ],
      2,
    ),
  ).toEqual([
    { values: [3.5, -0.25], names: ['coherence', 'helpfulness'] },
    { values: [2, 1], names: ['helpfulness', 'coherence'] },
  ])
})

test('labels that are mere places put the scores in order', () => {
  const predictions = [
    { score: 3, label: 'LABEL_1' },
    { score: 2, label: 'LABEL_2' },
    { score: 1, label: 'LABEL_0' },
  ]
  expect(reading('tei', [predictions])).toEqual([{ values: [1, 3, 2] }])
})

test('places that leave one out are names', () => {
  const predictions = [
    { score: 3, label: 'LABEL_2' },
    { score: 1, label: 'LABEL_0' },
  ]
  expect(reading('tei', [predictions])).toEqual([{ values: [3, 1], names: ['LABEL_2', 'LABEL_0'] }])
})

test.each<[string, unknown]>([
  ['no JSON', '[[{"score":0.5'],
  ['the answer to a single text', [{ score: 1, label: 'a' }]],
  ['no list', { error: 'no' }],
  ['too few', []],
  ['too many', [[{ score: 1, label: 'a' }], [{ score: 1, label: 'a' }]]],
  ['no label', [[{ score: 1 }]]],
  ['no score', [[{ label: 'a' }]]],
  ['text for a number', [[{ score: '1', label: 'a' }]]],
  [
    'a label twice',
    [
      [
        { score: 1, label: 'a' },
        { score: 2, label: 'a' },
      ],
    ],
  ],
])('bad answer: %s', (_what, value) => expectBad('tei', value))

test.each<[string, Refusal]>([
  [
    'an empty text',
    {
      fields: { inputs: [['a'], ['']] },
      status: 413,
      says: '{"error":"Input validation error: `inputs` cannot be empty","error_type":"Validation"}',
    },
  ],
  [
    'a text too long',
    { fields: { inputs: [['a'.repeat(128_001)]] }, status: 413, says: '"error_type":"Validation"' },
  ],
  [
    'too many texts',
    {
      fields: { inputs: Array(33).fill(['a']) },
      status: 413,
      says: '{"error":"batch size 33 > maximum allowed batch size 32","error_type":"Validation"}',
    },
  ],
  [
    'too many bytes',
    { fields: { inputs: Array(32).fill(['a'.repeat(63_000)]) }, status: 413, says: 'length limit exceeded' },
  ],
  ['no inputs', { fields: { inputs: undefined }, status: 422, says: 'missing field `inputs`' }],
  ['no texts', { fields: { inputs: [] }, status: 422, says: 'expected a string, a pair of strings' }],
  ['three in a list', { fields: { inputs: [['a', 'b', 'c']] }, status: 422, says: 'expected a string' }],
  ['a wrong type', { fields: { raw_scores: 1 }, status: 422, says: 'raw_scores' }],
  [
    'another content type',
    {
      request: { headers: { 'content-type': 'text/plain' } },
      status: 415,
      says: 'Expected request with `Content-Type: application/json`',
    },
  ],
  [
    'no JSON',
    { request: { body: Buffer.from('{') }, status: 400, says: 'Failed to parse the request body as JSON' },
  ],
  ['another path', { request: { path: '/classify' }, status: 404, says: '' }],
  ['another method', { request: { method: 'GET' }, status: 405, says: '' }],
])('refused: %s', (_what, refusal) => expectRefusal('tei', refusal))

test('the most texts are learned from the refusal', async () => {
  const { ask } = await started('tei')
  const response = await ask(tei.request(Array(40).fill(question('a')), settings))
  expect(tei.learnMostTexts?.(response)).toBe(32)
  const long = answer(
    { error: 'Input validation error: `inputs` must have less than 512 tokens. Given: 600' },
    413,
  )
  expect(tei.learnMostTexts?.(long)).toBeUndefined()
})

describe('contract', () => {
  const info = {
    model_id: 'm',
    model_type: { classifier: { id2label: {}, label2id: {} } },
    max_client_batch_size: 8,
  }

  test.each(['classifier', 'reranker'])('a %s', async (kind) => {
    const own = { ...info, model_type: { [kind]: { id2label: {}, label2id: {} } } }
    expect(await contractOf('tei', { '/info': own })).toEqual({ mostTexts: 8 })
  })

  test.each([{ embedding: { pooling: 'cls' } }, 'embedding'])(
    'an embedding model: %j',
    async (model_type) => {
      const contract = contractOf('tei', { '/info': { ...info, model_type } })
      await expect(contract).rejects.toThrow(WrongServer)
      await expect(contract).rejects.toMatchObject({
        found: 'the model `m` is of the type `embedding`',
        expected: 'a classifier',
      })
    },
  )

  test.each<Record<string, unknown>>([
    {},
    { '/info': [] },
    { '/info': { ...info, model_type: undefined } },
    { '/info': { ...info, max_client_batch_size: 0 } },
    { '/info': { ...info, max_client_batch_size: '32' } },
  ])('a server that does not say: %j', async (answers) => {
    await expect(contractOf('tei', answers)).rejects.toThrow(BadAnswer)
  })
})
