/**
 * The real command, as a shell would start it: `node <flags of its first line> dist/cli/index.js`. STEERPIPE_BIN
 * names another build.
 */
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { afterAll } from 'vitest'
import { ROOT } from './paths.js'

/** The file of the command. */
export const BIN = process.env.STEERPIPE_BIN ?? join(ROOT, 'dist/cli/index.js')

if (!existsSync(BIN)) throw new Error(`${BIN} is not there: build it first (npm run build)`)

const [shebang] = readFileSync(BIN, 'utf8').split('\n', 1)

/** The command line up to the arguments, without `node`. */
export const COMMAND: readonly string[] = [
  ...(shebang.match(/ --\S+/g) ?? []).map((flag) => flag.trim()),
  BIN,
]

/** How a run of the command ended. */
export interface Ended {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** How the command is started. */
export interface Start {
  readonly cwd: string
  /** What stdin gives; default nothing. */
  readonly input?: string | Uint8Array
  /** Whose process it is; default the own user's. */
  readonly uid?: number
}

/** Longer than any of these runs takes on a slow machine; a run that hangs fails its test. */
const PATIENCE = 50_000

const ENV = { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' }

/** Runs the command to its end. */
export function steerpipe(args: readonly string[], { cwd, input = '', uid }: Start): Ended {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [...COMMAND, ...args], {
    cwd,
    input,
    ...(uid !== undefined && { uid }),
    env: ENV,
    timeout: PATIENCE,
    maxBuffer: 1 << 28,
  })
  return { status, signal, stdout: String(stdout ?? ''), stderr: String(stderr ?? '') }
}

/** Runs a script of bash in which `steerpipe` is the command; `$?` of a pipe is its first failure's. */
export function shell(script: string, cwd: string): Ended {
  const command = [process.execPath, ...COMMAND].map((word) => `'${word}'`).join(' ')
  const { status, signal, stdout, stderr } = spawnSync(
    'bash',
    ['-c', `set -o pipefail; steerpipe() { ${command} "$@"; }\n${script}`],
    { cwd, env: ENV, timeout: PATIENCE, maxBuffer: 1 << 28 },
  )
  return { status, signal, stdout: stdout.toString('utf8'), stderr: stderr.toString('utf8') }
}

/** A run of the command that is under way. */
export interface Running {
  readonly process: ChildProcessByStdio<Writable, Readable, Readable>
  readonly ended: Promise<Ended>
}

/** Starts the command. Its stdin stays open until it is ended. @param env what its environment has besides */
export function start(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Running {
  const child = spawn(process.execPath, [...COMMAND, ...args], {
    cwd,
    env: { ...ENV, ...env },
    timeout: PATIENCE,
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  child.stdin.on('error', () => {}) // it may end before it has read everything
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (status, signal) => resolve({ status, signal, stdout, stderr }))
  })
  return { process: child, ended }
}

/** Resolves when something is so. @throws Error when it does not come to be so */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  const end = performance.now() + PATIENCE
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`never came to be: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** A folder of its own for the tests of a file, removed after them. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'steerpipe-cli-'))
  private made = 0

  constructor() {
    afterAll(() => rmSync(this.path, { recursive: true, force: true }))
  }

  /** A folder that is new and empty. */
  fresh(): string {
    return mkdtempSync(join(this.path, `${++this.made}-`))
  }
}

/** The text of a file. */
export const read = (folder: string, name: string): string => readFileSync(join(folder, name), 'utf8')

/** Writes files into a folder, by their names. */
export function put(folder: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
}

/** The names of the files in a folder. */
export const names = (folder: string): string[] => readdirSync(folder).sort()

/** Values as JSON Lines. */
export const lines = (...values: readonly unknown[]): string =>
  values.map((value) => `${JSON.stringify(value)}\n`).join('')
