import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { annotate, parse, type SteerpipeError } from '../../src/index.js'
import { seeded } from '../reward/simulation.js'
import type { Fault, FaultCase } from '../support/reward-server.js'
import { STAND_INS } from '../support/stand-ins/index.js'
import {
  annotatedBy,
  conversation,
  conversations,
  hurried,
  labelled,
  server,
  textOf,
  watchRejections,
} from './annotate-support.js'
import { failure, file, linesFrom, objectsThrough } from './support.js'

const GIVEN = conversations(60)
const EXPECTED = GIVEN.map((each) => labelled(each))

/** Each text's first tries fail so; the probe, which comes first, does not. */
function firstTries(count: number, fault: Fault) {
  const tries = new Map<string, number>()
  return ({ texts, index }: FaultCase): Fault | undefined => {
    const [text] = texts
    const tried = tries.get(text) ?? 0
    tries.set(text, tried + 1)
    return index > 0 && tried < count ? fault : undefined
  }
}

/** A text always fails so, however it comes. */
const always =
  (name: string, fault: Fault) =>
  ({ texts }: FaultCase): Fault | undefined =>
    texts.some((text) => text.includes(`${name},`)) ? fault : undefined

const in2s = {
  get headers() {
    return { 'retry-after': new Date(Date.now() + 2000).toUTCString() }
  },
}

describe('what may pass', () => {
  test.each<[string, number, Fault]>([
    ['400', 3, { status: 400 }],
    ['404', 3, { status: 404 }],
    ['408', 3, { status: 408 }],
    ['425', 3, { status: 425 }],
    ['429', 3, { status: 429 }],
    ['500', 3, { status: 500 }],
    ['502', 3, { status: 502 }],
    ['503', 3, { status: 503 }],
    ['504', 3, { status: 504 }],
    ['503 with Retry-After in seconds', 2, { status: 503, headers: { 'retry-after': '2' } }],
    ['429 with Retry-After as a date', 2, { status: 429, ...in2s }],
    ['a connection that is reset', 2, 'reset'],
    ['a request that is never answered', 1, 'hang'],
    ['an answer that is cut short', 2, 'truncate'],
    ['an answer that is longer than it says', 2, 'short-length'],
    ['an answer that comes a byte at a time', 1, { trickle: 1000 }],
    ['an answer that is none', 2, 'not-json'],
    ['scores that are no numbers', 2, 'nan'],
    ['another number of scores', 2, { heads: 5 }],
    ['no content', 1, { status: 204 }],
  ])('%s leaves no trace in what comes out', async (_name, count, fault) => {
    watchRejections()
    const { url } = await server({ fault: firstTries(count, fault) })
    const stage = annotate({ server: url, requestTimeout: 5 })
    expect(await hurried(() => objectsThrough(GIVEN, stage))).toEqual(EXPECTED)
    const details = stage.details()?.data as { retries: Record<string, number> }
    expect(Object.values(details.retries).reduce((a, b) => a + b)).toBeGreaterThanOrEqual(
      GIVEN.length * count,
    )
  })

  test('many kinds at once, at random, neither', async () => {
    watchRejections()
    const random = seeded(3)
    const { url } = await server({
      latency: 20,
      perItem: 1,
      fault: () => {
        const drawn = random()
        if (drawn < 0.2) return { status: 503 }
        if (drawn < 0.25) return 'reset'
        if (drawn < 0.26) return 'hang'
        return drawn < 0.265 ? 'nan' : undefined
      },
    })
    const many = conversations(500)
    expect(await hurried(() => annotatedBy({ server: url }, many))).toEqual(
      many.map((each) => labelled(each)),
    )
  })

  test('several texts in a request are asked singly before one is blamed', async () => {
    const bad = 'conversation 7'
    const { url, stats } = await server({ fault: always(bad, { status: 500 }) })
    const left: SteerpipeError[] = []
    const made = await hurried(() =>
      annotatedBy({ server: url, protocol: 'kserve-v2', maxInFlight: 1024 }, GIVEN, {
        onError: 'skip',
        onLeftOut: (error) => left.push(error),
      }),
    )
    expect(made).toEqual(EXPECTED.filter((_, index) => index !== 7))
    expect(left.map(({ code, place }) => [code, place?.line])).toEqual([['SERVER_REFUSED', 8]])
    expect(stats.requests).toBeGreaterThan(60)
  })

  test('and where requests usually have several, too', async () => {
    const server = await STAND_INS.openrlhf.start({
      heads: ['quality'],
      fault: ({ body }, response) => {
        const isBad = body.includes('conversation 7,')
        if (isBad) response.writeHead(500).end()
        return isBad
      },
    })
    try {
      const left: SteerpipeError[] = []
      const options = { server: server.url, protocol: 'openrlhf' as const, attributes: ['quality'] }
      const made = await hurried(() =>
        annotatedBy(options, GIVEN, { onError: 'skip', onLeftOut: (error) => left.push(error) }),
      )
      expect(made).toEqual(GIVEN.filter((_, index) => index !== 7).map((each) => labelled(each, ['quality'])))
      expect(left.map(({ code, place }) => [code, place?.line])).toEqual([['SERVER_REFUSED', 8]])
    } finally {
      await server.stop()
    }
  })
})

describe('what does not pass', () => {
  test.each<[string, Fault, string, RegExp]>([
    [
      '400',
      { status: 400, body: { error: 'no such thing' } },
      'SERVER_REFUSED',
      /answers 400 to this text, again and again: no such thing/,
    ],
    ['413', { status: 413, body: 'too large' }, 'SERVER_REFUSED', /answers 413 to this text: too large/],
    ['500', { status: 500 }, 'SERVER_REFUSED', /answers 500 to this text/],
    ['NaN', 'nan', 'SCORES_UNUSABLE', /gave NaN as the score of `quality`/],
    ['five scores', { heads: 5 }, 'SCORES_UNUSABLE', /gave 5 scores instead of 9/],
  ])('%s is an error of the record, and those before it are kept', async (_name, fault, code, found) => {
    watchRejections()
    const { url } = await server({ fault: always('conversation 7', fault) })
    const out: unknown[] = []
    const stage = annotate({ server: url })
    const error = await hurried(() =>
      failure(
        objectsThrough(
          GIVEN,
          stage.on('data', ({ records }) => out.push(...records)),
        ),
      ),
    )
    expect(error).toMatchObject({ code, place: { line: 8 }, stage: 'annotate' })
    expect(error.found).toMatch(found)
    expect(out).toHaveLength(7)
  })

  test('takes the other half of a pair with it', async () => {
    const { url } = await server({ fault: always('conversation 7', { status: 413 }) })
    const stage = annotate({ server: url }, { onError: 'skip' })
    const lines = await hurried(() => linesFrom(Readable.from([file(GIVEN)]), parse({ group: 2 }), stage))
    expect(lines.map((line) => JSON.parse(line))).toEqual([...EXPECTED.slice(0, 6), ...EXPECTED.slice(8)])
    expect(Object.fromEntries(stage.counters.leftOut)).toEqual({ SERVER_REFUSED: 1, partner: 1 })
  })

  test('of every text is the server’s fault, not the records’', async () => {
    watchRejections()
    // The hosted service, when a model is taken away.
    const fault = ({ index }: FaultCase) =>
      index > 10 ? { status: 404, body: { detail: 'gone' } } : undefined
    const { url } = await server({ fault })
    const left: SteerpipeError[] = []
    const error = await hurried(() =>
      failure(annotatedBy({ server: url }, GIVEN, { onError: 'skip', onLeftOut: (each) => left.push(each) })),
    )
    expect(error).toMatchObject({ code: 'SERVER_UNREACHABLE' })
    expect(error.found).toMatch(/not ready since 30 seconds: .*infer answers 404: gone/)
    expect(left).toEqual([])
  })

  test.each([401, 403, 301])('%i ends the run at once, also in the middle', async (status) => {
    watchRejections()
    const headers: Record<string, string> = status === 301 ? { location: 'https://elsewhere/' } : {}
    const fault = ({ index }: FaultCase) => (index === 30 ? { status, headers } : undefined)
    const { url, stats } = await server({ fault })
    const error = await failure(annotatedBy({ server: url, maxInFlight: 1 }, GIVEN, { onError: 'skip' }))
    expect(error.code).toBe('SERVER_DENIED')
    expect(error.found).toContain(`answered ${status}${status === 301 ? ' to https://elsewhere/' : ''}`)
    expect(stats.requests).toBe(31)
  })

  test('a text that is never answered ends the run', async () => {
    const { url } = await server({ fault: always('conversation 7', 'not-json') })
    const error = await hurried(() => failure(annotatedBy({ server: url }, GIVEN, { onError: 'skip' })))
    expect(error.code).toBe('SERVER_FAILING')
    expect(error.found).toMatch(
      /^a text was not answered in 25 tries; the last time: bad answer the answer is/,
    )
    expect(error.place?.line).toBe(8)
  })
})

describe('a server', () => {
  test('that takes a while to be ready is waited for', async () => {
    watchRejections()
    const started = await server({ ready: false })
    setTimeout(() => started.setReady(true), 400)
    expect(await annotatedBy({ server: started.url }, GIVEN)).toEqual(EXPECTED)
  })

  test('that is not there ends the run after `wait-ready`', async () => {
    watchRejections()
    const started = await server()
    const { url } = started
    await started.close()
    const error = await failure(annotatedBy({ server: url, waitReady: '300ms' }, GIVEN, { onError: 'skip' }))
    expect(error.code).toBe('SERVER_UNREACHABLE')
    expect(error.found).toBe(`the server ${url} is not ready since 0.3 seconds: ECONNREFUSED`)
  })

  test('that goes away for good ends the run, and what came before is kept, in order', async () => {
    watchRejections()
    const started = await server({ latency: 5 })
    const many = conversations(1000)
    const out: { json(): string }[] = []
    const stage = annotate({ server: started.url, waitReady: '200ms' })
    stage.on('data', ({ records }) => {
      out.push(...records)
      if (out.length > 100) void started.close()
    })
    const error = await failure(objectsThrough(many, stage))
    expect(error.code).toBe('SERVER_UNREACHABLE')
    expect(out.length).toBeGreaterThan(100)
    expect(out.length).toBeLessThan(1000)
    expect(out.map((record) => JSON.parse(record.json()))).toEqual(
      many.slice(0, out.length).map((each) => labelled(each)),
    )
    expect(error.place?.line).toBe(out.length + 1)
  })

  test('that has one head more than was declared is refused before a record is sent', async () => {
    const { url, stats } = await server({ heads: 5 })
    const error = await failure(annotatedBy({ server: url }, GIVEN, { onError: 'skip' }))
    expect(error).toMatchObject({
      code: 'SERVER_WRONG',
      found: `the server ${url}: it gives 5 scores for a text`,
      expected:
        '9 scores: quality, toxicity, humor, creativity, helpfulness, correctness, coherence, complexity, verbosity',
      fix: 'Name the server’s own scores in their order with `heads`, or correct `server`, `protocol` or `model`.',
    })
    expect(stats.requests).toBe(1)
  })

  test('whose names are others is refused', async () => {
    const started = await STAND_INS.tei.start({ heads: ['joy', 'anger'] })
    try {
      const error = await failure(
        annotatedBy({ server: started.url, protocol: 'tei', attributes: ['joy', 'sadness'] }, GIVEN),
      )
      expect(error).toMatchObject({ code: 'SERVER_WRONG', expected: '2 scores: joy, sadness' })
      expect(error.found).toContain('it gives the scores')
    } finally {
      await started.stop()
    }
  })

  test('that gives no numbers for the probe is not taken for ready', async () => {
    const { url } = await server({ scores: () => Array(9).fill(Number.NaN) })
    const error = await failure(annotatedBy({ server: url, waitReady: '200ms' }, GIVEN))
    expect(error.code).toBe('SERVER_UNREACHABLE')
    expect(error.found).toContain('for a probe the server gave NaN as the score of `quality`')
  })

  test('that says how many texts a request may have is believed', async () => {
    // What its configuration says is more than what it takes.
    const { url, stats } = await server({
      fault: ({ texts }) =>
        texts.length > 3
          ? {
              status: 400,
              body: { error: "[request id: x] inference request batch-size must be <= 3 for 'm'" },
            }
          : undefined,
      latency: 2,
    })
    const many = conversations(3000)
    expect(await annotatedBy({ server: url }, many)).toEqual(many.map((each) => labelled(each)))
    expect(stats.texts).toHaveLength(stats.distinct)
  })

  test('that sheds what is too much is not taken for gone', async () => {
    const started = await server({
      latency: 10,
      batch: 4,
      fault: () => (started.stats.inFlight >= 8 ? { status: 503 } : undefined),
    })
    const many = conversations(400)
    expect(await hurried(() => annotatedBy({ server: started.url }, many))).toEqual(
      many.map((each) => labelled(each)),
    )
    const probes = started.stats.texts.filter((text) => text.includes('Hello! How can I help?'))
    expect(probes).toHaveLength(1)
  })
})

test('the texts of these tests are what is sent', async () => {
  const { url, stats } = await server()
  await annotatedBy({ server: url }, GIVEN.slice(0, 1))
  expect(stats.texts.at(-1)).toBe(textOf(conversation('conversation 0'), 1))
})
