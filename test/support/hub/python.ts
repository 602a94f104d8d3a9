/**
 * Python's own client of the hub, with which the cache is shared: installed and asked by the tests.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, type TestContext } from 'vitest'
import { ROOT } from '../paths.js'

/** Below node_modules, so that no other tool looks into it; `npm ci` takes it away, and pip's own cache remains. */
const CACHE = join(ROOT, 'node_modules/.cache/steerpipe')
const ENVIRONMENT = join(CACHE, 'huggingface_hub')
const PYTHON = '/usr/bin/python3'

/** Less than the patience of the hook that waits for it, so that what pip has said is seen. */
const PATIENCE = 230_000

/** Runs a script of Python with the client at hand. @throws Error with what Python said when it fails */
export type AskPython = (script: string, env: Readonly<Record<string, string>>) => Promise<string>

/**
 * Puts the client where the tests of a file find it.
 *
 * @returns what gives it to a test, or skips the test where there is no Python that has virtual environments. Where
 * there is one, a failure is a failure.
 */
export function useHubPython(): (context: TestContext) => AskPython {
  const isThere = spawnSync(PYTHON, ['-c', 'import ensurepip']).status === 0
  beforeAll(async () => {
    if (isThere) await setUp()
  }, PATIENCE + 10_000)
  return (context) => {
    if (!isThere)
      context.skip(`${PYTHON} with ensurepip is not installed: Python’s own client cannot be asked`)
    return (script, env) => run(join(ENVIRONMENT, 'bin/python'), ['-c', script], { ...QUIET, ...env }, 60_000)
  }
}

/** Its native client of the store for big files cannot speak with the hub of these tests. */
const QUIET = {
  HF_HUB_DISABLE_XET: '1',
  HF_HUB_DISABLE_TELEMETRY: '1',
  HF_HUB_DISABLE_PROGRESS_BARS: '1',
}

/** The first call makes the environment, also with others at it at the same time. */
async function setUp(): Promise<void> {
  mkdirSync(CACHE, { recursive: true })
  const script = fileURLToPath(new URL('../triton/set-up.sh', import.meta.url))
  const requirements = fileURLToPath(new URL('requirements.txt', import.meta.url))
  // The lock goes away with its process, however that ends.
  const lock = join(CACHE, 'huggingface_hub.lock')
  await run('flock', [lock, '/bin/sh', script, ENVIRONMENT, requirements], {}, PATIENCE)
}

/** What leads to another Python, its packages, or another cache of the hub. */
const FOREIGN = /^(PYTHON|VIRTUAL_ENV|HF_|HUGGING)/

function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  timeout: number,
): Promise<string> {
  const kept = Object.entries(process.env).filter(([name]) => !FOREIGN.test(name))
  return new Promise((resolve, reject) => {
    let stdout = ''
    let stderr = ''
    const child = spawn(command, args, {
      env: { ...Object.fromEntries(kept), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout,
    })
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-4000)
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) resolve(stdout)
      else reject(new Error(`${command} failed (${signal ?? code}):\n${stderr}${stdout.slice(-2000)}`))
    })
  })
}
