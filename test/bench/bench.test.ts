/**
 * What the bench says that no busy machine can change: the bytes are those of the original's algorithm, memory does
 * not grow with the input, and the processor has no more to do than for Python.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { COMMAND, Folder } from '../support/command.js'
import { ROOT } from '../support/paths.js'
import { needsPython } from '../support/python.js'

/** What `measure.mjs` prints. */
interface Cost {
  /** Seconds of the processors, user and system. */
  readonly cpu: number
  /** The largest resident size, in bytes. */
  readonly resident: number
}

const SMALL_MB = 20
/** Here Python takes two seconds or so, and our start of 0.15 s weighs little. */
const LARGE_MB = 100
const MEGABYTE = 1e6
/** Longer than any of these takes on a slow machine. */
const PATIENCE = 100_000

const folder = new Folder().path

function run(command: readonly string[]): string {
  const [program, ...args] = command
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: PATIENCE,
  })
  if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}:\n${stderr}`)
  return stdout
}

/** Data of the bench; the path of its file. */
const generate = (kind: string, megabytes: number, ...flags: string[]): string =>
  run([
    process.execPath,
    'test/bench/generate.mjs',
    kind,
    `${megabytes}`,
    '--folder',
    folder,
    ...flags,
  ]).trim()

const measure = (command: readonly string[]): Cost =>
  JSON.parse(run([process.execPath, 'test/bench/measure.mjs', '--', ...command])) as Cost

const python = (job: string, input: string, output: string): string[] => [
  ...['python3', 'test/bench/baseline.py'],
  ...[job, input, output],
]

const ours = (definition: string, ...flags: string[]): string[] => [
  ...[process.execPath, ...COMMAND],
  ...['run', definition, '--force', ...flags],
]

const recipe = (definition: string, input: string, output: string, ...flags: string[]): string[] =>
  ours(definition, '--set', `in=${input}`, '--set', `out=${output}`, ...flags)

/** A new folder of this name, and the paths of files in it. */
function fresh(name: string): (file: string) => string {
  mkdirSync(join(folder, name))
  return (file) => join(folder, name, file)
}

/** Whether two files are the same, without showing megabytes when they are not. */
const isSame = (a: string, b: string): boolean => readFileSync(a).equals(readFileSync(b))

test('regression: the bytes of Python, no more for the processor to do, and memory is flat', (context) => {
  needsPython(context)
  const [small, large] = [SMALL_MB, LARGE_MB].map((megabytes) => generate('conversations', megabytes))
  const out = fresh('regression')
  const definition = 'pipelines/regression.yaml'

  const theirs = measure(python('regression', large, out('python.jsonl')))
  const [before, after] = [small, large].map((input) =>
    measure(recipe(definition, input, out('ours.jsonl'), '--workers', '2')),
  )
  expect(isSame(out('ours.jsonl'), out('python.jsonl'))).toBe(true)
  // Whatever held the input, or what is made of it, would need more than this.
  expect(after.resident - before.resident).toBeLessThan(((LARGE_MB - SMALL_MB) / 2) * MEGABYTE)

  // With threads, time of the processors buys time on the clock, which others on the machine disturb: without them the
  // two are about the same. The others can only make it more, so the least of some runs is what it takes.
  const alone = [1, 2, 3].map(() => measure(recipe(definition, large, out('ours.jsonl'), '--workers', '0')))
  expect(isSame(out('ours.jsonl'), out('python.jsonl'))).toBe(true)
  expect(Math.min(...alone.map(({ cpu }) => cpu))).toBeLessThan(theirs.cpu)
})

test('gzipped rows to conversations and samples in one pass: the bytes of two scripts', (context) => {
  needsPython(context)
  const input = generate('rows', SMALL_MB, '--gzip')
  const out = fresh('helpsteer2')
  run(python('helpsteer2', input, out('python-sft.jsonl')))
  run(python('regression', out('python-sft.jsonl'), out('python-regression.jsonl')))
  run(recipe('test/bench/helpsteer2-both.yaml', input, out('.')))
  expect(isSame(out('sft.jsonl'), out('python-sft.jsonl'))).toBe(true)
  expect(isSame(out('regression.jsonl'), out('python-regression.jsonl'))).toBe(true)
})

test('trees to conversations: the bytes of Python', (context) => {
  needsPython(context)
  const input = generate('trees', SMALL_MB)
  const out = fresh('oasst')
  run(python('oasst', input, out('python')))
  run(ours('pipelines/oasst.yaml', '--input', `trees=${input}`, '--set', `out=${out('ours')}`))
  for (const name of ['train.jsonl', 'val.jsonl']) {
    expect(isSame(out(`ours/${name}`), out(`python/${name}`)), name).toBe(true)
  }
})

test('filtered, split and repeated: the bytes of Python, whether it makes the lines anew or not', (context) => {
  needsPython(context)
  const input = generate('conversations', SMALL_MB)
  const out = fresh('curate')
  run(python('curate', input, out('python')))
  run(python('curate-lines', input, out('lines')))
  run(recipe('test/bench/curate.yaml', input, out('ours')))
  for (const name of ['train.jsonl', 'val.jsonl']) {
    expect(isSame(out(`ours/${name}`), out(`python/${name}`)), name).toBe(true)
    expect(isSame(out(`ours/${name}`), out(`lines/${name}`)), name).toBe(true)
  }
})

test('compressed data is the data that is not', () => {
  const plain = generate('rows', 3)
  const compressed = generate('rows', 3, '--gzip')
  expect(gunzipSync(readFileSync(compressed)).equals(readFileSync(plain))).toBe(true)
})
