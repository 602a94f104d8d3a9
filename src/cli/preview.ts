import type { CommandModule } from 'yargs'
import { SteerpipeError } from '../errors.js'
import { prepareFile } from '../pipeline/check.js'
import { locateInputs } from '../pipeline/inputs.js'
import { previewInput, showPreviews } from '../pipeline/preview.js'
import { definitionOptions, loadSettings } from './definition-options.js'
import { print, say } from './terminal.js'

interface Arguments {
  file: string
  set: string[]
  allow: string[]
  records: number
}

/** The flags of `preview`. */
export const previewOptions = {
  ...definitionOptions,
  records: { alias: 'n', type: 'number', default: 3, requiresArg: true, describe: 'how many records' },
} as const

/** `steerpipe preview FILE` */
export const previewCommand: CommandModule<object, Arguments> = {
  command: 'preview <file>',
  describe: 'show the first records after each stage, and write nothing',
  builder: (yargs) =>
    yargs
      .positional('file', { type: 'string', demandOption: true, describe: 'the pipeline file' })
      .options(previewOptions) as never,
  handler: async ({ file, set, allow, records }) => {
    if (!Number.isInteger(records) || records < 1) {
      throw new SteerpipeError('USAGE', { found: '`-n` is not a whole number of at least 1' })
    }
    const { pipeline, inputs } = await prepareFile(file, loadSettings(set, allow))
    const [wanted, ...others] = inputs
    const [first] = await locateInputs([wanted], new Map(), say)
    await print(`${showPreviews(await previewInput(pipeline, first, records))}\n`)
    const names = others.map((input) => `\`${input.name}\``).join(', ')
    if (names) say(`This is the input \`${first.name}\`; the stages do the same to ${names}.`)
  },
}
