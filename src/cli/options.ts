import { SteerpipeError } from '../errors.js'

/** `--on-error`, of everything that runs. */
export const onErrorOption = {
  choices: ['stop', 'skip'] as const,
  default: 'stop' as const,
  requiresArg: true,
  describe: 'a bad record ends the run, or is counted and left out (exit code 3)',
}

/**
 * A path for an output that a flag gives. In a definition a wrong name in `${…}` is found when it is read; flags
 * are checked here, so that no file is called `${aprt}.jsonl`.
 *
 * @param known what may stand in `${…}` there
 * @throws SteerpipeError USAGE
 */
export function outputPath(flag: string, path: string, known: readonly string[]): string {
  const names = [...path.matchAll(/\$\{([^}]*)\}/g)].map(([, name]) => name)
  const unknown = names.find((name) => !known.includes(name))
  if (path === '' || unknown !== undefined) {
    throw new SteerpipeError('USAGE', {
      found: path === '' ? `\`${flag}\` has no path` : `\`\${${unknown}}\` is not known in \`${flag}\``,
      expected: `a path, with nothing but ${known.map((name) => `\`\${${name}}\``).join(' or ')} to be filled in`,
      fix: 'Write the path out.',
    })
  }
  return path
}

/** Refuses flags that take one value and were given several. @throws SteerpipeError USAGE */
export function refuseRepeats(given: Readonly<Record<string, unknown>>, lists: readonly string[]): true {
  for (const [name, value] of Object.entries(given)) {
    // A switch that is given twice says the same twice.
    if (!Array.isArray(value) || lists.includes(name) || value.every((item) => item === true)) continue
    throw new SteerpipeError('USAGE', {
      found: `\`${flagOf(name)}\` is given ${value.length} times: ${value.map((item) => `\`${item}\``).join(', ')}`,
      expected: 'one value',
      fix: 'Leave out all but one.',
    })
  }
  return true
}

/** A flag as it is typed: `-o`, `--out`. */
export const flagOf = (name: string): string => (name.length === 1 ? `-${name}` : `--${name}`)
