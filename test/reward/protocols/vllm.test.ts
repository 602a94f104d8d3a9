import { describe, expect, test } from 'vitest'
import { BadAnswer, WrongServer } from '../../../src/reward/protocol.js'
import { vllm } from '../../../src/reward/protocols/vllm.js'
import { contractOf, expectBad, expectRefusal, type Refusal, reading, requestFor } from './support.js'

test('a request', () => {
  expect(requestFor(vllm, 'one\n', 'zwei “ü”')).toEqual({
    method: 'POST',
    path: '/classify',
    headers: { 'content-type': 'application/json' },
    body: '{"model":"reward_model","input":["one\\n","zwei “ü”"],"use_activation":false}',
  })
})

test('an answer as the documentation shows it', () => {
  const data = [
    { index: 0, label: 'Default', probs: [0.565970778465271, 0.4340292513370514], num_classes: 2 },
    { index: 1, label: 'Spoiled', probs: [-3.5, 12], num_classes: 2 },
  ]
  expect(
    reading('vllm', { id: 'classify-7c8', object: 'list', created: 1745383213, model: 'm', data }, 2),
  ).toEqual([{ values: [0.565970778465271, 0.4340292513370514] }, { values: [-3.5, 12] }])
})

test('null is no number', () => {
  expect(reading('vllm', { data: [{ index: 0, probs: [null, 1] }] })).toEqual([{ values: [Number.NaN, 1] }])
})

test.each<[string, unknown]>([
  ['no JSON', '{"data":[{"index":0,"probs":[0.5'],
  ['bare NaN', '{"data":[{"index":0,"probs":[NaN]}]}'],
  ['no object', [{ index: 0, probs: [1] }]],
  ['no data', { object: 'list' }],
  ['too few', { data: [] }],
  [
    'too many',
    {
      data: [
        { index: 0, probs: [1] },
        { index: 1, probs: [1] },
      ],
    },
  ],
  ['another order', { data: [{ index: 1, probs: [1] }] }],
  ['no probs', { data: [{ index: 0, label: 'a' }] }],
  ['a number for a list', { data: [{ index: 0, probs: 1 }] }],
  ['text for a number', { data: [{ index: 0, probs: ['1'] }] }],
  ['an error', { error: { message: 'no', type: 'BadRequestError', param: null, code: 400 } }],
])('bad answer: %s', (_what, value) => expectBad('vllm', value))

test.each<[string, Refusal]>([
  [
    'another model',
    {
      fields: { model: 'other' },
      status: 404,
      says: '{"error":{"message":"The model `other` does not exist.","type":"NotFoundError","param":"model","code":404}}',
    },
  ],
  [
    'no input',
    {
      fields: { input: undefined },
      status: 400,
      says: '"type":"Bad Request","param":"body.input","code":400',
    },
  ],
  ['input of numbers', { fields: { input: [1.5] }, status: 400, says: 'body.input' }],
  ['a wrong type', { fields: { use_activation: 'no' }, status: 400, says: 'body.use_activation' }],
  [
    'a field that was removed',
    { fields: { normalize: false }, status: 400, says: 'use `use_activation` instead' },
  ],
  [
    'another content type',
    { request: { headers: { 'content-type': 'text/plain' } }, status: 400, says: 'Unsupported Media Type' },
  ],
  ['no JSON', { request: { body: Buffer.from('{"model":') }, status: 400, says: 'JSON decode error' }],
  ['another path', { request: { path: '/v1/classify' }, status: 404, says: '{"detail":"Not Found"}' }],
  [
    'another method',
    {
      request: { method: 'GET' },
      status: 405,
      says: '{"detail":"Method Not Allowed"}',
    },
  ],
])('refused: %s', (_what, refusal) => expectRefusal('vllm', refusal))

describe('contract', () => {
  const models = { '/v1/models': { object: 'list', data: [{ id: 'a' }, { id: 'reward_model' }] } }

  test('a server that has the model', async () => {
    expect(await contractOf('vllm', { ...models, '/version': { version: '0.11.1' } })).toEqual({})
  })

  test.each(['0.11.1rc2', '0.12.0', '1.0.0', '0.1.dev1+g055e47c'])('version %s', async (version) => {
    expect(await contractOf('vllm', { ...models, '/version': { version } })).toEqual({})
  })

  test.each(['0.11.0', '0.9.2', '0.10.1.1'])('version %s is too old', async (version) => {
    const contract = contractOf('vllm', { ...models, '/version': { version } })
    await expect(contract).rejects.toThrow(WrongServer)
    await expect(contract).rejects.toThrow(`vLLM ${version}, which cannot be asked for scores`)
  })

  test('a server without the model', async () => {
    const contract = contractOf('vllm', models, { model: 'other' })
    await expect(contract).rejects.toThrow(WrongServer)
    await expect(contract).rejects.toMatchObject({
      found: 'the server has the models `a`, `reward_model`',
      expected: 'the model `other`',
    })
  })

  test('a list of many models is cut', async () => {
    const data = Array.from({ length: 100 }, (_, i) => ({ id: `m${i}` }))
    await expect(contractOf('vllm', { '/v1/models': { data } })).rejects.toThrow('`m4`, 95 others')
  })

  test('a list that is none', async () => {
    await expect(contractOf('vllm', { '/v1/models': { data: {} } })).rejects.toThrow(BadAnswer)
  })
})
