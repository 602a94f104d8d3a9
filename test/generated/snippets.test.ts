import { execFile } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lintFile } from '../../src/pipeline/check.js'
import { chain, treeLine } from '../datasets/trees.js'
import { type Hub, startHub } from '../support/hub/index.js'
import { ROOT, readText } from '../support/paths.js'
import { type RewardServer, startRewardServer } from '../support/reward-server.js'

/** A fenced block of the README: its language (with what follows it) and its text. */
interface Snippet {
  readonly language: string
  readonly text: string
}

const snippets: Snippet[] = [...readText(`${ROOT}/README.md`).matchAll(/^```(\S.*)\n([\s\S]*?)^```$/gm)].map(
  ([, language, text]) => ({ language, text }),
)

const of = (language: string): Snippet[] => snippets.filter((snippet) => snippet.language === language)

/** A folder as a reader would have it: the package installed, some data, the shipped pipelines. */
let folder = ''

/** The reward servers of the examples, by the address that the README has: SteerLM's own, and two of HelpSteer's. */
const HEADS = { 'http://127.0.0.1:5555': 9, 'http://127.0.0.1:5556': 5, 'http://127.0.0.1:5557': 5 }
const servers = new Map<string, RewardServer>()

/** What the examples take from the hub. */
let hub: Hub

/** A text of the README with the addresses of servers that are there. */
const withServers = (text: string): string =>
  [...servers].reduce((made, [address, { url }]) => made.replaceAll(address, url), text)

/** Runs a command in the folder; servers in this process go on meanwhile. */
function run(command: string, args: string[]) {
  const path = `${join(folder, 'bin')}:${process.env.PATH}`
  const hubs = { HF_ENDPOINT: hub.endpoint, HF_HOME: join(folder, 'hub') }
  const options = { cwd: folder, env: { ...process.env, ...hubs, PATH: path } }
  return new Promise<{ status: number | null; stdout: string; stderr: string }>((resolve) => {
    const child = execFile(command, args, options, (_error, stdout, stderr) =>
      resolve({ status: child.exitCode, stdout, stderr }),
    )
  })
}

beforeAll(async () => {
  for (const [address, heads] of Object.entries(HEADS))
    servers.set(address, await startRewardServer({ heads }))
  folder = mkdtempSync(join(tmpdir(), 'steerpipe-readme-'))
  cpSync(`${ROOT}/pipelines`, join(folder, 'pipelines'), { recursive: true })
  for (const name of ['data/HelpSteer2', 'rows', 'bin', 'node_modules'])
    mkdirSync(join(folder, name), { recursive: true })
  symlinkSync(ROOT, join(folder, 'node_modules/steerpipe'))
  symlinkSync(`${ROOT}/node_modules/split2`, join(folder, 'node_modules/split2'))
  // `npx steerpipe` without npx's own second of start-up; that npx finds the command is tested with the package.
  writeFileSync(join(folder, 'bin/npx'), `#!/bin/sh\nshift\nexec "${ROOT}/dist/cli/index.js" "$@"\n`)
  chmodSync(join(folder, 'bin/npx'), 0o755)
  const rows = `${ROOT}/pipelines/quickstart/train.jsonl.gz`
  copyFileSync(rows, join(folder, 'rows.jsonl.gz'))
  writeFileSync(join(folder, 'rows.jsonl'), gunzipSync(readFileSync(rows)))
  const names = ['train.jsonl.gz', 'validation.jsonl.gz']
  for (const name of names)
    copyFileSync(`${ROOT}/pipelines/quickstart/${name}`, join(folder, 'data/HelpSteer2', name))
  const helpsteer = Object.fromEntries(
    names.map((name) => [name, { content: readFileSync(`${ROOT}/pipelines/quickstart/${name}`), lfs: true }]),
  )
  const trees = Array.from({ length: 20 }, (_, i) => `${treeLine(chain(2 + (i % 3)))}\n`)
  hub = await startHub({
    'nvidia/HelpSteer': { files: helpsteer },
    'nvidia/HelpSteer2': { files: helpsteer },
    'OpenAssistant/oasst1': {
      files: { '2023-04-12_oasst_all.trees.jsonl.gz': { content: gzipSync(trees.join('')), lfs: true } },
    },
  })
  // The module of the example, where the pipeline files are and where the stages of the reference are linted.
  for (const { text } of of('js module')) {
    writeFileSync(join(folder, 'my-stage.mjs'), text)
    writeFileSync(join(folder, 'pipelines/my-stage.mjs'), text)
  }
  const ours = { question: 'q', answer: 'a', rating: 3.5, tone: 5, other: [1] }
  writeFileSync(join(folder, 'rows/1.jsonl'), `${JSON.stringify(ours)}\n`)
  const prepared = await run('sh', [
    '-c',
    'npx steerpipe run pipelines/helpsteer2.yaml --set source=data/HelpSteer2 --set out=. --input val=data/HelpSteer2/validation.jsonl.gz',
  ])
  expect(prepared.stderr).toContain('left out: nothing')
  copyFileSync(join(folder, 'train.jsonl'), join(folder, 'sft.jsonl'))
})

afterAll(async () => {
  for (const server of servers.values()) await server.close()
  await hub.stop()
  rmSync(folder, { recursive: true, force: true })
})

describe('the README’s examples run as they stand', () => {
  test('there are examples of each kind', () => {
    expect(of('sh').length).toBeGreaterThan(4)
    expect(of('ts').length).toBeGreaterThan(2)
    expect(of('yaml pipeline').length).toBeGreaterThan(1)
    expect(of('yaml stage').length).toBeGreaterThan(4)
    expect(of('js module')).toHaveLength(1)
  })

  test.each(of('sh').map(({ text }) => text))('%s', async (text) => {
    // The set-up and the whole test are what CI runs; this is about the rest.
    const script = withServers(text)
      .replace('npm ci && ', '')
      .replace(/^npm (cit|run .*)$/gm, ':')
    const result = await run('bash', ['-euo', 'pipefail', '-c', script])
    expect(result.stderr).not.toContain('error')
    expect(result.status).toBe(0)
  })

  test.each(of('ts').map(({ text }, index) => [index, text] as const))('script %i', async (index, text) => {
    const file = join(folder, `script-${index}.mjs`)
    writeFileSync(file, text)
    const result = await run('node', [file])
    expect(result.stderr).toBe('')
    expect(result.status).toBe(0)
  })

  test('the scripts have the types that they promise', async () => {
    for (const [index, { text }] of of('ts').entries()) writeFileSync(join(folder, `typed-${index}.ts`), text)
    const options = {
      strict: true,
      noEmit: true,
      module: 'nodenext',
      target: 'es2023',
      types: ['node'],
      skipLibCheck: true,
      allowJs: true,
      checkJs: true,
    }
    const typeRoots = [`${ROOT}/node_modules/@types`]
    const config = { compilerOptions: { ...options, typeRoots }, include: ['typed-*.ts', 'my-stage.mjs'] }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
    symlinkSync(`${ROOT}/node_modules/@types`, join(folder, 'node_modules/@types'))
    const result = await run('node', [`${ROOT}/node_modules/typescript/bin/tsc`, '-p', folder])
    expect(result.stdout).toBe('')
    expect(result.status).toBe(0)
  })

  test.each(of('yaml pipeline').map(({ text }) => text))('%s', async (text) => {
    const file = join(folder, 'pipelines/example.yaml')
    writeFileSync(file, withServers(text))
    const result = await run('sh', ['-c', 'npx steerpipe run pipelines/example.yaml'])
    expect(result.stderr).not.toContain('error')
    expect(result.status).toBe(0)
  })

  test.each(of('yaml stage').map(({ text }) => text))('%s', async (text) => {
    // A stage alone is a wire that does not fit; what is asked here is whether its options are right.
    const file = join(folder, 'stage.yaml')
    writeFileSync(
      file,
      `name: x\ninputs: ${ROOT}/pipelines/quickstart/train.jsonl.gz\nstages:\n${text.replace(/^/gm, '  ')}`,
    )
    const errors = await lintFile(file, { env: {} })
    expect(errors.filter(({ code }) => code !== 'WIRE_MISFIT' && code !== 'DEFINITION_INVALID')).toEqual([])
  })
})
