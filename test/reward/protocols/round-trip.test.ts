/**
 * Every protocol against the stand-in that speaks it.
 */
import { describe, expect, test } from 'vitest'
import { BadAnswer, type Protocol, type Scores } from '../../../src/reward/protocol.js'
import { PROTOCOL_NAMES, PROTOCOLS } from '../../../src/reward/protocols/index.js'
import { HEADS, scoresOf, spoken } from '../../support/stand-ins/index.js'
import { askerOf, question, settings, started } from './support.js'

const AWKWARD = [
  'plain',
  '',
  ' ',
  'quotes " and \\ and \u0000 and \n',
  'héllo \u{1f600} \u{10ffff}',
  '\u2028\u2029\ufeff\uffff',
  'a,b:c',
  'long '.repeat(20_000),
]

describe.each(PROTOCOL_NAMES)('%s', (name) => {
  const protocol: Protocol = PROTOCOLS[name]
  const heads = name === 'openrlhf' ? ['reward'] : HEADS
  const own = { ...settings, heads }
  // The one server that refuses an empty text.
  const texts = AWKWARD.filter((text) => name !== 'tei' || text !== '')

  /** What the stand-in must say of a text, in the order of the heads. */
  const expected = (text: string) =>
    scoresOf(name === 'nim' ? spoken(question(text).messages()) : text, heads.length)

  /** Scores in the order of the heads. */
  const inOrder = ({ values, names }: Scores) =>
    names === undefined ? values : heads.map((head) => values[names.indexOf(head)])

  test('awkward texts, one by one', async () => {
    const { ask, seen } = await started(name, { heads })
    for (const text of texts) {
      const response = await ask(protocol.request([question(text)], own))
      expect(response.status, String(response.body)).toBe(200)
      expect(protocol.read(response, 1, own).map(inOrder)).toEqual([expected(text)])
    }
    expect(seen.texts).toEqual(
      texts.map((text) => (name === 'nim' ? spoken(question(text).messages()) : text)),
    )
  })

  test.skipIf(protocol.mostTexts === 1)('several in one request keep their order', async () => {
    const { ask } = await started(name, { heads })
    const response = await ask(protocol.request(texts.map(question), own))
    expect(protocol.read(response, texts.length, own).map(inOrder)).toEqual(texts.map(expected))
  })

  test('the contract holds, and a server that is ready says so', async () => {
    const { ask } = await started(name, { heads })
    await protocol.contract(ask, own)
    for (const request of protocol.ready(own)) expect((await ask(request)).status).toBe(200)
  })

  test.skipIf(protocol.ready(own).length === 0)('a server that is not ready says so', async () => {
    const { ask } = await started(name, { ready: () => false })
    const statuses = await Promise.all(
      protocol.ready(own).map(async (request) => (await ask(request)).status),
    )
    expect(statuses).not.toContain(200)
  })

  test('a key is wanted', async () => {
    const { url, ask, seen } = await started(name, { heads, key: 'secret' })
    const request = protocol.request([question('text')], own)
    expect((await askerOf(url)(request)).status).toBe(401)
    expect([401, 403]).toContain((await askerOf(url, 'guess')(request)).status)
    expect(seen.texts).toEqual([])
    expect((await ask(request)).status).toBe(200)
  })

  test('an answer that is cut short, or for another number of texts, is refused', async () => {
    const { ask } = await started(name, { heads })
    const response = await ask(protocol.request([question('text')], own))
    const wrong = { ...response, body: response.body.subarray(0, -2) }
    expect(() => protocol.read(wrong, 1, own)).toThrow(BadAnswer)
    if (protocol.mostTexts > 1) expect(() => protocol.read(response, 2, own)).toThrow(BadAnswer)
  })

  test('a fault comes first', async () => {
    const { ask, seen } = await started(name, {
      heads,
      fault: ({ number }, response) =>
        number === 0 && Boolean(response.writeHead(503, { 'retry-after': '1' }).end()),
    })
    const request = protocol.request([question('text')], own)
    expect(await ask(request)).toMatchObject({ status: 503, headers: { 'retry-after': '1' } })
    expect((await ask(request)).status).toBe(200)
    expect(seen).toMatchObject({ requests: 2, texts: [expect.stringContaining('text')] })
  })
})

test.each([
  ['vllm', { use_activation: true }],
  ['vllm', { use_activation: undefined }],
  ['tei', { raw_scores: undefined }],
] as const)(
  'a stand-in for %s that is not asked for raw scores gives probabilities',
  async (name, fields) => {
    const { ask } = await started(name)
    const { body, ...request } = PROTOCOLS[name].request([question('text')], settings)
    const changed = JSON.stringify({ ...JSON.parse(String(body)), ...fields })
    const [{ values }] = PROTOCOLS[name].read(
      await ask({ ...request, body: Buffer.from(changed) }),
      1,
      settings,
    )
    expect(values.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1)
  },
)
