import { describe, expect, test } from 'vitest'
import { WrongServer } from '../../../src/reward/protocol.js'
import { nim } from '../../../src/reward/protocols/nim.js'
import { contractOf, expectBad, expectRefusal, type Refusal, reading, requestFor } from './support.js'

test('a request', () => {
  expect(requestFor(nim, 'zwei “ü”\n')).toEqual({
    method: 'POST',
    path: '/v1/chat/completions',
    headers: { 'content-type': 'application/json' },
    body: '{"model":"reward_model","messages":[{"role":"user","content":"What?"},{"role":"assistant","content":"zwei “ü”\\n"}]}',
  })
})

const saying = (content: unknown, logprobs?: unknown) => ({
  choices: [{ index: 0, message: { role: 'assistant', content }, logprobs, finish_reason: 'length' }],
})

test('the hosted 340B model: a list of one message, and log probabilities', () => {
  const choice = {
    index: 0,
    message: [{ content: 'helpfulness:0.349609375,correctness:-0.357421875', role: 'assistant' }],
    logprobs: {
      content: [
        { token: 'helpfulness', logprob: 0.349609375, top_logprobs: [] },
        { token: 'correctness', logprob: -0.357421875, top_logprobs: [] },
      ],
    },
    finish_reason: 'length',
  }
  const expected = [{ values: [0.349609375, -0.357421875], names: ['helpfulness', 'correctness'] }]
  expect(reading('nim', { choices: [choice] })).toEqual(expected)
  expect(reading('nim', { choices: [{ ...choice, logprobs: null }] })).toEqual(expected)
})

test('the log probabilities count', () => {
  expect(reading('nim', saying('a:1', { content: [{ token: 'b', logprob: 2 }] }))).toEqual([
    { values: [2], names: ['b'] },
  ])
})

test.each([undefined, null, {}, { content: null }, { content: [] }])(
  'without log probabilities: %j',
  (logprobs) => {
    expect(reading('nim', saying('reward:-6.5', logprobs))).toEqual([{ values: [-6.5], names: ['reward'] }])
  },
)

test('the text of a message, as Python prints numbers', () => {
  const text = 'a:1, b: -1e-05 ,of:colons:.5,d:+3.,nothing:nan,much:-inf'
  expect(reading('nim', saying(text))).toEqual([
    {
      values: [1, -1e-5, 0.5, 3, Number.NaN, Number.NaN],
      names: ['a', 'b', 'of:colons', 'd', 'nothing', 'much'],
    },
  ])
})

test.each<[string, unknown]>([
  ['no JSON', '{"choices":['],
  ['no choices', { id: '1' }],
  ['no choice', { choices: [] }],
  ['two choices', { choices: [...saying('a:1').choices, ...saying('a:1').choices] }],
  ['no message', { choices: [{ index: 0 }] }],
  ['two messages', { choices: [{ message: [{ content: 'a:1' }, { content: 'a:1' }] }] }],
  ['no text', saying(null)],
  ['the text of a chat model', saying('Paris, as you know, is nice.')],
  ['an empty text', saying('')],
  ['no name', saying(':1')],
  ['no number', saying('a:')],
  ['no decimal number', saying('a:0x10')],
  ['a number with words', saying('a:1 or so')],
  ['a name twice', saying('a:1,a:2')],
  ['a token that is no text', saying('a:1', { content: [{ token: 1, logprob: 1 }] })],
  ['text for a number', saying('a:1', { content: [{ token: 'a', logprob: '1' }] })],
  ['a token without a number', saying('a:1', { content: [{ token: 'a' }] })],
])('bad answer: %s', (_what, value) => expectBad('nim', value))

const messages = [
  { role: 'user', content: 'a' },
  { role: 'assistant', content: 'b' },
]

test.each<[string, Refusal]>([
  [
    'another model',
    { fields: { model: 'other' }, status: 404, says: '"title":"Not Found","detail":"Function' },
  ],
  ['no model', { fields: { model: undefined }, status: 422, says: 'Field required' }],
  ['no messages', { fields: { messages: [] }, status: 422, says: 'messages' }],
  [
    'a system prompt',
    { fields: { messages: [{ role: 'system', content: 's' }, ...messages] }, status: 422, says: 'messages' },
  ],
  [
    'a message of the user at the end',
    { fields: { messages: [...messages, messages[0]] }, status: 400, says: 'must alternate' },
  ],
  ['two in a row', { fields: { messages: [messages[0], messages[0]] }, status: 400, says: 'must alternate' }],
  ['a setting of a chat model', { fields: { temperature: 0 }, status: 422, says: 'temperature' }],
  [
    'another content type',
    { request: { headers: { 'content-type': 'text/plain' } }, status: 415, says: 'application/json' },
  ],
  ['no JSON', { request: { body: Buffer.from('{') }, status: 400, says: 'no JSON' }],
  ['another path', { request: { path: '/chat/completions' }, status: 404, says: 'page not found' }],
  ['another method', { request: { method: 'GET' }, status: 405, says: '' }],
])('refused: %s', (_what, refusal) => expectRefusal('nim', refusal))

describe('contract', () => {
  test('a server that has the model', async () => {
    expect(await contractOf('nim', { '/v1/models': { data: [{ id: 'reward_model' }] } })).toEqual({})
  })

  test('a proxy without a list of models', async () => {
    expect(await contractOf('nim', {})).toEqual({})
  })

  test('a server without the model', async () => {
    await expect(contractOf('nim', { '/v1/models': { data: [{ id: 'other' }] } })).rejects.toThrow(
      WrongServer,
    )
  })
})
