import { existsSync, realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import type { CommandModule } from 'yargs'
import { SteerpipeError } from '../errors.js'
import { type RunReport, showReport } from '../observe/report.js'
import { type Checked, prepareFile, refuseExisting } from '../pipeline/check.js'
import { plannedOutputs } from '../pipeline/outputs.js'
import { isFinished, isUnfinished, outputsBefore } from '../pipeline/session.js'
import { durationOption } from '../stages/spec.js'
import { outputExists } from '../stages/write.js'
import { isSpecial } from '../storage/sink.js'
import { definitionOptions, loadSettings, pairs } from './definition-options.js'
import { execute } from './execute.js'
import { errorHandling, maxErrorsOption, onErrorOption, outputPath } from './options.js'
import { EXIT, say } from './terminal.js'

interface Arguments {
  file: string
  set: string[]
  allow: string[]
  input: string[]
  output: string | undefined
  limit: number | undefined
  force: boolean
  resume: boolean
  checkpointEvery: string
  onError: string
  maxErrors: string | undefined
  report: string | undefined
}

/** The flags of `run`. */
export const runOptions = {
  ...definitionOptions,
  input: {
    type: 'string',
    array: true,
    nargs: 1,
    default: [] as string[],
    defaultDescription: 'those of the file',
    describe: 'NAME=PATH: another path for an input',
  },
  output: { type: 'string', requiresArg: true, describe: 'another path for the last `write`' },
  limit: { type: 'number', requiresArg: true, describe: 'take only the first N records of each input' },
  force: { type: 'boolean', default: false, describe: 'replace outputs that are there already' },
  resume: {
    type: 'boolean',
    default: false,
    describe: 'go on where an earlier run of the same command was stopped',
  },
  'checkpoint-every': {
    type: 'string',
    default: '10s',
    requiresArg: true,
    describe: 'how often what was done is put on record, so that a run can be gone on with',
  },
  'on-error': onErrorOption,
  'max-errors': maxErrorsOption,
  report: { type: 'string', requiresArg: true, describe: 'write what was done to this file, as JSON' },
} as const

/** `steerpipe run FILE` */
export const runCommand: CommandModule<object, Arguments> = {
  command: 'run <file>',
  describe: 'run a pipeline file',
  builder: (yargs) =>
    yargs
      .positional('file', { type: 'string', demandOption: true, describe: 'the pipeline file' })
      .options(runOptions) as never,
  handler: async (given) => {
    const { file, output, limit, force, resume, report } = given
    const errors = errorHandling(given)
    const every = interval(given.checkpointEvery)
    if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1)) {
      throw new SteerpipeError('USAGE', { found: '`--limit` is not a whole number of at least 1' })
    }
    const settings = {
      ...loadSettings(given.set, given.allow),
      inputs: pairs('--input', given.input),
      ...(output !== undefined && { output: outputPath('--output', output, ['input', 'part']) }),
    }
    const checked = await prepareFile(file, settings)
    if (report !== undefined) refuseOverwriting('the report', '--report', report, [file, ...filesOf(checked)])
    if (errors.aside.path !== undefined) checkDeadLetters(errors.aside.path, given, checked)
    if (resume && !force && isFinished(checked)) {
      say(
        'finished already: all outputs are there, and nothing is left to go on with (`--force` makes them anew)',
      )
      process.exitCode = EXIT.done
      return
    }
    if (!force && !checked.pipeline.overwrite) {
      refuseExisting(checked, resume ? await outputsBefore(checked) : [])
    }
    process.exitCode = await execute(checked, {
      force,
      errors,
      keeping: { every, resume },
      limit,
      report,
      progress: true,
      show: (done) => {
        const { name, description } = checked.pipeline
        say(description ? `${name}: ${description}` : name)
        say(showReport(done))
        const next = nextSteps(given, done)
        if (next.length > 0) say(`next: ${next.join('; ')}`)
      },
    })
  },
}

/** `--checkpoint-every` in milliseconds. @throws SteerpipeError USAGE */
function interval(text: string): number {
  const result = durationOption.safeParse(text)
  if (result.success) return result.data
  throw new SteerpipeError('USAGE', {
    found: `\`--checkpoint-every ${text}\``,
    expected: 'a length of time, such as `30s` or `5m`',
  })
}

/** All that a pipeline reads and writes. */
function filesOf({ pipeline, inputs }: Checked): string[] {
  const read = inputs.flatMap(({ sources }) => sources.flatMap(({ files }) => files))
  return [...read, ...plannedOutputs(pipeline, inputs).map(({ path }) => path)]
}

/** @throws SteerpipeError for a file of bad records that would take the place of another one */
function checkDeadLetters(path: string, { file, report, force, resume }: Arguments, checked: Checked): void {
  const others = [file, ...filesOf(checked), ...(report === undefined ? [] : [report])]
  refuseOverwriting('the file of bad records', '--on-error dead-letter', path, others)
  const mayBeThere = force || isSpecial(path) || (resume && isUnfinished(checked))
  if (!mayBeThere && existsSync(path)) throw outputExists(path)
}

/** @throws SteerpipeError for a file that would be written over something else */
function refuseOverwriting(what: string, flag: string, path: string, others: readonly string[]): void {
  if (path === '-' || path === '') {
    throw new SteerpipeError('USAGE', {
      found: `\`${flag}\` has ${path ? '`-`, which is stdout: that is for data' : 'no path'}`,
      expected: 'a file',
      fix: `Name a file, such as \`${flag}${flag.includes(' ') ? '=bad.jsonl' : ' report.json'}\`.`,
    })
  }
  const other = others.find((each) => each !== '-' && isSame(each, path))
  if (other === undefined) return
  throw new SteerpipeError('OUTPUT_CONFLICT', {
    found: `${what} would overwrite ${other}`,
    place: { input: path },
    fix: 'Give it a name of its own.',
  })
}

function isSame(a: string, b: string): boolean {
  const [first, second] = [a, b].map((path) => (existsSync(path) ? realpathSync(path) : resolve(path)))
  return first === second && first !== '/dev/null'
}

/** Commands that show what a run has made. */
function nextSteps({ file, set, input }: Arguments, { inputs }: RunReport): string[] {
  const written = inputs.flatMap(({ stages }) => stages.flatMap(({ outputs }) => outputs))
  const first = written.find(({ path, bytes }) => path !== '-' && bytes > 0)?.path
  const vars = set.map((pair) => ` --set ${shellWord(pair)}`).join('')
  // A preview does not know `--input`, and stdin has been read.
  const preview = input.length === 0 && !inputs.some(({ files }) => files.includes('-'))
  return [
    ...(preview ? [`steerpipe preview ${shellWord(file)}${vars} -n 2`] : []),
    ...(first === undefined
      ? []
      : [first.endsWith('.gz') ? `zcat ${shellWord(first)} | head -n 1` : `head -n 1 ${shellWord(first)}`]),
  ]
}

/** A word as a shell must be given it. */
const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
