/** The journal of answers: whatever ends a run, and whatever comes after `annotate`, no answer that is kept is asked for again. */
import { appendFileSync, existsSync, readFileSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { conversations } from '../stages/annotate-support.js'
import { type Ended, Folder, lines, names, put, start, until } from '../support/command.js'
import { type RewardServer, type RewardServerOptions, startRewardServer } from '../support/reward-server.js'

const folder = new Folder()

/** Conversations whose answers are two texts each, some of them the same. */
const GIVEN = [...conversations(400, 4), ...conversations(50, 4)]

/** Answers that are kept before a run is stopped. */
const ENOUGH = 100

const PACE: RewardServerOptions = { latency: 5, perItem: 0.5 }

async function server(options: RewardServerOptions = PACE): Promise<RewardServer> {
  const started = await startRewardServer(options)
  onTestFinished(() => started.close())
  return started
}

/** What stands behind `annotate` in a definition. */
const BEHIND: Readonly<Record<string, string>> = {
  nothing: 'write: out.jsonl',
  shuffle: 'shuffle, write: out.jsonl',
  dedupe: 'dedupe, write: out.jsonl',
  'split by count': "split: { parts: { train: 0.9, val: 0.1 } }, write: 'out-${part}.jsonl'",
  'two writes': 'write: out.jsonl, regression-expand, write: samples.jsonl.gz',
}

function definition(cwd: string, behind: string): void {
  const annotate = 'annotate: { server: "${server}", wait-ready: "${wait}" }'
  put(cwd, {
    'in.jsonl': lines(...GIVEN),
    'x.yaml': `name: x\nvars: { server: null, wait: 30s }\ninputs: in.jsonl\nstages: [parse, ${annotate}, ${behind}]\n`,
  })
}

const begin = (cwd: string, { url }: RewardServer, more: readonly string[] = []) =>
  start(['run', 'x.yaml', '--set', `server=${url}`, '--checkpoint-every', '10ms', ...more], cwd)

/** The journals of a folder, the first stage's first. */
const journals = (cwd: string): string[] =>
  names(cwd)
    .filter((name) => /\.answers(-\d+)?$/.test(name))
    .map((name) => join(cwd, name))

/** Whole lines of a file. */
const linesIn = (path: string): number =>
  existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0

const OUTPUT = /^(out|samples)/

const outputs = (cwd: string): Record<string, string> =>
  Object.fromEntries(
    names(cwd)
      .filter((name) => OUTPUT.test(name))
      .map((name) => [name, readFileSync(join(cwd, name), 'base64')]),
  )

/** What a run makes that nothing stops, and how many texts it asks about. */
async function whole(behind: string): Promise<{ files: Record<string, string>; texts: number }> {
  const cwd = folder.fresh()
  definition(cwd, behind)
  const fast = await server({})
  expect(await begin(cwd, fast).ended).toMatchObject({ status: 0 })
  return { files: outputs(cwd), texts: fast.stats.distinct }
}

/** How a run is stopped. */
type Stop = (running: ReturnType<typeof start>, asked: RewardServer) => Promise<unknown> | unknown

const STOPS: Readonly<Record<string, Stop>> = {
  SIGKILL: ({ process }) => process.kill('SIGKILL'),
  SIGINT: ({ process }) => process.kill('SIGINT'),
  'a server that dies': (_, asked) => asked.stop(),
  'a server that fails': (_, asked) => {
    asked.fault = () => ({ status: 500 })
  },
}

/** Runs until there are answers enough, and stops it then. */
async function stopped(
  cwd: string,
  asked: RewardServer,
  stop: Stop,
  more: readonly string[] = [],
): Promise<Ended> {
  const before = journals(cwd).map(linesIn)[0] ?? 0
  // How long it waits for a server may differ when it is gone on with.
  const running = begin(cwd, asked, ['--set', 'wait=1s', ...more])
  const isOver = () => running.process.exitCode !== null
  const kept = () => journals(cwd).map(linesIn)[0] ?? 0
  await until('answers are kept', () => isOver() || kept() >= before + ENOUGH)
  await stop(running, asked)
  const ended = await running.ended
  expect(ended.status).not.toBe(0)
  return ended
}

/** Goes on to the end, with a server that has seen nothing yet. @param expected texts that are to be asked about */
async function resumed(cwd: string, expected: number, made: Record<string, string>): Promise<void> {
  const fresh = await server()
  const { status, stderr } = await begin(cwd, fresh, ['--resume']).ended
  expect(stderr).not.toContain('error')
  expect(status).toBe(0)
  // Each answer that was kept belongs to a text of its own; all others must be asked about, and no more.
  expect(fresh.stats.distinct).toBe(expected)
  expect(outputs(cwd)).toEqual(made)
  expect(names(cwd).sort()).toEqual(['in.jsonl', 'x.yaml', ...Object.keys(made)].sort())
}

/** Each way to be stopped, and SIGKILL with whatever comes behind. */
const CASES = [
  ...Object.keys(STOPS).map((stop) => [stop, 'shuffle'] as const),
  ...Object.keys(BEHIND)
    .filter((behind) => behind !== 'shuffle')
    .map((behind) => ['SIGKILL', behind] as const),
]

test.each(CASES)('%s, with %s behind', async (stop, behind) => {
  const made = await whole(BEHIND[behind])
  const cwd = folder.fresh()
  definition(cwd, BEHIND[behind])
  await stopped(cwd, await server(), STOPS[stop])
  const [journal] = journals(cwd)
  const kept = linesIn(journal)
  expect(kept).toBeGreaterThanOrEqual(ENOUGH)
  expect(kept).toBeLessThan(made.texts)
  await resumed(cwd, made.texts - kept, made.files)
})

test('killed twice, it asks for nothing twice that is kept', async () => {
  const made = await whole(BEHIND.shuffle)
  const cwd = folder.fresh()
  definition(cwd, BEHIND.shuffle)
  await stopped(cwd, await server(), STOPS.SIGKILL)
  const first = linesIn(journals(cwd)[0])
  const second = await server()
  await stopped(cwd, second, STOPS.SIGKILL, ['--resume'])
  const [journal] = journals(cwd)
  const keys = readFileSync(journal, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { key: string }).key) // as the journal has it
  expect(keys.length).toBeGreaterThanOrEqual(first + ENOUGH)
  expect(new Set(keys).size).toBe(keys.length)
  await resumed(cwd, made.texts - keys.length, made.files)
})

test.each([
  ['half a line', (journal: string) => appendFileSync(journal, '{"key":"abc","values":[1,'), 0],
  ['its last byte gone', (journal: string) => truncateSync(journal, statSync(journal).size - 1), 1],
  ['a line that says nothing', (journal: string) => appendFileSync(journal, 'nothing\n'), 0],
  ['bytes of another kind', (journal: string) => appendFileSync(journal, Buffer.alloc(5000)), 0],
] as const)('a journal with %s', async (_, spoil, lost) => {
  const made = await whole(BEHIND.shuffle)
  const cwd = folder.fresh()
  definition(cwd, BEHIND.shuffle)
  await stopped(cwd, await server(), STOPS.SIGKILL)
  const [journal] = journals(cwd)
  // The process may have been ended in the middle of a line itself.
  const kept = linesIn(journal)
  truncateSync(journal, readFileSync(journal).lastIndexOf(0x0a) + 1)
  spoil(journal)
  await resumed(cwd, made.texts - kept + lost, made.files)
})

test('two stages have a journal each', async () => {
  const second = await server({ ...PACE, model: 'second' })
  const behind = `annotate: { server: "${second.url}", model: second, turns: last }, write: out.jsonl`
  const made = await whole(behind)
  const asked = second.stats.distinct
  const cwd = folder.fresh()
  definition(cwd, behind)
  await stopped(cwd, await server(), STOPS.SIGKILL)
  expect(journals(cwd)).toHaveLength(2)
  const [one, two] = journals(cwd).map(linesIn)
  second.reset()
  await resumed(cwd, made.texts - one, made.files)
  expect(second.stats.distinct).toBe(asked - two)
})

test('without `--resume` what was answered is not thrown away, and with `--force` it is', async () => {
  const made = await whole(BEHIND.shuffle)
  const cwd = folder.fresh()
  definition(cwd, BEHIND.shuffle)
  await stopped(cwd, await server(), STOPS.SIGKILL)
  const kept = linesIn(journals(cwd)[0])
  const refused = await begin(cwd, await server()).ended
  expect(refused).toMatchObject({ status: 2 })
  expect(refused.stderr).toContain('[RUN_UNFINISHED]')
  expect(linesIn(journals(cwd)[0])).toBe(kept)
  const fresh = await server({})
  expect(await begin(cwd, fresh, ['--force']).ended).toMatchObject({ status: 0 })
  expect(fresh.stats.distinct).toBe(made.texts)
  expect(outputs(cwd)).toEqual(made.files)
})
