import type { CommandModule } from 'yargs'
import { SteerpipeError } from '../errors.js'
import { EXIT, print } from './terminal.js'

interface Arguments {
  input: string
  records: number
  json: boolean
}

/** The flags of `inspect`. */
export const inspectOptions = {
  records: { alias: 'n', type: 'number', default: 3, requiresArg: true, describe: 'how many records' },
  json: { type: 'boolean', default: false, describe: 'the same as one JSON object' },
} as const

/** `steerpipe inspect FILE` */
export const inspectCommand: CommandModule<object, Arguments> = {
  command: 'inspect <input>',
  describe: 'say what a file is: its format, its fields, the schema that it fits, and what to do with it',
  builder: (yargs) =>
    yargs
      .positional('input', {
        type: 'string',
        demandOption: true,
        describe: 'a file, an address (hf://…, https://…), or - for stdin',
      })
      .options(inspectOptions) as never,
  handler: async ({ input, records, json }) => {
    if (!Number.isInteger(records) || records < 1) {
      throw new SteerpipeError('USAGE', { found: '`-n` is not a whole number of at least 1' })
    }
    const { inspect } = await import('../pipeline/inspect/inspect.js')
    const inspection = await inspect(input, records)
    const { inspectionJson } = await import('../pipeline/inspect/to-json.js')
    const { showInspection } = await import('../pipeline/inspect/show.js')
    await print(json ? inspectionJson(inspection) : showInspection(inspection))
    // Said, also where nothing is wrong: what feeds stdin may go on for ever.
    process.exitCode = inspection.failure?.exitCode ?? EXIT.done
  },
}
