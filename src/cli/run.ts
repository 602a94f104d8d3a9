import type { CommandModule } from 'yargs'
import { SteerpipeError } from '../errors.js'
import { showReport } from '../observe/report.js'
import { type Checked, prepareFile, refuseExisting } from '../pipeline/check.js'
import { loadSettings, pairs, setOption } from './definition-options.js'
import { execute } from './execute.js'
import { onErrorOption } from './options.js'
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

/** `steerpipe run FILE` */
export const runCommand: CommandModule<object, Arguments> = {
  command: 'run <file>',
  describe: 'run a pipeline file',
  builder: (yargs) =>
    yargs.positional('file', { type: 'string', demandOption: true, describe: 'the pipeline file' }).options({
      set: setOption,
      input: {
        type: 'string',
        array: true,
        nargs: 1,
        default: [],
        defaultDescription: 'those of the file',
        describe: 'NAME=PATH: another path for an input',
      },
      output: { type: 'string', requiresArg: true, describe: 'another path for the last `write`' },
      limit: { type: 'number', requiresArg: true, describe: 'take only the first N records of each input' },
      force: { type: 'boolean', default: false, describe: 'replace outputs that are there already' },
      'on-error': onErrorOption,
      report: { type: 'string', requiresArg: true, describe: 'write what was done to this file, as JSON' },
    }) as never,
  handler: async (given) => {
    if (given.limit !== undefined && !(Number.isInteger(given.limit) && given.limit >= 1)) {
      throw new SteerpipeError('USAGE', { found: '`--limit` is not a whole number of at least 1' })
    }
    const settings = { ...loadSettings(given.set), inputs: pairs('--input', given.input) }
    const prepared = withOutput(await prepareFile(given.file, settings), given.output)
    if (!given.force && !prepared.pipeline.overwrite) refuseExisting(prepared)
    process.exitCode = await execute(prepared, {
      force: given.force,
      onError: given.onError,
      limit: given.limit,
      report: given.report,
      show: (report) => {
        say(`${prepared.pipeline.name}: ${prepared.pipeline.description}`)
        say(showReport(report))
        const written = report.inputs.flatMap(({ stages }) => stages.flatMap(({ outputs }) => outputs))
        const file = written.find(({ path }) => path !== '-')?.path
        say(`next: steerpipe preview ${given.file} -n 2${file ? `; head -n 1 ${file}` : ''}`)
      },
    })
  },
}

/** The pipeline with another path for its last `write`. */
function withOutput(checked: Checked, output: string | undefined): Checked {
  if (output === undefined) return checked
  const { pipeline } = checked
  const last = pipeline.stages.findLastIndex((use) => use.spec.name === 'write')
  const stages = pipeline.stages.map((use, index) =>
    index === last ? { ...use, options: { ...use.options, to: output } } : use,
  )
  return { ...checked, pipeline: { ...pipeline, stages } }
}
