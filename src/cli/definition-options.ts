import { statSync } from 'node:fs'
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

/** `--allow`, likewise. */
export const allowOption = {
  type: 'string',
  array: true,
  nargs: 1,
  default: [] as string[],
  defaultDescription: 'the folder of the file',
  describe: 'another folder that `map` may load modules from; may be repeated',
} as const

/** The flags of everything that reads a definition. */
export const definitionOptions = { set: setOption, allow: allowOption } as const

/** What a definition is read with, from flags and the environment. @throws SteerpipeError USAGE */
export function loadSettings(set: readonly string[], allow: readonly string[]): LoadSettings {
  for (const path of allow) {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) continue
    throw new SteerpipeError('USAGE', {
      found: `\`--allow ${path}\`: there is no such folder`,
      expected: 'a folder with modules for `map`',
      fix: 'Correct the path. Relative paths are from the working folder.',
    })
  }
  return { set: pairs('--set', set), allow, env: process.env }
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
