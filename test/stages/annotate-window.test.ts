import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { annotate, parse } from '../../src/index.js'
import { seeded } from '../reward/simulation.js'
import {
  annotatedBy,
  conversation,
  conversations,
  labelled,
  server,
  watchRejections,
} from './annotate-support.js'
import { file, linesFrom, linesThrough, settled, until } from './support.js'

/** Conversations without an end, and how many were taken. */
function endless(pad = '') {
  const taken = { count: 0 }
  function* lines() {
    while (true) yield file([{ ...conversation(`conversation ${taken.count++}`), pad }])
  }
  return { taken, source: Readable.from(lines(), { highWaterMark: 1 }) }
}

test('records leave in the order in which they came, whatever the answers do', async () => {
  watchRejections()
  const random = seeded(11)
  const { url } = await server({ batch: 1000, fault: () => ({ delay: Math.floor(random() * 30) }) })
  const given = conversations(600)
  expect(await annotatedBy({ server: url }, given)).toEqual(given.map((each) => labelled(each)))
})

test('one that is complete leaves though nothing more comes', async () => {
  watchRejections()
  const { url } = await server()
  const source = new Readable({ read() {} })
  const stage = annotate({ server: url })
  const lines: unknown[] = []
  const done = linesFrom(source, parse(), stage)
  stage.on('data', ({ records }) => lines.push(...records))
  for (let count = 1; count <= 3; count++) {
    source.push(file([conversation(`conversation ${count}`)]))
    await until(() => lines.length === count, `record ${count}`)
  }
  source.push(null)
  expect(await done).toHaveLength(3)
})

test('a source is not read on while nothing is answered', async () => {
  watchRejections()
  const one = await server()
  const { taken, source } = endless()
  const stage = annotate({ server: one.url })
  one.pause()
  source.pipe(parse()).pipe(stage).resume()
  await sleep(50)
  await settled(() => taken.count)
  expect(taken.count).toBeLessThan(5000)
  one.resume()
  await until(() => stage.counters.out > 3000, 'more')
  stage.destroy()
  source.destroy()
})

test('one answer that does not come stops the window, not the rest of what is under way', async () => {
  watchRejections()
  const one = await server({
    fault: ({ texts }) => (texts[0].includes('conversation 9,') ? 'hang' : undefined),
  })
  const { taken, source } = endless()
  const stage = annotate({ server: one.url })
  source.pipe(parse()).pipe(stage).resume()
  await until(() => one.stats.requests > 2000, 'the others')
  await settled(() => taken.count)
  expect(stage.counters.out).toBeLessThan(10)
  expect(taken.count).toBeLessThan(10_000)
  stage.destroy()
  source.destroy()
})

test('records that are not asked about fill the window too', async () => {
  watchRejections()
  const one = await server()
  const stage = annotate({ server: one.url })
  let taken = 0
  const unlabelled = { conversations: [{ from: 'User', value: 'x'.repeat(1 << 20) }], mask: 'User' }
  function* lines() {
    yield file([conversation('first')])
    while (true) {
      taken++
      yield file([unlabelled])
    }
  }
  one.pause()
  const source = Readable.from(lines(), { highWaterMark: 1 })
  source.pipe(parse()).pipe(stage).resume()
  await sleep(50)
  await settled(() => taken)
  expect(taken).toBeGreaterThan(30)
  expect(taken).toBeLessThan(100)
  stage.destroy()
  source.destroy()
})

test('a stage that is ended in the middle leaves nothing behind', async () => {
  watchRejections()
  const one = await server({ latency: 5 })
  const { source } = endless()
  const stage = annotate({ server: one.url })
  source.pipe(parse()).pipe(stage).resume()
  await until(() => stage.counters.out > 100, 'some records')
  stage.destroy()
  source.destroy()
  await until(() => stage.closed, 'the end')
  // What the sockets had already taken still gets to the server, which may not have read it yet.
  await settled(() => one.stats.requests)
  await until(() => one.stats.inFlight === 0, 'the end of the requests')
  const { requests } = one.stats
  await sleep(150)
  expect(one.stats.requests).toBe(requests)
})

test('so does one that is ended before the server is ready, or while it is looked for', async () => {
  watchRejections()
  const one = await server({ ready: false })
  for (const pause of [0, 1, 20]) {
    const stage = annotate({ server: one.url })
    stage.on('error', () => {})
    Readable.from([file([conversation('a')])])
      .pipe(parse())
      .pipe(stage)
      .resume()
    await sleep(pause)
    stage.destroy(new Error('enough'))
    await until(() => stage.closed, 'the end')
  }
  one.setReady(true)
  await sleep(150)
  expect(one.stats.requests).toBe(0)
})

test('nothing to do is no matter', async () => {
  expect(await linesThrough([], annotate({ server: 'http://127.0.0.1:9' }))).toEqual([])
})
