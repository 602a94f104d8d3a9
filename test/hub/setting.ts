/**
 * A hub, a working folder and a cache of their own for a test, and the command in them.
 */
import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { labelled, type Row } from '../cli/data.js'
import { type Ended, type Folder, lines, put, type Running, start, until } from '../support/command.js'
import { type Hub, type HubFiles, type HubOptions, type HubRepo, startHub } from '../support/hub/index.js'

/** A data set. */
export const NAME = 'owner/set'

/** Its address. */
export const SET = `hf://datasets/${NAME}`

/** Rows that differ; each is somewhat more than half a kilobyte. */
export const rows = (count: number, first = 0): Row[] =>
  Array.from({ length: count }, (_, i) => ({
    prompt: `Question ${first + i}?`,
    response: `${first + i}: ${'abcdefghij'.repeat(50)}`,
    helpfulness: i % 5,
    verbosity: 1,
  }))

/** The rows of the tests' file: more than are read at once, or stand in a connection's memory. */
export const ROWS = rows(2500)

export const BODY = Buffer.from(lines(...ROWS))

/** A text, or, of one that would be too much to be shown, its length and digest. */
export const brief = (text: string | Buffer): string =>
  text.length < 2000
    ? text.toString()
    : `${Buffer.byteLength(text)} bytes, ${createHash('sha256').update(text).digest('hex')}`

/** What is made of rows. */
export const madeOf = (given: readonly Row[]): string => brief(given.map(labelled).join(''))

/** What is made of the tests' rows. */
export const MADE = madeOf(ROWS)

export const DEFINITION = `name: x
vars: { source: ${SET}, file: train.jsonl, out: out.jsonl }
inputs: { rows: "\${source}/\${file}" }
stages: [parse, template: helpsteer2, label-format, write: "\${out}"]
`

/** Where a test takes place. */
export class Setting {
  /** A working folder, with `x.yaml` in it. */
  readonly cwd: string
  /** HF_HOME. */
  readonly home: string
  /** What the environment says. */
  env: Readonly<Record<string, string>>

  constructor(
    readonly hub: Hub,
    folder: Folder,
  ) {
    this.cwd = folder.fresh()
    this.home = folder.fresh()
    this.env = {
      HF_ENDPOINT: hub.endpoint,
      HF_HOME: this.home,
      // What the person who runs the tests has set counts for nothing.
      HF_HUB_CACHE: '',
      HUGGINGFACE_HUB_CACHE: '',
      HF_TOKEN: '',
      HUGGING_FACE_HUB_TOKEN: '',
      HF_TOKEN_PATH: '',
      HF_HUB_OFFLINE: '',
      NO_PROXY: '127.0.0.1,localhost',
      no_proxy: '127.0.0.1,localhost',
    }
    put(this.cwd, { 'x.yaml': DEFINITION })
  }

  /** Starts the command. */
  start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
    const running = start(args, this.cwd, { ...this.env, ...env })
    onTestFinished(() => void running.process.kill('SIGKILL'))
    return running
  }

  /** Runs the command to its end. (The hub is in this process: it must not wait for it.) */
  run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    return this.start(args, env).ended
  }

  /** What has been written, in brief. */
  made(name = 'out.jsonl'): string {
    return brief(readFileSync(join(this.cwd, name)))
  }

  /** The data set's folder in the cache. */
  cached(repo = NAME): string {
    return join(this.home, 'hub', `datasets--${repo.replace('/', '--')}`)
  }

  /** What is in the data set's folder in the cache, by its path; of links, where they lead; in brief. */
  inCache(repo = NAME): Record<string, string> {
    const home = this.cached(repo)
    const found = readdirSync(home, { recursive: true, withFileTypes: true }).flatMap((entry) => {
      const path = join(entry.parentPath, entry.name)
      if (entry.isDirectory()) return []
      const shown = lstatSync(path).isSymbolicLink() ? `→ ${readlinkSync(path)}` : brief(readFileSync(path))
      return [[path.slice(home.length + 1), shown]]
    })
    return Object.fromEntries(found)
  }

  /** What the cache is to hold when `main` and these files are in it, and nothing else. */
  whole(...paths: readonly string[]): Record<string, string> {
    const commit = this.hub.commit(NAME)
    const files = paths.flatMap((path) => {
      const etag = this.hub.etag(NAME, path)
      const up = '../'.repeat(1 + path.split('/').length)
      return [
        [`blobs/${etag}`, brief(this.hub.content(NAME, path))],
        [`snapshots/${commit}/${path}`, `→ ${up}blobs/${etag}`],
      ]
    })
    return Object.fromEntries([...files, ['refs/main', commit]])
  }
}

/** Resolves when something has come to be that is to be while a command runs. @throws Error when it ends before */
export async function meanwhile({ ended }: Running, what: Promise<unknown> | (() => boolean)): Promise<void> {
  let end: Ended | undefined
  const early = ended.then((each) => {
    end = each
  })
  if (typeof what === 'function') await until(String(what), () => what() || end !== undefined)
  else await Promise.race([what, early])
  if (end) throw new Error(`the command has ended with ${end.status}: ${end.stderr.slice(-2000)}`)
}

/** A setting whose hub has one data set with these files, and is stopped with the test. */
export async function settingWith(
  folder: Folder,
  files: HubFiles,
  options: HubOptions = {},
  more: Readonly<Record<string, HubRepo>> = {},
): Promise<Setting> {
  const hub = await startHub({ [NAME]: { files }, ...more }, options)
  onTestFinished(() => hub.stop())
  return new Setting(hub, folder)
}

/** A setting with the tests' rows in a big file and in a small one. */
export const setting = (folder: Folder, options: HubOptions = {}): Promise<Setting> =>
  settingWith(folder, FILES, options)

export const FILES: HubFiles = {
  'README.md': '# A set\n',
  'train.jsonl': { content: BODY, lfs: true },
  'small/val.jsonl': lines(...ROWS.slice(0, 10)),
}
