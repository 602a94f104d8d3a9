import type { CommandModule } from 'yargs'
import { explainFile } from '../pipeline/check.js'
import { explainPipeline } from '../pipeline/explain.js'
import { definitionOptions, loadSettings } from './definition-options.js'
import { print } from './terminal.js'

/** `steerpipe explain FILE` */
export const explainCommand: CommandModule<object, { file: string; set: string[]; allow: string[] }> = {
  command: 'explain <file>',
  describe: 'show what a pipeline file comes to: its options, what flows, what each stage holds in memory',
  builder: (yargs) =>
    yargs
      .positional('file', { type: 'string', demandOption: true, describe: 'the pipeline file' })
      .options(definitionOptions) as never,
  handler: async ({ file, set, allow }) => {
    const { pipeline, inputs } = await explainFile(file, loadSettings(set, allow))
    await print(await explainPipeline(pipeline, inputs))
  },
}
