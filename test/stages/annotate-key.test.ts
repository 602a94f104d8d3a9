import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { annotate, type SteerpipeError } from '../../src/index.js'
import type { Fault } from '../support/reward-server.js'
import { conversations, hurried, server, watchRejections } from './annotate-support.js'
import { failure, objectsThrough, thrown } from './support.js'

const KEY = 'sk-live-0123456789abcdef'
const env = { REWARD_KEY: KEY }
const keyed = { apiKeyEnv: 'REWARD_KEY' }

describe('the key', () => {
  test('is looked up in the environment, and nothing is done without it', () => {
    const options = { server: 'http://127.0.0.1:9', ...keyed }
    const error = thrown(() => annotate(options, { env: {} }))
    expect(error).toMatchObject({
      code: 'SERVER_DENIED',
      found: 'the environment has no `REWARD_KEY`, which `api-key-env` names',
      fix: 'Set it: `export REWARD_KEY=…`.',
      stage: 'annotate',
    })
    expect(thrown(() => annotate(options, { env: { REWARD_KEY: '' } })).code).toBe('SERVER_DENIED')
    const bad = thrown(() => annotate(options, { env: { REWARD_KEY: `${KEY}\nX: y` } }))
    expect(bad.code).toBe('SERVER_DENIED')
    expect(inspect(bad)).not.toContain(KEY)
  })

  test('may have a line end behind it', async () => {
    const { url } = await server({ key: KEY })
    const stage = annotate({ server: url, ...keyed }, { env: { REWARD_KEY: `${KEY}\n` } })
    expect(await objectsThrough(conversations(1), stage)).toHaveLength(1)
  })

  const echo =
    (status: number): ((headers: unknown) => Fault) =>
    (headers) => ({
      status,
      headers: { location: `https://elsewhere/?key=${KEY}`, 'x-echo': KEY },
      body: { error: `you sent ${JSON.stringify(headers)}` },
    })

  test.each([400, 404, 413, 429, 500, 503, 401, 301])(
    'is in nothing that is told, though a server that answers %i repeats it',
    async (status) => {
      watchRejections()
      const { url } = await server({
        key: KEY,
        fault: ({ index, headers }) => (index > 3 ? echo(status)(headers) : undefined),
      })
      const told: unknown[] = []
      const onLeftOut = (error: SteerpipeError) => told.push(error)
      const stage = annotate({ server: url, maxInFlight: 2, ...keyed }, { env, onError: 'skip', onLeftOut })
      const error = await hurried(() => failure(objectsThrough(conversations(10), stage)))
      told.push(error, error.message, error.cause, stage.status(), stage.details(), stage.counters)
      const all = inspect(told, { depth: 20, maxStringLength: null })
      expect(all).toContain(String(status))
      expect(all).not.toContain(KEY)
      expect(all).not.toContain('0123456789')
    },
  )

  test('nor while a server is waited for, or is another one', async () => {
    for (const status of [503, 401]) {
      const { url } = await server({ key: KEY, fault: ({ headers }) => echo(status)(headers) })
      const stage = annotate({ server: url, waitReady: '100ms', ...keyed }, { env })
      const error = await failure(objectsThrough(conversations(1), stage))
      expect(error.found).toContain('you sent')
      expect(inspect(error, { depth: 20 })).not.toContain(KEY)
    }
  })
})
