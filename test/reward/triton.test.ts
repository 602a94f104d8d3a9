import { beforeAll, describe, expect, test } from 'vitest'
import {
  BadAnswer,
  type ProtocolSettings,
  type Question,
  type ServerResponse,
  WrongServer,
} from '../../src/reward/protocol.js'
import { kserveV2 } from '../../src/reward/protocols/kserve-v2.js'
import { asking } from '../support/ask.js'
import { type RewardServer, startRewardServer } from '../support/reward-server.js'
import { scoresOf } from '../support/stand-ins/scores.js'
import { useTriton } from '../support/triton/index.js'
import { REQUESTS } from './triton-requests.js'

const MAX_BATCH = 8
// With the output of old servers too, which must not be in the way.
const OPTIONS = { maxBatch: MAX_BATCH, exceeded: true }
const triton = useTriton(OPTIONS)

const settings: ProtocolSettings = { model: 'reward_model', heads: Array.from('abcdefghi') }

const question = (text: string): Question => ({ text: Buffer.from(text), messages: () => [] })

const AWKWARD = ['', 'a', 'héllo', '𝒳 \u2028 "quoted" \\', 'line\nline\0', 'long '.repeat(50_000)]

describe('kserve-v2 and a real Triton', () => {
  test('it is ready, and is what the protocol wants', async (context) => {
    const ask = asking(triton(context).url)
    for (const request of kserveV2.ready(settings)) {
      expect(await ask(request), request.path).toMatchObject({ status: 200 })
    }
    expect(await kserveV2.contract(ask, settings)).toEqual({ mostTexts: MAX_BATCH })
  })

  test('texts get the scores of the model, together and one at a time', async (context) => {
    const ask = asking(triton(context).url)
    const expected = AWKWARD.map((text) => ({ values: scoresOf(text, 9) }))
    const together = await ask(kserveV2.request(AWKWARD.map(question), settings))
    expect(kserveV2.read(together, AWKWARD.length, settings)).toEqual(expected)
    for (const [i, text] of AWKWARD.entries()) {
      const alone = await ask(kserveV2.request([question(text)], settings))
      expect(kserveV2.read(alone, 1, settings)).toEqual([expected[i]])
    }
  })

  test('an answer to a request in JSON is read too', async (context) => {
    const answer = await asking(triton(context).url)(REQUESTS['two texts in JSON'])
    const scores = ['héllo', 'a'].map((text) => ({ values: scoresOf(text, 9) }))
    expect(kserveV2.read(answer, 2, settings)).toEqual(scores)
  })

  test('another model is not ready, and is refused', async (context) => {
    const ask = asking(triton(context).url)
    const other = { ...settings, model: 'other' }
    const [server, model] = await Promise.all(kserveV2.ready(other).map(ask))
    expect([server.status, model.status]).toEqual([200, 400])
    await expect(kserveV2.contract(ask, other)).rejects.toThrow()
    expect(await ask(kserveV2.request([question('a')], other))).toMatchObject({ status: 404 })
  })

  test('a request with too many texts says how many it may have', async (context) => {
    const texts = Array.from({ length: MAX_BATCH + 1 }, (_, i) => question(String(i)))
    const answer = await asking(triton(context).url)(kserveV2.request(texts, settings))
    expect(answer.status).toBe(400)
    expect(kserveV2.learnMostTexts?.(answer)).toBe(MAX_BATCH)
  })

  test('what is not an answer with scores is not read as one', async (context) => {
    const answer = await asking(triton(context).url)(kserveV2.request([question('a')], settings))
    expect(() => kserveV2.read(answer, 2, settings)).toThrow(BadAnswer)
    const cut = { ...answer, body: answer.body.subarray(0, -1) }
    expect(() => kserveV2.read(cut, 1, settings)).toThrow(BadAnswer)
  })
})

test('a server with other tensors is the wrong server', async () => {
  const metadata = {
    inputs: [{ name: 'text', datatype: 'BYTES', shape: [-1, 1] }],
    outputs: [{ name: 'rewards', datatype: 'FP32', shape: [-1, 1] }],
  }
  const body = Buffer.from(JSON.stringify(metadata))
  const contract = kserveV2.contract(async () => ({ status: 200, headers: {}, body }), settings)
  await expect(contract).rejects.toThrow(WrongServer)
})

describe('the stand-in answers as a real Triton does', () => {
  let standIn: RewardServer
  beforeAll(async () => {
    standIn = await startRewardServer(OPTIONS)
    return () => standIn.close()
  })

  test.for(Object.entries(REQUESTS))('%s', async ([, request], context) => {
    const real = await asking(triton(context).url)(request)
    const ours = await asking(standIn.url)(request)
    expect(comparable(ours)).toEqual(comparable(real))
  })

  test('the configuration, as far as the stand-in tells it', async (context) => {
    const request = { method: 'GET', path: '/v2/models/reward_model/config' } as const
    const real = await asking(triton(context).url)(request)
    const ours = await asking(standIn.url)(request)
    expect(JSON.parse(real.body.toString())).toMatchObject(JSON.parse(ours.body.toString()))
  })
})

/** What a client goes by. */
function comparable({ status, headers, body }: ServerResponse): unknown {
  const text = body.toString('latin1')
  return {
    status,
    length: headers['inference-header-content-length'],
    // Where and how a parser stumbles is its own affair.
    body: text.replace(/(failed to parse the request JSON buffer:).*/, '$1'),
  }
}
