import { SteerpipeError } from '../errors.js'
import { findStage, STAGE_NAMES } from '../stages/table.js'
import { suggestion } from '../suggest.js'
import { definitionOptions } from './definition-options.js'
import { filterOptions } from './filter.js'
import { inspectOptions } from './inspect.js'
import { flagOf } from './options.js'
import { previewOptions } from './preview.js'
import { runOptions } from './run.js'

/** The verbs beside the stages, with their flags. */
const VERBS: Readonly<Record<string, object>> = {
  run: runOptions,
  lint: definitionOptions,
  explain: definitionOptions,
  preview: previewOptions,
  inspect: inspectOptions,
  list: {},
  schema: {},
}

const COMMANDS = [...Object.keys(VERBS), ...STAGE_NAMES]

/** The flags of every command. */
const COMMON = ['help', 'version', 'verbose']

/**
 * What yargs says against a command line, as a coded error with the nearest name.
 *
 * @param args the command line
 */
export function usageError(message: string, args: readonly string[]): SteerpipeError {
  const [name] = args.filter((arg) => !arg.startsWith('-'))
  const command = COMMANDS.includes(name) ? name : undefined
  const unknownFlag = /^Unknown arguments?: (.*)$/s.exec(message)?.[1].split(', ')[0]
  if (unknownFlag !== undefined) return flagError(unknownFlag, command)
  const unknownCommand = /^Unknown commands?: (.*)$/s.exec(message)?.[1].split(', ')[0]
  if (unknownCommand !== undefined) return commandError(unknownCommand, command)
  const valueless = /^Not enough arguments following: (.*)$/s.exec(message)?.[1]
  if (valueless !== undefined) return usage(`\`${flagOf(valueless)}\` has no value`, command)
  const [, flag, given, choices] = /Argument: (\S+), Given: "(.*)", Choices: (.*)$/s.exec(message) ?? []
  if (choices !== undefined) {
    const known = [...choices.matchAll(/"(.*?)"/g)].map(([, choice]) => choice)
    const found = `\`${flagOf(flag)}\` cannot be \`${given}\`${suggestion(given, known)}`
    return usage(found, command, known.join(', '))
  }
  if (message.startsWith('Not enough non-option arguments')) return usage('the command needs a file', command)
  // With no command yargs does not look at the flags.
  const first = args.find((arg) => /^--?[^-]/.test(arg) && !COMMON.includes(nameOf(arg)))
  return first === undefined ? usage(message.trim(), command) : flagError(nameOf(first), command)
}

function flagError(name: string, command: string | undefined): SteerpipeError {
  const flags = flagsOf(command)
  const near = suggestion(name, [...COMMON, ...flags]).replace('`', '`--')
  const expected = near || flags.length === 0 ? undefined : flags.map(flagOf).join(', ')
  return usage(`unknown flag \`${flagOf(name)}\`${near}`, command, expected)
}

function commandError(name: string, command: string | undefined): SteerpipeError {
  return command === undefined
    ? usage(`there is no command \`${name}\`${suggestion(name, COMMANDS)}`, command, COMMANDS.join(', '))
    : usage(`one argument too many: \`${name}\``, command)
}

function usage(found: string, command: string | undefined, expected?: string): SteerpipeError {
  const fix = command === undefined ? undefined : `\`steerpipe ${command} --help\` shows what it takes.`
  return new SteerpipeError('USAGE', { found, expected, fix })
}

function flagsOf(command: string | undefined): string[] {
  if (command === undefined) return []
  const spec = findStage(command)
  return Object.keys(spec ? filterOptions(spec) : (VERBS[command] ?? {}))
}

const nameOf = (arg: string): string => arg.replace(/^-+/, '').replace(/=.*$/s, '')
