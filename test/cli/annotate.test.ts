import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { conversation, conversations, labelled, type Turn } from '../stages/annotate-support.js'
import { selfSignedCertificate } from '../support/certificate.js'
import { type Ended, Folder, lines, put, read, start, until } from '../support/command.js'
import { ROOT } from '../support/paths.js'
import { startProxy } from '../support/proxy.js'
import { type RewardServerOptions, startRewardServer } from '../support/reward-server.js'

const folder = new Folder()
const GIVEN = conversations(300, 4)
const EXPECTED = GIVEN.map((each) => labelled(each))
const KEY = 'sk-live-0123456789abcdef'

async function server(options?: RewardServerOptions) {
  const started = await startRewardServer(options)
  onTestFinished(() => started.close())
  return started
}

interface Run {
  readonly cwd?: string
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Runs the command beside the servers of this process. */
function run(args: readonly string[], { cwd = folder.fresh(), input = '', env }: Run = {}): Promise<Ended> {
  const { process: child, ended } = start(args, cwd, env)
  child.stdin.end(input)
  return ended
}

const objects = (text: string): unknown[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))

describe('annotate as a filter', () => {
  test('labels what comes in, and says nothing when all went well', async () => {
    const { url } = await server()
    const { status, stdout, stderr } = await run(['annotate', '--server', url], { input: lines(...GIVEN) })
    expect(stderr).toBe('')
    expect(objects(stdout)).toEqual(EXPECTED)
    expect(status).toBe(0)
  })

  test('gives what is complete while it waits for more', async () => {
    const { url } = await server()
    const { process: child, ended } = start(['annotate', '--server', url], folder.fresh())
    let out = ''
    child.stdout.on('data', (text) => {
      out += text
    })
    for (const count of [1, 2]) {
      child.stdin.write(lines(conversation(String(count))))
      await until(`line ${count}`, () => objects(out).length === count)
    }
    child.stdin.end()
    expect((await ended).status).toBe(0)
  })

  test('takes several servers, and heads of its own', async () => {
    const [one, other] = [await server({ heads: 2, latency: 5 }), await server({ heads: 2, latency: 5 })]
    const args = [
      'annotate',
      '--server',
      `${one.url},${other.url}`,
      '--heads',
      'verbosity,humor',
      '--attributes',
      'humor,verbosity',
    ]
    const { status, stdout } = await run(args, { input: lines(...GIVEN) })
    expect(status).toBe(0)
    const [first] = objects(stdout) as [{ conversations: Turn[] }]
    expect(first.conversations[1].label).toMatch(/^humor:\d,verbosity:\d$/)
    expect(one.stats.texts.length + other.stats.texts.length).toBe(602)
  })

  test('leaves bad records out when it is told to, and says so', async () => {
    const { url } = await server({
      fault: ({ texts }) => (texts[0].includes('conversation 7,') ? { status: 413 } : undefined),
    })
    const given = GIVEN.slice(0, 10)
    const { status, stdout, stderr } = await run(['annotate', '--server', url, '--on-error', 'skip'], {
      input: lines(...given),
    })
    expect(status).toBe(3)
    expect(objects(stdout)).toEqual(EXPECTED.slice(0, 10).filter((_, index) => index !== 7))
    expect(stderr).toMatch(/left out: stdin:8 .*SERVER_REFUSED/)
  })

  test('ends when it is interrupted, though the server hangs', async () => {
    const one = await server({ fault: ({ index }) => (index > 0 ? 'hang' : undefined) })
    const { process: child, ended } = start(['annotate', '--server', one.url], folder.fresh())
    child.stdin.end(lines(...GIVEN))
    await one.arrived(50)
    child.kill('SIGINT')
    expect((await ended).status).toBe(130)
  })

  test('refuses an address with a password, and does not repeat it', async () => {
    const { status, stderr } = await run(['annotate', '--server', `http://me:${KEY}@127.0.0.1:9`])
    expect(status).toBe(2)
    expect(stderr).toContain('without a name or a password')
    expect(stderr).not.toContain(KEY)
  })
})

describe('a server', () => {
  test('with a key from the environment, which is told nowhere', async () => {
    const { url } = await server({ key: KEY })
    const cwd = folder.fresh()
    const args = ['annotate', '--server', url, '--api-key-env', 'REWARD_KEY', '--verbose']
    const well = await run(args, { cwd, input: lines(...GIVEN), env: { REWARD_KEY: KEY } })
    expect(well).toMatchObject({ status: 0, stderr: '' })
    expect(objects(well.stdout)).toEqual(EXPECTED)
    const without = await run(args, { cwd, input: lines(...GIVEN) })
    expect(without.status).toBe(1)
    expect(without.stderr).toContain('the environment has no `REWARD_KEY`')
    const wrong = await run(args, { cwd, input: lines(...GIVEN), env: { REWARD_KEY: `${KEY}x` } })
    expect(wrong.stderr).toContain('[SERVER_DENIED]')
    expect(wrong.stderr).not.toContain(KEY)
  })

  test('with a certificate that the environment trusts, below a path and behind a proxy', async () => {
    const certificate = selfSignedCertificate()
    const { url } = await server({ certificate, basePath: '/reward' })
    const proxy = await startProxy()
    onTestFinished(() => proxy.close())
    const cwd = folder.fresh()
    put(cwd, { 'ca.pem': certificate.cert })
    const trusting = { NODE_EXTRA_CA_CERTS: join(cwd, 'ca.pem') }
    const args = ['annotate', '--server', url, '--wait-ready', '300ms']
    const given = lines(...GIVEN.slice(0, 20))
    const direct = await run(args, { cwd, input: given, env: trusting })
    expect(direct.stderr).toBe('')
    expect(objects(direct.stdout)).toEqual(EXPECTED.slice(0, 20))
    const through = await run(args, { cwd, input: given, env: { ...trusting, HTTPS_PROXY: proxy.url } })
    expect(objects(through.stdout)).toEqual(EXPECTED.slice(0, 20))
    expect(proxy.forwarded.map(({ method, target }) => [method, target])[0]).toEqual([
      'CONNECT',
      url.slice('https://'.length, -'/reward'.length),
    ])
    const untrusted = await run(args, { cwd, input: given })
    expect(untrusted.stderr).toMatch(
      /not ready since 0.3 seconds: DEPTH_ZERO_SELF_SIGNED_CERT \[SERVER_UNREACHABLE\]/,
    )
  })
})

describe('the recipe', () => {
  const recipe = join(ROOT, 'pipelines/annotate.yaml')

  test('writes the file, and reports what the servers did', async () => {
    const { url } = await server()
    const cwd = folder.fresh()
    const umlauts = GIVEN.map((each) => ({ ...each, note: 'ä' }))
    put(cwd, { in: lines(...umlauts) })
    const sets = ['in=in', 'out=out', `server=${url}`, 'ascii=true'].flatMap((set) => ['--set', set])
    const { status, stderr } = await run(['run', recipe, ...sets, '--report', 'report.json'], { cwd })
    expect(status).toBe(0)
    expect(objects(read(cwd, 'out'))).toEqual(EXPECTED.map((each) => ({ ...each, note: 'ä' })))
    expect(read(cwd, 'out')).toContain('"note":"\\u00e4"')
    expect(stderr).toContain('600 texts, 600 of them distinct (0 were known)')
    const report = JSON.parse(read(cwd, 'report.json'))
    const { details } = report.inputs[0].stages.find(({ stage }: { stage: string }) => stage === 'annotate')
    expect(details).toMatchObject({
      texts: 600,
      distinct: 600,
      answered: 600,
      retries: {},
      endpoints: [{ address: url, texts: 600, milliseconds: { p50: expect.any(Number) } }],
    })
  })

  test('keeps what came before, when the server goes away for good', async () => {
    const one = await server({ latency: 20 })
    const cwd = folder.fresh()
    put(cwd, { in: lines(...GIVEN) })
    put(cwd, {
      'x.yaml': `name: x\ninputs: in\nstages:\n  - parse\n  - annotate: { server: "${one.url}", wait-ready: 300ms }\n  - write: out\n`,
    })
    const ended = run(['run', 'x.yaml'], { cwd })
    await one.arrived(400)
    await sleep(100)
    await one.stop()
    const { status, stderr } = await ended
    expect(status).toBe(1)
    expect(stderr).toContain('[SERVER_UNREACHABLE]')
    expect(stderr).toContain('what came before the error is kept in out.partial')
    const kept = objects(read(cwd, 'out.partial'))
    expect(kept.length).toBeGreaterThan(50)
    expect(kept).toEqual(EXPECTED.slice(0, kept.length))
  })
})
