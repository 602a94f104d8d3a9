/** Several runs that fill the cache at the same time. */
import { expect, test } from 'vitest'
import { Folder } from '../support/command.js'
import { MADE, meanwhile, type Setting, setting } from './setting.js'

const folder = new Folder()

const run = (site: Setting, name: string) => site.start(['run', 'x.yaml', '--set', `out=${name}.jsonl`])

async function areRight(site: Setting, ended: readonly ReturnType<typeof run>[]): Promise<void> {
  for (const [i, running] of ended.entries()) {
    expect(await running.ended).toMatchObject({ status: 0, stdout: '' })
    expect(site.made(`${i}.jsonl`)).toBe(MADE)
  }
  expect(site.inCache()).toEqual(site.whole('train.jsonl'))
}

test('the second is done before the first', async () => {
  const site = await setting(folder)
  const held = site.hub.fault({ on: 'cdn', path: /./, kind: { hold: 800_000 } })
  const first = run(site, '0')
  await meanwhile(first, held.struck())
  const second = run(site, '1')
  expect(await second.ended).toMatchObject({ status: 0 })
  held.release()
  await areRight(site, [first, second])
})

test('the first is killed while the second downloads', async () => {
  const site = await setting(folder)
  const held = site.hub.fault({ on: 'cdn', path: /./, kind: { hold: 800_000 }, times: 2 })
  const first = run(site, 'killed')
  await meanwhile(first, held.struck())
  const second = run(site, '0')
  await meanwhile(second, () => held.hits === 2)
  first.process.kill('SIGKILL')
  await first.ended
  held.release()
  expect(await second.ended).toMatchObject({ status: 0 })
  expect(site.made('0.jsonl')).toBe(MADE)
  // What the first one had stays, and the next goes on with it: nothing is left but the file.
  const before = site.hub.requests.length
  expect(await site.run(['run', 'x.yaml', '--set', 'out=again.jsonl'])).toMatchObject({ status: 0 })
  expect(site.made('again.jsonl')).toBe(MADE)
  expect(
    site.hub.requests.slice(before).some(({ path, status }) => /blobs/.test(path) && status === 200),
  ).toBe(false)
  expect(site.inCache()).toEqual(site.whole('train.jsonl'))
})

test('six that begin together', async () => {
  const site = await setting(folder)
  const held = site.hub.fault({ on: 'cdn', path: /./, kind: { hold: 400_000 }, times: 6 })
  const running = Array.from({ length: 6 }, (_, i) => run(site, String(i)))
  await meanwhile(running[0], () => held.hits === 6)
  held.release()
  await areRight(site, running)
})
