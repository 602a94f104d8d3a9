import type { CommandModule } from 'yargs'
import { SteerpipeError } from '../errors.js'
import { countLeftOut, type RunReport, showReport } from '../observe/report.js'
import { prepareFile } from '../pipeline/check.js'
import { shellWord } from '../shell-word.js'
import { definitionOptions, loadSettings, pairs } from './definition-options.js'
import { execute } from './execute.js'
import { checkFiles } from './files.js'
import {
  errorHandling,
  keepingOf,
  keepingOptions,
  maxErrorsOption,
  onErrorOption,
  outputPath,
  syncOption,
  workersOf,
  workersOption,
} from './options.js'
import { say } from './terminal.js'

interface Arguments {
  file: string
  set: string[]
  allow: string[]
  input: string[]
  output: string | undefined
  limit: number | undefined
  force: boolean
  workers: number | undefined
  sync: boolean
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
  workers: workersOption,
  sync: syncOption,
  ...keepingOptions,
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
    const { file, output, limit, force, sync, report } = given
    const errors = errorHandling(given)
    const keeping = keepingOf(given)
    const workers = workersOf(given.workers)
    if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1)) {
      throw new SteerpipeError('USAGE', { found: '`--limit` is not a whole number of at least 1' })
    }
    const settings = {
      ...loadSettings(given.set, given.allow),
      inputs: pairs('--input', given.input),
      ...(output !== undefined && { output: outputPath('--output', output, ['input', 'part']) }),
    }
    const checked = await prepareFile(file, settings)
    const isDone = await checkFiles(checked, { ...given, definition: file, deadLetters: errors.aside.path })
    if (isDone) return
    process.exitCode = await execute(checked, {
      force,
      sync,
      errors,
      workers,
      keeping,
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

/** Commands that show what a run has made. */
function nextSteps({ file, set, allow, input, onError }: Arguments, report: RunReport): string[] {
  const { inputs } = report
  const written = inputs.flatMap(({ stages }) => stages.flatMap(({ outputs }) => outputs))
  const first = written.find(({ path, bytes }) => path !== '-' && bytes > 0)?.path
  const vars = [
    ...set.map((pair) => ` --set ${shellWord(pair)}`),
    ...allow.map((path) => ` --allow ${shellWord(path)}`),
  ].join('')
  // A preview does not know `--input`, and stdin has been read.
  const preview = input.length === 0 && !inputs.some(({ files }) => files.includes('-'))
  const [, bad] = /^dead-letter=(.+)$/.exec(onError) ?? []
  return [
    ...(bad !== undefined && countLeftOut(report) > 0
      ? [
          `mend \`raw\` in ${bad}, then steerpipe replay ${shellWord(bad)} ${shellWord(file)}${vars} --merge-into`,
        ]
      : []),
    ...(preview ? [`steerpipe preview ${shellWord(file)}${vars} -n 2`] : []),
    ...(first === undefined
      ? []
      : [first.endsWith('.gz') ? `zcat ${shellWord(first)} | head -n 1` : `head -n 1 ${shellWord(first)}`]),
  ]
}
