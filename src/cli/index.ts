#!/usr/bin/env -S node --max-semi-space-size=4
// The flag keeps V8's young generation small: it would else grow with the run, and costs nothing in time.
import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import { STAGES } from '../stages/table.js'
import { explainCommand } from './explain.js'
import { filterCommand } from './filter.js'
import { lintCommand } from './lint.js'
import { listCommand } from './list.js'
import { previewCommand } from './preview.js'
import { runCommand } from './run.js'
import { schemaCommand } from './schema.js'
import { tell } from './terminal.js'
import { usageError } from './usage.js'

const args = hideBin(process.argv)
const command = yargs(args)
  .scriptName('steerpipe')
  .usage(
    'steerpipe COMMAND\n\nPrepares data for SteerLM: rows to labelled conversations to regression samples.',
  )
  .parserConfiguration({
    'camel-case-expansion': true,
    'strip-dashed': false,
    'parse-positional-numbers': false,
  })
  .command(runCommand)
  .command(lintCommand)
  .command(explainCommand)
  .command(previewCommand)
  .command(listCommand)
  .command(schemaCommand)
for (const spec of STAGES) command.command(filterCommand(spec))
command
  .option('verbose', {
    type: 'boolean',
    default: false,
    global: true,
    describe: 'with an error, what caused it',
  })
  .demandCommand(1, 'Name a command.')
  .strictCommands()
  .strictOptions()
  .wrap(100)
  .epilogue(
    'Stages are filters too: steerpipe template --dataset helpsteer2 < rows.jsonl > conversations.jsonl',
  )
  .fail((message, error) => {
    throw error ?? usageError(message)
  })

try {
  await command.parseAsync()
} catch (error) {
  process.exitCode = tell(error, args.includes('--verbose'))
}
