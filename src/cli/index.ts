#!/usr/bin/env -S node --min-semi-space-size=8 --max-semi-space-size=16
// The flag keeps V8’s young generation from growing with the run; with less, batches are promoted and copied twice.
import { readFileSync } from 'node:fs'
import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import { STAGES } from '../stages/table.js'
import { explainCommand } from './explain.js'
import { filterCommand } from './filter.js'
import { inspectCommand } from './inspect.js'
import { lintCommand } from './lint.js'
import { listCommand } from './list.js'
import { refuseRepeats } from './options.js'
import { previewCommand } from './preview.js'
import { replayCommand } from './replay.js'
import { runCommand } from './run.js'
import { schemaCommand } from './schema.js'
import { leave, tell } from './terminal.js'
import { usageError } from './usage.js'

// Whoever reads what is said may have gone; that is no reason to stop working.
process.stderr.on('error', () => {})

const args = hideBin(process.argv)

// yargs loses a `-` among files. It goes through it in disguise; no argument of a process can hold a NUL.
const DASH = '\0-'
const undisguised = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(undisguised)
  return value === DASH ? '-' : value
}

const command = yargs(args.map((arg) => (arg === '-' ? DASH : arg)))
  .scriptName('steerpipe')
  .usage(
    'steerpipe COMMAND\n\nPrepares data for SteerLM: rows to labelled conversations to regression samples.',
  )
  .parserConfiguration({
    'camel-case-expansion': true,
    'strip-dashed': false,
    'parse-positional-numbers': false,
    // `--tokens.user` is a flag like any other; what is inside what is for the stage's options to say.
    'dot-notation': false,
  })
  .detectLocale(false)
  .command(runCommand)
  .command(replayCommand)
  .command(lintCommand)
  .command(explainCommand)
  .command(previewCommand)
  .command(inspectCommand)
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
  .help()
  .alias('help', 'h')
  .version(args.includes('--version') ? packageVersion() : '')
  .middleware((given) => {
    for (const [name, value] of Object.entries(given)) given[name] = undisguised(value)
  }, true)
  .check((given) => refuseRepeats(given, ['_', 'files', 'set', 'allow', 'input']), true)
  .demandCommand(1, 'Name a command.')
  .strictCommands()
  .strictOptions()
  .wrap(100)
  .epilogue(
    'Stages are filters too: steerpipe template --dataset helpsteer2 < rows.jsonl > conversations.jsonl',
  )
  .fail((message, error) => {
    // What yargs itself has to say comes as a message, or as an error of its own.
    if (error && error.name !== 'YError') throw error
    throw usageError((message ?? error.message).replaceAll(DASH, '-'), args)
  })

try {
  await command.parseAsync()
  // Help and the like end by themselves, when all is printed.
  if (process.exitCode !== undefined) await leave(Number(process.exitCode))
} catch (error) {
  await leave(tell(error, args.includes('--verbose')))
}

/** yargs would take the version of whatever package it is run in. */
function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
