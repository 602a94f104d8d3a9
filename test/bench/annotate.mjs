/**
 * How well `annotate` uses a reward server: texts a second beside a client that keeps 256 single texts in flight, and
 * beside the original client's loop, on the tests' stand-in and on a real Triton at the same pace.
 *
 *   node test/bench/annotate.mjs [--runs 3]
 *
 * A Triton is there when the tests have been run once on this machine.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { rolldown } from 'rolldown'
import { steerpipeCommand } from './command.mjs'
import { DATA_FOLDER } from './generate.mjs'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const BENCH = fileURLToPath(new URL('.', import.meta.url))
const FOLDER = path.join(DATA_FOLDER, 'annotate')
const SYSTEM =
  "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, and polite answers to the user's questions."

/** @typedef {{ batch: number, latency: number, perItem: number }} Pace */

/** @param {readonly number[]} numbers */
const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]

/**
 * Conversations of one labelled turn, and the texts that are to be scored.
 *
 * @param {number} count
 */
function inputs(count) {
  const conversations = path.join(FOLDER, `${count}.jsonl`)
  const texts = path.join(FOLDER, `${count}-texts.jsonl`)
  const lines = Array.from({ length: count }, (_, i) => {
    const [asked, answered] = [
      `Question ${i}? ${'lorem ipsum '.repeat(20)}`,
      `Answer ${i}. ${'dolor sit '.repeat(60)}`,
    ]
    const turns = [
      { value: asked, from: 'User', label: null },
      { value: answered, from: 'Assistant', label: 'helpfulness:3' },
    ]
    return {
      record: { conversations: turns, system: SYSTEM, mask: 'User', type: 'VALUE_TO_TEXT' },
      text: `<extra_id_0>System\n${SYSTEM}\n<extra_id_1>User\n${asked}\n<extra_id_1>Assistant\n${answered}\n<extra_id_2>`,
    }
  })
  fs.writeFileSync(conversations, lines.map(({ record }) => `${JSON.stringify(record)}\n`).join(''))
  fs.writeFileSync(texts, lines.map(({ text }) => `${JSON.stringify(text)}\n`).join(''))
  return { conversations, texts }
}

/** Seconds that a command takes. @param {readonly string[]} command */
function seconds([program, ...args]) {
  const started = performance.now()
  const { status, stderr } = spawnSync(program, args, { cwd: ROOT, encoding: 'utf8' })
  if (status !== 0) throw new Error(`exit code ${status} from ${program} ${args.join(' ')}\n${stderr}`)
  return (performance.now() - started) / 1000
}

/** The tests' stand-in, in a process of its own. @param {string} bundle @param {Pace} pace */
async function standIn(bundle, pace) {
  const child = spawn(
    process.execPath,
    [path.join(BENCH, 'serve.mjs'), pathToFileURL(bundle).href, JSON.stringify(pace)],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  const url = await new Promise((resolve) =>
    child.stdout.once('data', (data) => resolve(String(data).trim())),
  )
  return { url, stop: () => child.stdin.end() }
}

/** A real Triton at the same pace, if the tests have installed one. @param {Pace} pace */
async function triton({ batch, latency, perItem }) {
  const python = path.join(ROOT, 'node_modules/.cache/steerpipe/triton/bin/python')
  if (!fs.existsSync(python)) return undefined
  const port = await freePort()
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'steerpipe-bench-'))
  const options = { port, workspace: path.join(home, 'workspace'), batch, latency, 'per-item': perItem }
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
  const child = spawn(python, [path.join(ROOT, 'test/support/triton/server.py'), ...args], {
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { PATH: '/usr/bin:/bin', HOME: home, TMPDIR: home, LC_ALL: 'C.UTF-8' },
    detached: true,
  })
  const url = `http://127.0.0.1:${port}`
  for (let tries = 0; ; tries++) {
    const ready = await fetch(`${url}/v2/models/reward_model/ready`).then(
      ({ status }) => status === 200,
      () => false,
    )
    if (ready) break
    if (tries > 600 || child.exitCode !== null) throw new Error('Triton did not start')
    await sleep(100)
  }
  const stop = () => {
    process.kill(-(child.pid ?? 0), 'SIGKILL')
    fs.rmSync(home, { recursive: true, force: true })
  }
  return { url, stop }
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

/**
 * @param {string} name
 * @param {string} url
 * @param {number} count
 * @param {number} runs
 * @param {number} single how many texts the one-by-one client asks
 */
function contest(name, url, count, runs, single) {
  const all = inputs(count)
  const few = inputs(single)
  const out = path.join(FOLDER, 'out.jsonl')
  /** @type {{ [who: string]: number[] }} */
  const rates = { 'one by one, a client each': [], '256 single texts in flight': [], annotate: [] }
  for (let run = 0; run < runs; run++) {
    rates['one by one, a client each'].push(
      single / seconds(['python3', path.join(BENCH, 'one-by-one.py'), url, few.texts]),
    )
    rates['256 single texts in flight'].push(
      count / seconds([process.execPath, path.join(BENCH, 'in-flight.mjs'), url, all.texts]),
    )
    rates.annotate.push(
      count /
        seconds([
          ...steerpipeCommand(),
          'annotate',
          '--server',
          url,
          all.conversations,
          '-o',
          out,
          '--force',
        ]),
    )
  }
  const flying = rates['256 single texts in flight']
  const alone = rates['one by one, a client each']
  return Object.entries(rates).map(([who, list]) => {
    const beside = (/** @type {number[]} */ others) => median(list.map((rate, i) => rate / others[i]))
    return `| ${name} | ${who} | ${median(list).toFixed(0)} | ${(beside(flying) * 100).toFixed(0)} % | ${beside(alone).toFixed(1)} |`
  })
}

async function main() {
  const { values } = parseArgs({ options: { runs: { type: 'string', default: '3' } } })
  const runs = Number(values.runs)
  fs.mkdirSync(FOLDER, { recursive: true })
  const bundle = path.join(FOLDER, 'reward-server.mjs')
  const build = await rolldown({ input: path.join(ROOT, 'test/support/reward-server.ts'), platform: 'node' })
  await build.write({ file: bundle, codeSplitting: false })
  const rows = []
  /** @type {[string, Pace, number][]} */
  const paces = [
    ['16 a batch, 20 ms + 1 ms a text', { batch: 16, latency: 20, perItem: 1 }, 2000],
    ['64 a batch, 50 ms + 0.2 ms a text', { batch: 64, latency: 50, perItem: 0.2 }, 8000],
  ]
  for (const [name, pace, count] of paces) {
    const server = await standIn(bundle, pace)
    rows.push(...contest(`stand-in, ${name}`, server.url, count, runs, 100))
    server.stop()
  }
  const [[name, pace, count]] = paces
  const real = await triton(pace)
  if (real === undefined) console.error('no Triton here: `npm test` installs one')
  else {
    rows.push(...contest(`Triton, ${name}`, real.url, count, runs, 100))
    real.stop()
  }
  console.log(
    '| server | client | texts/s | of 256 in flight | times one by one |\n| --- | --- | ---: | ---: | ---: |',
  )
  console.log(rows.join('\n'))
}

execFileSync('python3', ['--version'])
await main()
