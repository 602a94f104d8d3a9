import type * as z from 'zod'
import { type Place, SteerpipeError } from '../errors.js'
import type { StageSpec } from '../stages/spec.js'
import { suggestion } from '../suggest.js'
import { hasUnset } from './interpolate.js'
import type { StageUse } from './pipeline.js'

/** `max-line-bytes` for `maxLineBytes`: option names in pipeline files and flags. */
export const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** The names of a stage's options as pipeline files and flags have them. */
export const optionNames = (spec: StageSpec): string[] => Object.keys(spec.options.shape).map(kebab)

/** An option's place and whether its value came from outside as text, by its path. */
export interface OptionSource {
  readonly place: Place | undefined
  /** The place of a value, or of the key for an unknown option. */
  readonly placeOf: (path: readonly PropertyKey[], key: boolean) => Place | undefined
  /** Whether the value at a path is text from outside, to be read as the option's type wants. */
  readonly isText: (path: readonly PropertyKey[]) => boolean
}

/**
 * Validates a stage's options, as a pipeline file or flags give them (kebab-case). Mistakes go into `errors`.
 *
 * @param given the options; changed in place where text is read as another type
 */
export function useStage(
  spec: StageSpec,
  given: Record<string, unknown>,
  source: OptionSource,
  errors: SteerpipeError[],
): StageUse {
  const names = new Map(Object.keys(spec.options.shape).map((name) => [kebab(name), name]))
  const options: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(given)) {
    const known = names.get(name)
    if (known === undefined) errors.push(unknownOption(spec, [name], source))
    else options[known] = value
  }
  let incomplete = false
  for (const key of Object.keys(options)) {
    if (!holdsUnset(options[key])) continue
    incomplete = true
    if (spec.options.safeParse(options).success) continue
    delete options[key]
  }
  let result = spec.options.safeParse(options)
  if (!result.success && readTexts(options, result.error.issues, source))
    result = spec.options.safeParse(options)
  if (result.success) return { spec, options: result.data, incomplete, place: source.place }
  if (!incomplete) for (const issue of result.error.issues) errors.push(issueError(spec, issue, source))
  return { spec, options, incomplete: true, place: source.place }
}

function holdsUnset(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.values(value).some(holdsUnset)
  return hasUnset(value)
}

/** Reads text as the type that an issue expected there. Returns whether anything was changed. */
function readTexts(
  options: Record<string, unknown>,
  issues: readonly z.core.$ZodIssue[],
  source: OptionSource,
): boolean {
  let changed = false
  for (const issue of issues) {
    if (issue.code !== 'invalid_type' || !source.isText(issue.path)) continue
    const parent = issue.path
      .slice(0, -1)
      .reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown>)[key], options)
    const last = issue.path.at(-1)
    if (typeof parent !== 'object' || parent === null || last === undefined) continue
    const record = parent as Record<PropertyKey, unknown>
    const value = readAs(issue.expected, record[last])
    if (value === undefined) continue
    record[last] = value
    changed = true
  }
  return changed
}

function readAs(expected: string, text: unknown): unknown {
  if (typeof text !== 'string') return undefined
  if (expected === 'boolean') return text === 'true' ? true : text === 'false' ? false : undefined
  if ((expected === 'number' || expected === 'int') && text.trim() !== '' && !Number.isNaN(Number(text))) {
    return Number(text)
  }
  if (expected === 'array') return text.split(',').map((item) => item.trim())
  return undefined
}

function issueError(spec: StageSpec, issue: z.core.$ZodIssue, source: OptionSource): SteerpipeError {
  const path = issue.path.map((key, index) => (index === 0 ? kebab(String(key)) : key))
  if (issue.code === 'unrecognized_keys') return unknownOption(spec, [...path, issue.keys[0]], source)
  const name = path.map(String).join('.')
  const message = issue.message[0].toLowerCase() + issue.message.slice(1)
  const value = 'input' in issue && typeof issue.input === 'string' ? issue.input : undefined
  const near =
    issue.code === 'invalid_value' && value !== undefined ? suggestion(value, issue.values.map(String)) : ''
  return new SteerpipeError('BAD_OPTION', {
    found: `\`${spec.name}\`: ${name ? `\`${name}\`: ` : ''}${message}${near}`,
    fix: `\`steerpipe ${spec.name} --help\` shows its options.`,
    place: source.placeOf(path, false),
  })
}

function unknownOption(spec: StageSpec, path: readonly PropertyKey[], source: OptionSource): SteerpipeError {
  const known = path.length === 1 ? optionNames(spec) : []
  return new SteerpipeError('BAD_OPTION', {
    found: `\`${spec.name}\` has no option \`${path.map(String).join('.')}\`${suggestion(kebab(String(path[0])), known)}`,
    expected: path.length === 1 ? known.join(', ') || 'no options' : undefined,
    fix: `\`steerpipe ${spec.name} --help\` shows its options.`,
    place: source.placeOf(path, true),
  })
}
