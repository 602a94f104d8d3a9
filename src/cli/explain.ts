import type { CommandModule } from 'yargs'
import { explainFile } from '../pipeline/check.js'
import { explainPipeline } from '../pipeline/explain.js'
import { loadSettings, setOption } from './definition-options.js'
import { print } from './terminal.js'

/** `steerpipe explain FILE` */
export const explainCommand: CommandModule<object, { file: string; set: string[] }> = {
  command: 'explain <file>',
  describe: 'show what a pipeline file comes to: its options, what flows, what each stage holds in memory',
  builder: (yargs) =>
    yargs
      .positional('file', { type: 'string', demandOption: true, describe: 'the pipeline file' })
      .options({ set: setOption }) as never,
  handler: async ({ file, set }) => {
    const { pipeline, inputs } = await explainFile(file, loadSettings(set))
    await print(explainPipeline(pipeline, inputs))
  },
}
