import { describe, expect, onTestFinished, test } from 'vitest'
import { type AnnotateOptions, annotate } from '../../src/index.js'
import type { ProtocolName } from '../../src/reward/protocols/index.js'
import { startProxy } from '../support/proxy.js'
import { HEADS, STAND_INS, type StandInOptions, scoresOf, spoken } from '../support/stand-ins/index.js'
import {
  annotatedBy,
  conversations,
  labelled,
  rounded,
  server,
  type Turn,
  watchRejections,
} from './annotate-support.js'
import { failure, objectsThrough } from './support.js'

const NAMES = Object.keys(STAND_INS) as ProtocolName[]
const KEY = 'nvapi-0123456789-secret'

/** As many scores as the protocol has. */
const headsOf = (protocol: ProtocolName) => (protocol === 'openrlhf' ? ['helpfulness'] : [...HEADS])

async function standIn(protocol: ProtocolName, options: StandInOptions = {}) {
  const running = await STAND_INS[protocol].start({ heads: headsOf(protocol), ...options })
  onTestFinished(() => running.stop())
  return running
}

const optionsFor = (protocol: ProtocolName, address: string): AnnotateOptions => ({
  server: address,
  protocol,
  heads: headsOf(protocol),
})

/** The stand-in for NIM scores messages, all others the whole text. */
function expected(protocol: ProtocolName, given: ReturnType<typeof conversations>) {
  if (protocol !== 'nim') return given.map((each) => labelled(each, headsOf(protocol)))
  return given.map(({ conversations: turns, mask }) => ({
    conversations: turns.map((turn, index): Turn => {
      if (typeof turn.label !== 'string') return turn
      const messages = turns.slice(0, index + 1).map(({ from, value }) => ({
        role: from === mask ? ('user' as const) : ('assistant' as const),
        content: value,
      }))
      const scores = scoresOf(spoken(messages), HEADS.length)
      return { ...turn, label: HEADS.map((name, head) => `${name}:${rounded(scores[head])}`).join(',') }
    }),
    mask,
  }))
}

describe.each(NAMES)('%s', (protocol) => {
  const given = conversations(100, 4)

  test('gives the labels', async () => {
    watchRejections()
    const { url, seen } = await standIn(protocol)
    expect(await annotatedBy(optionsFor(protocol, url), given)).toEqual(expected(protocol, given))
    expect(seen.texts).toHaveLength(201)
  })

  test('with a key from the environment, and not without', async () => {
    watchRejections()
    const { url } = await standIn(protocol, { key: KEY })
    const keyed = annotate(
      { ...optionsFor(protocol, url), apiKeyEnv: 'REWARD_KEY' },
      { env: { REWARD_KEY: KEY } },
    )
    expect(await objectsThrough(given, keyed)).toEqual(expected(protocol, given))
    const error = await failure(annotatedBy(optionsFor(protocol, url), given))
    expect(error.code).toBe('SERVER_DENIED')
    expect(error.found).toContain(`the server ${url} answered 401`)
  })

  test('when it is ready after a while, and fails now and then', async () => {
    watchRejections()
    let ready = false
    const { url } = await standIn(protocol, {
      ready: () => ready,
      fault: ({ number, method }, response) => {
        const fails = method === 'POST' && ready && number % 7 === 0
        if (fails) response.destroy()
        return fails
      },
    })
    setTimeout(() => {
      ready = true
    }, 50)
    expect(await annotatedBy(optionsFor(protocol, url), given)).toEqual(expected(protocol, given))
  })

  test('refuses another number of scores than it has', async () => {
    const { url } = await standIn(protocol)
    const options = { ...optionsFor(protocol, url), heads: [...headsOf(protocol), 'quality'] }
    const error = await failure(annotatedBy(options, given))
    expect(error.code).toBe('SERVER_WRONG')
    expect(error.expected).toContain('quality')
  })
})

describe('a server', () => {
  const given = conversations(20)
  const made = given.map((each) => labelled(each))

  test('may lie below a path', async () => {
    const { url } = await server({ basePath: '/team/reward' })
    expect(await annotatedBy({ server: url }, given)).toEqual(made)
    expect(await annotatedBy({ server: `${url}/` }, given)).toEqual(made)
  })

  test('may be reached through a proxy that the environment names', async () => {
    watchRejections()
    const { url } = await server()
    const proxy = await startProxy()
    onTestFinished(() => proxy.close())
    const through = (env: Record<string, string>) => objectsThrough(given, annotate({ server: url }, { env }))
    expect(await through({ HTTP_PROXY: proxy.url })).toEqual(made)
    expect(proxy.forwarded.length).toBeGreaterThan(0)
    const { length } = proxy.forwarded
    expect(await through({ http_proxy: proxy.url, no_proxy: '127.0.0.1' })).toEqual(made)
    expect(await through({ HTTPS_PROXY: proxy.url })).toEqual(made)
    expect(proxy.forwarded).toHaveLength(length)
  })
})
