import { describe, expect, test } from 'vitest'
import { BadAnswer, WrongServer } from '../../../src/reward/protocol.js'
import { sglang } from '../../../src/reward/protocols/sglang.js'
import { contractOf, expectBad, expectRefusal, type Refusal, reading, requestFor } from './support.js'

test('a request', () => {
  expect(requestFor(sglang, 'one\n', 'zwei “ü”')).toEqual({
    method: 'POST',
    path: '/classify',
    headers: { 'content-type': 'application/json' },
    body: '{"model":"reward_model","text":["one\\n","zwei “ü”"]}',
  })
})

test('an answer as the documentation shows it', () => {
  const meta_info = { id: '8d7', finish_reason: { type: 'length', length: 0 }, prompt_tokens: 67 }
  expect(
    reading(
      'sglang',
      [
        { embedding: [-24.375, 1], meta_info },
        { embedding: [null, 1.09375], meta_info },
      ],
      2,
    ),
  ).toEqual([{ values: [-24.375, 1] }, { values: [Number.NaN, 1.09375] }])
})

test.each<[string, unknown]>([
  ['no JSON', '[{"embedding":[0.5'],
  ['no list', { embedding: [1] }],
  ['too few', []],
  ['too many', [{ embedding: [1] }, { embedding: [1] }]],
  ['no embedding', [{ meta_info: {} }]],
  ['a number for a list', [{ embedding: 1 }]],
  ['a list for a number', [{ embedding: [[1, 2]] }]],
  ['text for a number', [{ embedding: ['1'] }]],
  ['a list for an object', [[1]]],
  ['an error', { error: { message: 'no' } }],
])('bad answer: %s', (_what, value) => expectBad('sglang', value))

test.each<[string, Refusal]>([
  [
    'no text',
    {
      fields: { text: undefined },
      status: 400,
      says: '{"error":{"message":"Either text or input_ids should be provided."}}',
    },
  ],
  ['text of numbers', { fields: { text: [1] }, status: 400, says: '"object":"error"' }],
  [
    'another content type',
    { request: { headers: { 'content-type': 'text/plain' } }, status: 400, says: '"code":400' },
  ],
  ['no JSON', { request: { body: Buffer.from('{"text":') }, status: 400, says: '"type":"Bad Request"' }],
  ['another path', { request: { path: '/classif' }, status: 404, says: '{"detail":"Not Found"}' }],
  ['another method', { request: { method: 'GET' }, status: 405, says: 'Method Not Allowed' }],
])('refused: %s', (_what, refusal) => expectRefusal('sglang', refusal))

describe('contract', () => {
  test.each(['/model_info', '/get_model_info'])('a reward model, by %s', async (path) => {
    expect(await contractOf('sglang', { [path]: { model_path: 'm', is_generation: false } })).toEqual({})
  })

  test('a model that writes text', async () => {
    const contract = contractOf('sglang', { '/model_info': { model_path: 'chat', is_generation: true } })
    await expect(contract).rejects.toThrow(WrongServer)
    await expect(contract).rejects.toMatchObject({
      found: 'the model `chat` is served for writing text',
      expected: 'a reward model, served with `--is-embedding`',
    })
  })

  test.each<Record<string, unknown>>([{}, { '/model_info': { is_generation: 'no' } }, { '/model_info': [] }])(
    'a server that does not say: %j',
    async (answers) => {
      await expect(contractOf('sglang', answers)).rejects.toThrow(BadAnswer)
    },
  )
})

test('readiness is asked for without making the model work', () => {
  expect(sglang.ready({ model: 'm', heads: [] })).toEqual([{ method: 'GET', path: '/v1/models' }])
})
