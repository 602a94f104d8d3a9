import { SteerpipeError } from '../errors.js'
import { optionNames } from '../pipeline/stage-use.js'
import { STAGE_NAMES, STAGES } from '../stages/table.js'
import { suggestion } from '../suggest.js'

/** The verbs beside the stages. */
const VERBS = ['run', 'lint', 'explain', 'preview', 'list', 'schema']

/** The flags of the verbs and of every filter. */
const FLAGS = [
  'set',
  'input',
  'output',
  'limit',
  'force',
  'on-error',
  'report',
  'records',
  'out',
  'help',
  'version',
  'verbose',
]

/** What yargs says against a command line, as a coded error with the nearest name. */
export function usageError(message: string): SteerpipeError {
  const [, what, names] = /^Unknown (command|argument)s?: (.*)$/s.exec(message) ?? []
  if (names === undefined) {
    const missing = message.startsWith('Not enough non-option arguments')
    const found = missing ? 'the command needs a file' : message.trim().replace(/:?\n\s*/g, ': ')
    return new SteerpipeError('USAGE', { found })
  }
  const name = names.split(', ')[0]
  if (what === 'command') {
    const known = [...VERBS, ...STAGE_NAMES]
    return new SteerpipeError('USAGE', {
      found: `there is no command \`${name}\`${suggestion(name, known)}`,
      expected: known.join(', '),
    })
  }
  const known = [...FLAGS, ...STAGES.flatMap(optionNames)]
  return new SteerpipeError('USAGE', { found: `unknown flag \`--${name}\`${suggestion(name, known)}` })
}
