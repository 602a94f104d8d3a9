/**
 * What the tests of pipeline files share: a folder of their own to work in, and mistakes in a form that reads well
 * in tables.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import type { SteerpipeError } from '../../src/errors.js'
import type { RunReport } from '../../src/observe/report.js'
import { type Checked, CheckFailure, lintFile, prepareFile } from '../../src/pipeline/check.js'
import type { LoadSettings } from '../../src/pipeline/load.js'
import { type RunSettings, runPipeline } from '../../src/pipeline/run.js'

/** Values for vars, and the environment. */
export interface Given {
  readonly set?: Readonly<Record<string, string>>
  readonly inputs?: Readonly<Record<string, string>>
  readonly output?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Gives each test of a file an empty working folder, since relative paths are from there. */
export function useWorkFolder(): void {
  const before = process.cwd()
  let folder = ''
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'steerpipe-')))
    process.chdir(folder)
  })
  afterEach(() => {
    process.chdir(before)
    rmSync(folder, { recursive: true, force: true })
  })
}

/** Puts files into the working folder. */
export function put(files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
  }
}

/** The text of a file; undefined if it is not there. */
export const textOf = (path: string): string | undefined =>
  existsSync(path) ? readFileSync(path, 'utf8') : undefined

/** The paths of all files below a folder. */
export const filesBelow = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map((entry) => join(entry.parentPath, entry.name))
        .sort()
    : []

export function settings({ set, inputs, output, env = {} }: Given = {}): LoadSettings {
  return {
    env,
    ...(set && { set: new Map(Object.entries(set)) }),
    ...(inputs && { inputs: new Map(Object.entries(inputs)) }),
    ...(output !== undefined && { output }),
  }
}

/** What lint says of a definition: `line:column CODE what was found`, and what to expect or to do where `full`. */
export async function lint(text: string, given: Given = {}): Promise<string[]> {
  return (await lintErrors(text, given)).map(brief)
}

/** The errors that lint finds in a definition. */
export async function lintErrors(
  text: string | Uint8Array,
  given: Given = {},
): Promise<readonly SteerpipeError[]> {
  writeFileSync('p.yaml', text)
  return lintFile('p.yaml', settings(given))
}

/** `line:column CODE found`. */
export const brief = ({ place, code, found }: SteerpipeError): string =>
  `${place?.line ?? '-'}:${place?.column ?? '-'} ${code} ${found}`

/** A definition that is ready to run. */
export async function prepare(text: string, given: Given = {}): Promise<Checked> {
  writeFileSync('p.yaml', text)
  return prepareFile('p.yaml', settings(given))
}

/** What is said against running a definition; nothing if it may run. */
export async function refusals(text: string, given: Given = {}): Promise<string[]> {
  try {
    await prepare(text, given)
    return []
  } catch (error) {
    if (!(error instanceof CheckFailure)) throw error
    return error.errors.map(brief)
  }
}

/** The options of the common stages of a definition that is ready to run, by the stage's name. */
export async function optionsOf(
  text: string,
  given: Given = {},
): Promise<Map<string, Readonly<Record<string, unknown>>>> {
  const { pipeline } = await prepare(text, given)
  return new Map([pipeline.parse, ...pipeline.stages].map(({ spec, options }) => [spec.name, options]))
}

/** A HelpSteer2 row. */
export const row = (n: number, more: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({ prompt: `p${n}`, response: `r${n}`, helpfulness: n % 5, ...more })

/** Rows from one number to another. */
export const rows = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, index) => `${row(from + index)}\n`).join('')

/** Runs a definition. */
export async function run(text: string, settings: RunSettings = {}): Promise<RunReport> {
  return runPipeline(await prepare(text), settings)
}

/** The prompts (`p1`, `p2`, …) of a file's lines, whatever they are lines of. */
export const prompts = (path: string): string[] =>
  (textOf(path) ?? '')
    .split('\n')
    .filter(Boolean)
    .map((line) => /p\d+/.exec(line)?.[0] ?? line)

/** What came into each stage of an input and went out of it. */
export const counts = (report: RunReport, input = 0): string[] =>
  report.inputs[input].stages.map(({ stage, counters }) => `${stage} ${counters.in} ${counters.out}`)

/** A definition over the inputs a.jsonl and b.jsonl that writes twice on its way. */
export const FULL = `name: full
inputs: { one: a.jsonl, two: b.jsonl }
stages:
  - template: helpsteer2
  - label-format
  - write: out/sft/\${input}.jsonl
  - regression-expand
  - write: out/reg/\${input}.jsonl
`
