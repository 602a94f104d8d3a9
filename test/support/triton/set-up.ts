/**
 * Puts Triton where the tests find it: a virtual environment with PyTriton, which brings Triton's own binaries along.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ROOT } from '../paths.js'

/** Below node_modules, so that no other tool looks into it; `npm ci` takes it away, and pip's own cache remains. */
const CACHE = join(ROOT, 'node_modules/.cache/steerpipe')
const ENVIRONMENT = join(CACHE, 'triton')
const PYTHON = '/usr/bin/python3'

/** Less than the patience of the hook that waits for it, so that what pip has said is seen. */
const PATIENCE = 570_000

/** How long whoever calls `setUpTriton` should be ready to wait: most of it is a download of 100 MB or so. */
export const SET_UP_PATIENCE = 600_000

/** Why there is no Triton. */
export interface Skip {
  readonly skip: string
}

/**
 * The Python in which PyTriton is installed; the first call makes it, also with others at it at the same time.
 *
 * It is skipped only where it cannot be: without Debian's packages, or without the rights to install one that is
 * missing. Where it can, a failure is a failure: a test that is skipped because a download failed would be missed by
 * nobody.
 *
 * @throws Error with what apt or pip said last
 */
export async function setUpTriton(): Promise<string | Skip> {
  const missing = whatIsMissing()
  if (missing !== undefined) return { skip: `no Triton here: ${missing}` }
  mkdirSync(CACHE, { recursive: true })
  const script = fileURLToPath(new URL('set-up.sh', import.meta.url))
  const requirements = fileURLToPath(new URL('requirements.txt', import.meta.url))
  // The lock goes away with its process, however that ends.
  await run('flock', [join(CACHE, 'triton.lock'), '/bin/sh', script, ENVIRONMENT, requirements])
  return join(ENVIRONMENT, 'bin/python')
}

function whatIsMissing(): string | undefined {
  if (process.platform !== 'linux') return `it runs on Linux, and this is ${process.platform}`
  if (!existsSync('/usr/bin/apt-get')) return 'it needs Debian’s Python, and there is no apt-get'
  const hasPip = spawnSync(PYTHON, ['-c', 'import ensurepip'], { env: cleanEnvironment() }).status === 0
  if (!hasPip && process.getuid?.() !== 0)
    return 'python3-venv is not installed, and only root can install it'
  return undefined
}

/**
 * The environment for the system’s Python: without what leads to another Python or its packages, but with how pip
 * gets at its packages.
 */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) =>
    /^(HOME|PIP_\w+|(https?|all|no)_proxy|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE)$/i.test(name),
  )
  return { ...Object.fromEntries(kept), PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' }
}

function run(command: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = ''
    const child = spawn(command, args, {
      env: cleanEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: PATIENCE,
    })
    const listen = (text: string) => {
      said = (said + text).slice(-4000)
    }
    child.stdout.setEncoding('utf8').on('data', listen)
    child.stderr.setEncoding('utf8').on('data', listen)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) resolve()
      else reject(new Error(`Triton could not be set up (${signal ?? code}):\n${said}`))
    })
  })
}
