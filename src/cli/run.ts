import { existsSync, realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import type { CommandModule } from 'yargs'
import { SteerpipeError } from '../errors.js'
import { type RunReport, showReport } from '../observe/report.js'
import { type Checked, prepareFile, refuseExisting } from '../pipeline/check.js'
import { plannedOutputs } from '../pipeline/outputs.js'
import { loadSettings, pairs, setOption } from './definition-options.js'
import { execute } from './execute.js'
import { onErrorOption, outputPath } from './options.js'
import { say } from './terminal.js'

interface Arguments {
  file: string
  set: string[]
  input: string[]
  output: string | undefined
  limit: number | undefined
  force: boolean
  onError: 'stop' | 'skip'
  report: string | undefined
}

/** The flags of `run`. */
export const runOptions = {
  set: setOption,
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
  'on-error': onErrorOption,
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
    const { file, output, limit, force, onError, report } = given
    if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1)) {
      throw new SteerpipeError('USAGE', { found: '`--limit` is not a whole number of at least 1' })
    }
    const settings = {
      ...loadSettings(given.set),
      inputs: pairs('--input', given.input),
      ...(output !== undefined && { output: outputPath('--output', output, ['input', 'part']) }),
    }
    const checked = await prepareFile(file, settings)
    if (report !== undefined) checkReport(report, file, checked)
    if (!force && !checked.pipeline.overwrite) refuseExisting(checked)
    process.exitCode = await execute(checked, {
      force,
      onError,
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

/** Refuses a report that would be written over something else. @throws SteerpipeError */
function checkReport(report: string, file: string, { pipeline, inputs }: Checked): void {
  if (report === '-' || report === '') {
    throw new SteerpipeError('USAGE', {
      found: `\`--report\` has ${report ? '`-`, which is stdout: that is for data' : 'no path'}`,
      expected: 'a file',
      fix: 'Name a file, such as `--report report.json`.',
    })
  }
  const read = inputs.flatMap(({ sources }) => sources.flatMap(({ files }) => files))
  const written = plannedOutputs(pipeline, inputs).map(({ path }) => path)
  const other = [file, ...read, ...written].find((path) => path !== '-' && isSame(path, report))
  if (other === undefined) return
  throw new SteerpipeError('OUTPUT_CONFLICT', {
    found: `the report would overwrite ${other}`,
    place: { input: report },
    fix: 'Give the report a name of its own.',
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
