import { type Place, SteerpipeError } from '../errors.js'
import type { StageSpec } from '../stages/spec.js'
import { suggestion } from '../suggest.js'
import type { StageUse } from './pipeline.js'
import { type Problem, told, type ValuePath, validate } from './problems.js'

/** `max-line-bytes` for `maxLineBytes`: option names in pipeline files and flags. */
export const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** The names of a stage's options as pipeline files and flags have them. */
export const optionNames = (spec: StageSpec): string[] => Object.keys(spec.options.shape).map(kebab)

/** An option's place and whether its value came from outside as text, by its path (as pipeline files name it). */
export interface OptionSource {
  readonly place: Place | undefined
  /** The place of a value, or of the key for an unknown option. */
  readonly placeOf: (path: ValuePath, key: boolean) => Place | undefined
  /** The place of a character of a text; undefined where it cannot be told. */
  readonly placeIn: (path: ValuePath, at: number, text: string) => Place | undefined
  /** Whether the value at a path is text from outside, to be read as the option's type wants. */
  readonly isText: (path: ValuePath) => boolean
}

/**
 * Validates a stage's options, as a pipeline file or flags give them (kebab-case). Mistakes go into `errors`.
 */
export function useStage(
  spec: StageSpec,
  given: Readonly<Record<string, unknown>>,
  source: OptionSource,
  errors: SteerpipeError[],
): StageUse {
  const names = new Map(Object.keys(spec.options.shape).map((name) => [kebab(name), name]))
  const options: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(given)) {
    const known = names.get(name)
    if (known === undefined) errors.push(unknownOption(spec, name, source))
    else options[known] = value
  }
  const result = validate(spec.options, options, (path) => source.isText(inKebab(path)))
  const { place } = source
  const placeOf = (option: string, at?: number) => {
    const path = [kebab(option)]
    return at === undefined
      ? source.placeOf(path, false)
      : source.placeIn(path, at, String(options[option] ?? ''))
  }
  if ('data' in result) return { spec, options: result.data, incomplete: false, place, placeOf }
  for (const problem of result.problems) errors.push(optionError(spec, problem, source))
  return { spec, options, incomplete: true, place, placeOf }
}

/** A path in the options as pipeline files name them: the stage's own names are kebab-case. */
const inKebab = ([first, ...rest]: ValuePath): ValuePath =>
  typeof first === 'string' ? [kebab(first), ...rest] : []

function optionError(spec: StageSpec, problem: Problem, source: OptionSource): SteerpipeError {
  const path = inKebab(problem.path)
  const name = path.join('.')
  const found =
    problem.key === 'unknown'
      ? `\`${spec.name}\` has no option \`${name}\`${problem.found}`
      : `\`${spec.name}\`: ${told(name, problem)}`
  return badOption(spec, found, problem.expected, source.placeOf(path, problem.key !== 'right'))
}

function unknownOption(spec: StageSpec, name: string, source: OptionSource): SteerpipeError {
  const known = optionNames(spec)
  const found = `\`${spec.name}\` has no option \`${name}\`${suggestion(kebab(name), known)}`
  return badOption(spec, found, known.join(', ') || 'no options', source.placeOf([name], true))
}

function badOption(
  spec: StageSpec,
  found: string,
  expected: string | undefined,
  place: Place | undefined,
): SteerpipeError {
  const fix = `\`steerpipe ${spec.name} --help\` shows its options.`
  return new SteerpipeError('BAD_OPTION', { found, expected, fix, place })
}
