import type { Options } from 'yargs'
import { SteerpipeError } from '../errors.js'
import { type Schema, stageSchema } from '../pipeline/schema.js'
import type { StageSpec } from '../stages/spec.js'

/** An option of a stage, or one inside an option, as a flag. */
interface Flag {
  /** `max-line-bytes`, `tokens.user`. */
  readonly name: string
  readonly path: readonly string[]
  readonly schema: Schema
  /** The schema of the values themselves. */
  readonly shape: Schema
}

/** The flags for a stage's options. All but switches are texts here; the stage's schema says what they are. */
export function stageFlags(spec: StageSpec, group: string): Record<string, Options> {
  return Object.fromEntries(
    flagsOf(spec).map(({ name, schema, shape }): [string, Options] => [
      name,
      {
        group,
        describe: describe(schema, shape),
        ...(shape.type === 'boolean' ? { type: 'boolean' } : { type: 'string', requiresArg: true }),
      },
    ]),
  )
}

/**
 * The options that flags give, as a pipeline file would have them: `--tokens.user X` is `tokens: { user: X }`. A list
 * is names with commas between them. Lists and maps may also be written as in a pipeline file, `[…]` or `{…}`.
 *
 * @throws SteerpipeError USAGE
 */
export async function givenOptions(
  spec: StageSpec,
  given: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const options: Record<string, unknown> = {}
  for (const { name, path, shape } of flagsOf(spec)) {
    const value = given[name]
    if (value === undefined) continue
    let inside = options
    for (const key of path.slice(0, -1)) {
      inside[key] ??= {}
      inside = inside[key] as Record<string, unknown> // made in the line above
    }
    inside[path[path.length - 1]] =
      typeof value === 'string' && isStructured(shape) ? await readStructure(name, value) : value
  }
  return options
}

function flagsOf(spec: StageSpec): Flag[] {
  const { properties } = stageSchema(spec)
  return flagsIn(properties, [])
}

function flagsIn(properties: unknown, path: readonly string[]): Flag[] {
  return Object.entries(properties as Record<string, Schema>).flatMap(([key, schema]) => {
    const shape = plainSchema(schema)
    const inner = [...path, key]
    return typeof shape.properties === 'object'
      ? flagsIn(shape.properties, inner)
      : [{ name: inner.join('.'), path: inner, schema, shape }]
  })
}

function describe(schema: Schema, shape: Schema): string {
  const text = String(schema.description ?? '')
  const choices = Array.isArray(shape.enum) ? ` One of ${shape.enum.join(', ')}.` : ''
  const standard = schema.default ?? shape.default
  const otherwise = standard === undefined || text.includes('Default:') ? '' : ` Default: ${shown(standard)}.`
  return text + choices + otherwise
}

/** The schema of the values themselves, without the reference that pipeline files allow in their place. */
function plainSchema(schema: Schema): Schema {
  return Array.isArray(schema.anyOf) && schema.anyOf.length === 2 ? (schema.anyOf[0] as Schema) : schema
}

/** Whether values are, or may be, lists or maps. */
function isStructured({ type, anyOf }: Schema): boolean {
  return type === 'array' || type === 'object' || (Array.isArray(anyOf) && anyOf.some(isStructured))
}

async function readStructure(flag: string, text: string): Promise<unknown> {
  if (!/^\s*[[{]/.test(text)) return text.split(',').map((item) => item.trim())
  const { parse } = await import('yaml')
  try {
    return parse(text)
  } catch (error) {
    throw new SteerpipeError('USAGE', {
      found: `\`--${flag}\` is not legal YAML: ${error instanceof Error ? error.message.split('\n')[0] : error}`,
      expected: 'names with commas between them, or a list or map as in a pipeline file',
      cause: error,
    })
  }
}

function shown(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}
