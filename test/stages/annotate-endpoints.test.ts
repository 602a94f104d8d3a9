import { describe, expect, test } from 'vitest'
import { annotate } from '../../src/index.js'
import { annotatedBy, conversations, hurried, labelled, server, watchRejections } from './annotate-support.js'
import { objectsThrough } from './support.js'

const MANY = conversations(1500)
const EXPECTED = MANY.map((each) => labelled(each))

interface Told {
  readonly endpoints: readonly { readonly address: string; readonly texts: number }[]
  readonly retries: Readonly<Record<string, number>>
}

/** What the report says. */
const told = (stage: ReturnType<typeof annotate>): Told => stage.details()?.data as unknown as Told // as the tests of the report have it

describe('several servers', () => {
  test('share the work by what each can do', async () => {
    watchRejections()
    const fast = await server({ latency: 20, perItem: 1 })
    const slow = await server({ latency: 60, perItem: 3 })
    const stage = annotate({ server: [slow.url, fast.url] })
    expect(await hurried(() => objectsThrough(MANY, stage))).toEqual(EXPECTED)
    const share = fast.stats.texts.length / slow.stats.texts.length
    expect(share).toBeGreaterThan(2)
    expect(share).toBeLessThan(4.5)
    const { endpoints } = told(stage)
    expect(endpoints.map(({ address, texts }) => [address, texts])).toEqual([
      [slow.url, slow.stats.texts.length - 1], // but for the probes
      [fast.url, fast.stats.texts.length - 1],
    ])
  })

  test('work if one is not there, and one that comes late joins', async () => {
    watchRejections()
    const there = await server({ latency: 10 })
    const late = await server({ latency: 10 })
    await late.stop()
    const stage = annotate({ server: [late.url, there.url] })
    const running = hurried(() => objectsThrough(MANY, stage))
    await there.arrived(300)
    await late.start()
    expect(await running).toEqual(EXPECTED)
    expect(late.stats.texts.length).toBeGreaterThan(50)
    expect(told(stage).retries).toEqual({})
  })

  test('lose nothing when one dies in the middle, and it works again when it is back', async () => {
    watchRejections()
    const one = await server({ latency: 10 })
    const other = await server({ latency: 10 })
    const running = hurried(() => annotatedBy({ server: [one.url, other.url] }, MANY))
    await one.arrived(200)
    await one.stop()
    const there = other.stats.requests
    await other.arrived(there + 200)
    one.reset()
    await one.start()
    expect(await running).toEqual(EXPECTED)
    expect(one.stats.texts.length).toBeGreaterThan(50)
  })

  test('do not wait for one that does not answer any more', async () => {
    watchRejections()
    const well = await server({ latency: 10 })
    const stuck = await server({ latency: 10 })
    const running = hurried(() => annotatedBy({ server: [stuck.url, well.url], requestTimeout: '10m' }, MANY))
    await stuck.arrived(100)
    stuck.pause()
    expect(await running).toEqual(EXPECTED)
  })

  test('ask elsewhere first what failed, however free the one is where it failed', async () => {
    watchRejections()
    // The first one is idle at once, since it refuses at once.
    const bad = await server({ fault: ({ index }) => (index > 0 ? { status: 500 } : undefined) })
    const good = await server({ latency: 5 })
    const few = MANY.slice(0, 40)
    expect(await hurried(() => annotatedBy({ server: [bad.url, good.url] }, few))).toEqual(
      EXPECTED.slice(0, 40),
    )
  })

  test('that shed load are given what they refuse no more, and the others do it', async () => {
    watchRejections()
    const busy = await server({
      latency: 10,
      fault: ({ index }) => (index > 0 ? { status: 429 } : undefined),
    })
    const free = await server({ latency: 10 })
    expect(await hurried(() => annotatedBy({ server: [busy.url, free.url] }, MANY))).toEqual(EXPECTED)
    expect(busy.stats.requests).toBeLessThan(MANY.length)
  })
})

describe('one server', () => {
  test('that dies and comes back works again, and nothing is lost', async () => {
    watchRejections()
    const one = await server({ latency: 10 })
    const running = hurried(() => annotatedBy({ server: one.url, waitReady: '10m' }, MANY))
    await one.arrived(200)
    await one.stop()
    await one.start()
    await one.arrived(600)
    await one.stop()
    await one.start()
    expect(await running).toEqual(EXPECTED)
  })

  test('that limits the rate for a minute at a time is borne', async () => {
    watchRejections()
    let minute = 0
    let had = 0
    const one = await server({
      fault: () => {
        const now = Math.floor(Date.now() / 60_000)
        if (now !== minute) had = 0
        minute = now
        return ++had > 40 ? { status: 429 } : undefined
      },
    })
    const few = MANY.slice(0, 100)
    expect(await hurried(() => annotatedBy({ server: one.url }, few))).toEqual(EXPECTED.slice(0, 100))
  })

  test('that has nothing behind it any more is waited for like one that is gone', async () => {
    watchRejections()
    let gone = false
    const one = await server({
      latency: 5,
      fault: () => (gone ? { status: 503, body: 'no backend' } : undefined),
    })
    const running = hurried(() => annotatedBy({ server: one.url }, MANY))
    const failed = expect(running).rejects.toThrow(
      /not ready since 30 seconds: .*infer answers 503: no backend/,
    )
    await one.arrived(300)
    gone = true
    await failed
  })
})
