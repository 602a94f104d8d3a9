import { request as send } from 'node:http'
import { request as sendTls } from 'node:https'
import { connect as connectTls } from 'node:tls'
import { describe, expect, onTestFinished, test } from 'vitest'
import { BadAnswer, type ProtocolSettings, type ServerResponse } from '../../src/reward/protocol.js'
import { kserveV2 } from '../../src/reward/protocols/kserve-v2.js'
import { asking } from '../support/ask.js'
import { selfSignedCertificate } from '../support/certificate.js'
import { type RunningProxy, startProxy } from '../support/proxy.js'
import {
  type Fault,
  type RewardServer,
  type RewardServerOptions,
  startRewardServer,
} from '../support/reward-server.js'
import { scoresOf } from '../support/stand-ins/scores.js'

const settings: ProtocolSettings = { model: 'reward_model', heads: Array.from('abcdefghi') }

/** A server for a test, closed after it. */
async function started(options?: RewardServerOptions): Promise<RewardServer> {
  const server = await startRewardServer(options)
  onTestFinished(() => server.close())
  return server
}

const requestFor = (...texts: readonly string[]) =>
  kserveV2.request(
    texts.map((text) => ({ text: Buffer.from(text), messages: () => [] })),
    settings,
  )

const answerTo = (server: RewardServer, ...texts: readonly string[]): Promise<ServerResponse> =>
  asking(server.url)(requestFor(...texts))

const scoresIn = (answer: ServerResponse, count = 1) =>
  kserveV2.read(answer, count, settings).map(({ values }) => values)

const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `text ${i}`)

describe('scores', () => {
  test('are a fixed function of the text, and what went to the model is told', async () => {
    const server = await started()
    const answer = await answerTo(server, 'b', 'a', 'b')
    expect(scoresIn(answer, 3)).toEqual(['b', 'a', 'b'].map((text) => scoresOf(text, 9)))
    await answerTo(server, 'c')
    const { requests, texts, distinct, batches, connections } = server.stats
    expect({ requests, texts, distinct, batches, connections }).toEqual({
      requests: 2,
      texts: ['b', 'a', 'b', 'c'],
      distinct: 3,
      batches: 2,
      connections: 2,
    })
    server.reset()
    expect(server.stats).toMatchObject({ requests: 0, texts: [], batches: 0 })
  })

  test('are those that the test says', async () => {
    const server = await started({ heads: 2, scores: (text, heads) => [text.length, heads] })
    expect(scoresIn(await answerTo(server, 'héllo'))).toEqual([[6, 2]])
  })

  test('have as many heads as the server has', async () => {
    const server = await started({ heads: 5 })
    expect(scoresIn(await answerTo(server, 'a'))).toEqual([scoresOf('a', 5)])
  })
})

describe('batches', () => {
  test('are of what has gathered, up to their size', async () => {
    const server = await started({ batch: 16 })
    server.pause()
    const answers = numbered(20).map((text) => answerTo(server, text))
    await server.arrived(20)
    expect(server.stats).toMatchObject({ requests: 20, inFlight: 20, mostInFlight: 20, batches: 0 })
    server.resume()
    const scores = (await Promise.all(answers)).flatMap((answer) => scoresIn(answer))
    expect(scores).toEqual(numbered(20).map((text) => scoresOf(text, 9)))
    expect(server.stats).toMatchObject({ batches: 2, mostInFlight: 20 })
  })

  test('keep the texts of a request together, and a large request takes several', async () => {
    const server = await started({ batch: 4 })
    server.pause()
    const answers = [3, 3, 9].map((size) => answerTo(server, ...numbered(size)))
    await server.arrived(3)
    server.resume()
    await Promise.all(answers)
    expect(server.stats.batches).toBe(1 + 1 + 3)
  })

  test('are worked off one at a time', async () => {
    const server = await started({ batch: 2, latency: 10, perItem: 5 })
    const begin = performance.now()
    await Promise.all(numbered(4).map((text) => answerTo(server, text)))
    // Timers may be early by a part of a millisecond.
    expect(performance.now() - begin).toBeGreaterThan(2 * (10 + 2 * 5) - 4)
  })

  test('leave out whoever has gone away', async () => {
    const server = await started()
    server.pause()
    const { path, headers, body } = requestFor('a')
    const given = send(server.url + path, { method: 'POST', agent: false, headers: { ...headers } })
    given.on('error', () => {}).end(body)
    await server.arrived(1)
    given.destroy()
    await expect.poll(() => server.stats.inFlight, { interval: 5 }).toBe(0)
    server.resume()
    await answerTo(server, 'b')
    expect(server.stats.batches).toBe(1)
  })
})

describe('faults', () => {
  /** What becomes of the second of three requests. */
  async function second(fault: Fault): Promise<{ server: RewardServer; answer: ServerResponse }> {
    const server = await started({ fault: ({ index }) => (index === 1 ? fault : undefined) })
    expect(scoresIn(await answerTo(server, 'a'))).toEqual([scoresOf('a', 9)])
    const answer = await answerTo(server, 'a').finally(async () => {
      expect(scoresIn(await answerTo(server, 'a'))).toEqual([scoresOf('a', 9)])
    })
    return { server, answer }
  }

  test('are chosen by number, texts and headers', async () => {
    const server = await started()
    const seen: unknown[] = []
    server.fault = ({ index, texts, headers }) => {
      seen.push([index, texts, headers['content-type']])
      return undefined
    }
    await answerTo(server, 'a', 'é')
    await answerTo(server, 'b')
    const type = 'application/octet-stream'
    expect(seen).toEqual([
      [0, ['a', 'é'], type],
      [1, ['b'], type],
    ])
  })

  test('a status, with headers and a body', async () => {
    const { server, answer } = await second({
      status: 503,
      headers: { 'retry-after': '7' },
      body: { error: 'Exceeds maximum queue size' },
    })
    expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '7' } })
    expect(answer.body.toString()).toBe('{"error":"Exceeds maximum queue size"}')
    expect(server.stats).toMatchObject({ requests: 3, texts: ['a', 'a'] })
  })

  test('a reset', async () => {
    await expect(second('reset')).rejects.toThrow(/ECONNRESET|hang up/)
  })

  test('a cut answer', async () => {
    await expect(second('truncate')).rejects.toThrow('aborted')
  })

  test('a Content-Length that is too short', async () => {
    const scores = second('short-length').then(({ answer }) => scoresIn(answer))
    // The client may come across what is too much, or read what is too little.
    await expect(scores).rejects.toThrow(/Parse Error|ends within a tensor|shorter/)
  })

  test('an answer that is no JSON', async () => {
    const { answer } = await second('not-json')
    expect(answer.status).toBe(200)
    expect(() => scoresIn(answer)).toThrow(BadAnswer)
  })

  test('a score that is no number', async () => {
    const { answer } = await second('nan')
    const [, ...others] = scoresOf('a', 9)
    expect(scoresIn(answer)).toEqual([[Number.NaN, ...others]])
  })

  test('another number of scores', async () => {
    const { answer } = await second({ heads: 5 })
    expect(scoresIn(answer)).toEqual([scoresOf('a', 5)])
  })

  test('an answer byte by byte, and one that comes late', async () => {
    for (const fault of [{ trickle: 0 }, { delay: 10 }]) {
      const { answer } = await second(fault)
      expect(scoresIn(answer)).toEqual([scoresOf('a', 9)])
    }
  })

  test('no answer at all', async () => {
    const server = await started({ fault: () => 'hang' })
    const answer = answerTo(server, 'a')
    await server.arrived(1)
    await new Promise(setImmediate)
    expect(server.stats.inFlight).toBe(1)
    await server.close()
    await expect(answer).rejects.toThrow(/ECONNRESET|hang up/)
  })
})

describe('coming and going', () => {
  test('while it loads its model it is as Triton is', async () => {
    const server = await started({ ready: false })
    const ask = asking(server.url)
    const model = '/v2/models/reward_model'
    const asked = async () => {
      const answers = [
        await ask({ method: 'GET', path: '/v2/health/ready' }),
        await ask({ method: 'GET', path: `${model}/ready` }),
        await ask({ method: 'GET', path: model }),
        await ask(requestFor('a')),
      ]
      return answers.map(({ status }) => status)
    }
    expect(await asked()).toEqual([400, 400, 404, 404])
    server.setReady(true)
    expect(await asked()).toEqual([200, 200, 200, 200])
  })

  test('it dies, and comes back at the same address', async () => {
    const server = await started()
    const { url } = server
    server.pause()
    const lost = answerTo(server, 'a')
    await server.arrived(1)
    await Promise.all([server.stop(), expect(lost).rejects.toThrow(/ECONNRESET|hang up/)])
    await expect(answerTo(server, 'a')).rejects.toThrow('ECONNREFUSED')
    await server.start()
    expect(server.url).toBe(url)
    expect(scoresIn(await answerTo(server, 'a'))).toEqual([scoresOf('a', 9)])
    expect(server.stats).toMatchObject({ inFlight: 0, requests: 2, batches: 1 })
  })

  test('it lies below a path, and wants a key', async () => {
    const server = await started({ basePath: '/team/reward', key: 'k1' })
    expect(server.url).toMatch(/:\d+\/team\/reward$/)
    const request = requestFor('a')
    const withKey = (key: string) => ({
      ...request,
      headers: { ...request.headers, authorization: `Bearer ${key}` },
    })
    const ask = asking(server.url)
    expect(await ask(request)).toMatchObject({ status: 401 })
    expect(await ask(withKey('k2'))).toMatchObject({ status: 401 })
    expect(await ask(withKey('k1'))).toMatchObject({ status: 200 })
    const root = asking(new URL(server.url).origin)
    expect(await root(withKey('k1'))).toMatchObject({ status: 404 })
  })
})

const READY = '/v2/models/reward_model/ready'

describe('https', () => {
  const certificate = selfSignedCertificate()

  const status = (url: string, ca?: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      sendTls(url, { agent: false, ...(ca && { ca }) }, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end()
    })

  test('whoever trusts its certificate is answered', async () => {
    const server = await started({ certificate })
    expect(server.url).toMatch(/^https:/)
    expect(await status(server.url + READY, certificate.cert)).toBe(200)
    const { port } = new URL(server.url)
    expect(await status(`https://localhost:${port}${READY}`, certificate.cert)).toBe(200)
    await expect(status(server.url + READY)).rejects.toThrow('self-signed certificate')
  })

  test('no two certificates are the same', async () => {
    const server = await started({ certificate })
    const other = selfSignedCertificate()
    await expect(status(server.url + READY, other.cert)).rejects.toThrow(/self-signed|signature/)
  })
})

describe('the proxy', () => {
  async function startedProxy(): Promise<RunningProxy> {
    const proxy = await startProxy()
    onTestFinished(() => proxy.close())
    return proxy
  }

  const through = (proxy: RunningProxy, target: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const { hostname, port } = new URL(proxy.url)
      const headers = { 'proxy-authorization': 'Basic eDp5' }
      send({ hostname, port, path: target, headers, agent: false }, (response) =>
        resolve(response.resume().statusCode),
      )
        .on('error', reject)
        .end()
    })

  test('passes on requests with a whole address, and counts them', async () => {
    const [server, proxy] = [await started(), await startedProxy()]
    expect(await through(proxy, server.url + READY)).toBe(200)
    expect(proxy.forwarded).toEqual([
      { method: 'GET', target: server.url + READY, authorization: 'Basic eDp5' },
    ])
    expect(await through(proxy, READY)).toBe(400)
    await server.stop()
    expect(await through(proxy, server.url + READY)).toBe(502)
    expect(proxy.forwarded).toHaveLength(3)
  })

  /** Opens a tunnel and asks for `READY` in it, over TLS. */
  const tunnelled = (proxy: RunningProxy, target: string, ca: string) =>
    new Promise<string>((resolve, reject) => {
      const { hostname, port } = new URL(proxy.url)
      send({ hostname, port, method: 'CONNECT', path: target, agent: false })
        .on('connect', (_, socket) => {
          const secure = connectTls({ socket, ca, host: '127.0.0.1' })
          secure.end(`GET ${READY} HTTP/1.1\r\nHost: ${target}\r\nConnection: close\r\n\r\n`)
          let text = ''
          secure.setEncoding('utf8').on('data', (part: string) => {
            text += part
          })
          secure.on('end', () => resolve(text)).on('error', reject)
        })
        .on('error', reject)
        .end()
    })

  test('tunnels, and counts the tunnels', async () => {
    const certificate = selfSignedCertificate()
    const [server, proxy] = [await started({ certificate }), await startedProxy()]
    const { host } = new URL(server.url)
    expect(await tunnelled(proxy, host, certificate.cert)).toMatch(/^HTTP\/1.1 200 /)
    expect(proxy.forwarded).toEqual([{ method: 'CONNECT', target: host, authorization: undefined }])
    await server.stop()
    await expect(tunnelled(proxy, host, certificate.cert)).rejects.toThrow(/ECONNRESET|hang up/)
  })
})
