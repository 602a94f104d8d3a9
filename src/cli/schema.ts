import type { CommandModule } from 'yargs'
import { pipelineSchema } from '../pipeline/schema.js'
import { print } from './terminal.js'

/** `steerpipe schema` */
export const schemaCommand: CommandModule = {
  command: 'schema',
  describe: 'write the JSON Schema of pipeline files, for editors',
  handler: () => print(`${JSON.stringify(pipelineSchema(), null, 2)}\n`),
}
