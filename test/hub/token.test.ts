/** Who sees the token: the hub, and nobody else. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Folder } from '../support/command.js'
import { BODY, FILES, MADE, meanwhile, type Setting, settingWith } from './setting.js'

const folder = new Folder()

const TOKEN = 'hf_thisIsTheTokenThatNobodySees'

const SECRET = 'hf://datasets/owner/secret'

async function site(): Promise<Setting> {
  const files = { ...FILES, 'bad.jsonl': { content: Buffer.concat([Buffer.from('{}\n'), BODY]), lfs: true } }
  const made = await settingWith(folder, FILES, { token: TOKEN }, { 'owner/secret': { files, gated: true } })
  made.env = { ...made.env, HF_TOKEN: TOKEN }
  return made
}

const withToken = (from: Setting, host: 'hub' | 'cdn') =>
  from.hub.requests.filter(
    (request) => request.host === host && JSON.stringify(request.headers).includes(TOKEN),
  )

/** That it stands in no file of the working folder and of the cache. */
function expectUnseen(from: Setting, ...said: readonly string[]): void {
  for (const text of said) expect(text).not.toContain(TOKEN)
  for (const root of [from.cwd, from.home]) {
    for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const path = join(entry.parentPath, entry.name)
      expect(readFileSync(path).includes(TOKEN), path).toBe(false)
    }
  }
}

test.each(['another name', 'the same name and another port'])('it stays with the hub: %s', async (how) => {
  const at = await site()
  const { endpoint } = at.hub
  const env = { HF_ENDPOINT: how === 'another name' ? endpoint : endpoint.replace('127.0.0.1', 'localhost') }
  at.hub.fault({ on: 'cdn', path: /./, kind: { cut: 700_000 } })
  expect(await at.run(['run', 'x.yaml', '--set', `source=${SECRET}`], env)).toMatchObject({ status: 0 })
  expect(at.made()).toBe(MADE)
  expect(withToken(at, 'hub').length).toBeGreaterThan(1)
  expect(at.hub.requests.some(({ host }) => host === 'cdn')).toBe(true)
  expect(withToken(at, 'cdn')).toEqual([])
})

test('it does not go with plain addresses', async () => {
  const at = await site()
  at.hub.put('a.jsonl', { content: BODY })
  at.hub.put('b.jsonl', { content: BODY, redirect: 'cdn' })
  for (const address of [at.hub.files('a.jsonl', 'cdn'), at.hub.files('b.jsonl')]) {
    expect(await at.run(['run', 'x.yaml', '--force', '--input', `rows=${address}`])).toMatchObject({
      status: 0,
    })
  }
  expect(withToken(at, 'cdn')).toEqual([])
})

test('it stands in no output, report, checkpoint or letter', async () => {
  const at = await site()
  const set = ['--set', `source=${SECRET}`, '--set', 'file=bad.jsonl']
  const aside = ['--on-error', 'dead-letter=letters.jsonl', '--report', 'r.json', '--verbose']
  const held = at.hub.fault({ on: 'cdn', path: /./, kind: { hold: 900_000 } })
  const running = at.start(['run', 'x.yaml', ...set, ...aside, '--checkpoint-every', '10ms'])
  await meanwhile(running, () => readdirSync(at.cwd).includes('out.jsonl.checkpoint'))
  running.process.kill('SIGINT')
  const first = await running.ended
  expect(first.status).toBe(130)
  expectUnseen(at, first.stdout, first.stderr)
  held.release()
  const second = await at.run(['run', 'x.yaml', ...set, ...aside, '--resume'])
  expect(second.status).toBe(3)
  expectUnseen(at, second.stdout, second.stderr)
})

test('it stands in no error', async () => {
  const at = await site()
  const run = async (args: readonly string[], env = {}) => {
    const { status, stdout, stderr } = await at.run(['run', 'x.yaml', '--verbose', '--force', ...args], env)
    expect(status).not.toBe(0)
    expectUnseen(at, stdout, stderr)
    return stderr
  }
  const source = ['--set', `source=${SECRET}`]
  await run([...source, '--set', 'file=none.jsonl'])
  await run(['--set', `source=${SECRET}@none`])
  await run([...source], { HF_TOKEN: `${TOKEN}X` })
  await run([...source], { HF_TOKEN: `${TOKEN}\n${TOKEN}` })
  await run([...source], { HF_TOKEN: `${TOKEN} ünd` })
  await run([...source], { HF_HUB_OFFLINE: '1' })
  const fault = at.hub.fault({ on: 'cdn', path: /./, kind: { instead: 'other' }, times: 99 })
  await run(source)
  at.hub.lift(fault)
  await at.hub.stop()
  await run(source)
})
