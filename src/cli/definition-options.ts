import { SteerpipeError } from '../errors.js'
import type { LoadSettings } from '../pipeline/load.js'

/** `--set`, of everything that reads a definition. */
export const setOption = {
  type: 'string',
  array: true,
  nargs: 1,
  default: [] as string[],
  defaultDescription: 'the file’s own vars',
  describe: 'NAME=VALUE: a value for a var of the file',
} as const

/** What a definition is read with, from flags and the environment. */
export function loadSettings(set: readonly string[]): LoadSettings {
  return { set: pairs('--set', set), env: process.env }
}

/** `NAME=VALUE` flags as a map. @throws SteerpipeError USAGE */
export function pairs(flag: string, given: readonly string[]): Map<string, string> {
  return new Map(
    given.map((text) => {
      const at = text.indexOf('=')
      if (at <= 0) {
        throw new SteerpipeError('USAGE', {
          found: `\`${flag} ${text}\``,
          expected: `\`${flag} NAME=VALUE\``,
          fix: 'Write the name, an equals sign and the value, without spaces.',
        })
      }
      return [text.slice(0, at), text.slice(at + 1)]
    }),
  )
}
