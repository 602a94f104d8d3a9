import * as z from 'zod'
import { quote } from '../errors.js'
import { nearest, suggestion } from '../suggest.js'
import { holdsUnset, spelled } from './references.js'

/** Where something stands inside a value: keys and indexes from its root. */
export type ValuePath = readonly (string | number)[]

/** Something that is wrong with a value. */
export interface Problem {
  readonly path: ValuePath
  /** Whether it is the key at the end of the path that is wrong, not its value; `unknown` if there is no such key. */
  readonly key: 'unknown' | 'wrong' | 'right'
  /** What is wrong with it, behind its name: ` is missing`, or `: ` and a sentence; the nearest name for an unknown key. */
  readonly found: string
  readonly expected: string | undefined
}

/** What came of validation: the value as the schema gives it, or what is wrong with it. */
export type Validated<T> =
  | { readonly data: T }
  /** No problems where all that is wrong hangs on vars without a value. */
  | { readonly problems: readonly Problem[] }

/**
 * Validates a value.
 *
 * @param isText whether what stands at a path came from outside as text, to be read as the schema wants
 */
export function validate<Schema extends z.ZodType>(
  schema: Schema,
  given: unknown,
  isText: (path: ValuePath) => boolean,
): Validated<z.output<Schema>> {
  let value = given
  for (;;) {
    const result = schema.safeParse(value)
    if (result.success) return { data: result.data }
    const issues = result.error.issues.flatMap((issue) => unfold(issue, []))
    const read = readTexts(value, issues, isText)
    if (read === value) {
      const problems = issues.flatMap((issue) => problemsOf(issue, value, schema))
      return { problems: problems.filter((problem) => !isMisspelt(problem, problems)) }
    }
    value = read
  }
}

/** Whether a key is missing because it is there under another name, which is told anyway. */
function isMisspelt({ path, found }: Problem, problems: readonly Problem[]): boolean {
  const key = String(path.at(-1))
  return (
    found === MISSING &&
    problems.some(
      ({ path: other, key: state }) =>
        state === 'unknown' &&
        other.slice(0, -1).join('\0') === path.slice(0, -1).join('\0') &&
        nearest(String(other.at(-1)), [key]) !== undefined,
    )
  )
}

const MISSING = ' is missing'

/** What zod says, with its place from the root, and what would fit there. */
interface Issue {
  readonly issue: z.core.$ZodIssue
  readonly path: ValuePath
  /** Types that are expected in the place of another, in zod's words. */
  readonly types: readonly string[]
}

/** An issue, or those of the one branch of a union that the value was meant for. */
function unfold(issue: z.core.$ZodIssue, outer: ValuePath): Issue[] {
  const path = [...outer, ...issue.path.filter((key) => typeof key !== 'symbol')]
  if (issue.code === 'invalid_type') return [{ issue, path, types: [issue.expected] }]
  if (issue.code !== 'invalid_union') return [{ issue, path, types: [] }]
  const branches = issue.errors.map((errors) => errors.flatMap((error) => unfold(error, path)))
  const isOther = ({ path: at, types }: Issue) => at.length === path.length && types.length > 0
  const meant = branches.filter((branch) => !branch.some(isOther))
  if (meant.length === 1) return meant[0]
  return [
    {
      issue,
      path,
      types: branches.flatMap((branch) => branch.filter(isOther).flatMap(({ types }) => types)),
    },
  ]
}

/** The value with texts from outside read as the types that were expected there; the value itself if there are none. */
function readTexts(value: unknown, issues: readonly Issue[], isText: (path: ValuePath) => boolean): unknown {
  let result = value
  for (const { path, types } of issues) {
    const text = valueAt(value, path)
    if (typeof text !== 'string' || !isText(path)) continue
    const read = types.map((type) => readAs(type, text)).find((each) => each !== undefined)
    if (read !== undefined) result = withValue(result, path, read)
  }
  return result
}

function readAs(type: string, text: string): unknown {
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : undefined
  if (type === 'number' || type === 'int') {
    return /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(text) ? Number(text) : undefined
  }
  if (type === 'array') return text.split(',').map((item) => item.trim())
  return undefined
}

function problemsOf({ issue, path, types }: Issue, root: unknown, schema: z.ZodType): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, path)
    return issue.keys.map((key) => ({
      path: [...path, key],
      key: 'unknown',
      found: suggestion(key, known),
      expected: known.join(', ') || undefined,
    }))
  }
  const value = valueAt(root, path)
  // Checks that look at several values may fail for the one that has none yet.
  if (holdsUnset(issue.code === 'custom' ? root : value)) return []
  const problem = (found: string, expected?: string): Problem[] => [{ path, key: 'right', found, expected }]
  const expected = types.map((type) => TYPES[type] ?? type)
  if (value === undefined) return problem(MISSING, orList(expected) || undefined)
  if (types.length > 0) return problem(` is ${shown(value)}`, orList(expected))
  if (issue.code === 'invalid_value') {
    const near = typeof value === 'string' ? suggestion(value, issue.values.map(String)) : ''
    return problem(` is ${shown(value)}${near}`, issue.values.map(String).join(', '))
  }
  if (issue.code === 'too_small' && issue.origin === 'array')
    return problem(' is empty', 'at least one entry')
  if (issue.code === 'invalid_key')
    return [{ path, key: 'wrong', found: `: ${lowerFirst(issue.issues[0].message)}`, expected: undefined }]
  return problem(`: ${lowerFirst(issue.message)}`)
}

/** A problem as a sentence. @param name the name of what stands at its path; none at the root */
export function told(name: string, { key, found }: Problem): string {
  if (key === 'unknown') return `unknown key \`${name}\`${found}`
  return name === '' ? found.replace(/^:? /, '') : `\`${name}\`${found}`
}

/** As a part of a sentence. */
export const lowerFirst = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1)

/** How types are called. */
const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: '`true` or `false`',
  array: 'a list',
  object: 'a map',
  record: 'a map',
}

const orList = (words: readonly string[]): string => [...new Set(words)].join(' or ')

function shown(value: unknown): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  return typeof value === 'string' ? quote(spelled(value)) : String(value)
}

function valueAt(root: unknown, path: ValuePath): unknown {
  let value = root
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = new Map(Object.entries(value)).get(String(key))
  }
  return value
}

/** A copy of a value with something else at a path. */
function withValue(root: unknown, path: ValuePath, value: unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return value
  if (Array.isArray(root))
    return root.map((item, index) => (index === key ? withValue(item, rest, value) : item))
  if (!isMap(root)) return root
  return { ...root, [key]: withValue(root[key], rest, value) }
}

/** Whether a value is a map of YAML. */
export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The keys that a map at a path may have. */
function keysAt(schema: z.ZodType, path: ValuePath): string[] {
  let found: unknown[] = alternatives(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }))
  for (const key of path) {
    found = found.flatMap((each) => {
      if (!isMap(each)) return []
      const properties = isMap(each.properties) ? each.properties : {}
      const inner = typeof key === 'number' ? each.items : (properties[key] ?? each.additionalProperties)
      return alternatives(inner)
    })
  }
  return [
    ...new Set(
      found.flatMap((each) => (isMap(each) && isMap(each.properties) ? Object.keys(each.properties) : [])),
    ),
  ]
}

const alternatives = (schema: unknown): unknown[] =>
  isMap(schema) && Array.isArray(schema.anyOf) ? schema.anyOf.flatMap(alternatives) : [schema]
