import type { Options } from 'yargs'
import { type Schema, stageSchema } from '../pipeline/schema.js'
import type { StageSpec } from '../stages/spec.js'

/** The flags for a stage's options. All but switches are texts here; the stage's schema says what they are. */
export function stageFlags(spec: StageSpec, group: string): Record<string, Options> {
  const { properties } = stageSchema(spec)
  const flags: Record<string, Options> = {}
  for (const [name, schema] of Object.entries(properties as Record<string, Schema>))
    addFlag(flags, name, schema, group)
  return flags
}

function addFlag(flags: Record<string, Options>, name: string, schema: Schema, group: string): void {
  const shape = plainSchema(schema)
  const describe = String(schema.description ?? '')
  if (typeof shape.properties === 'object') {
    for (const [key, inner] of Object.entries(shape.properties as Record<string, Schema>)) {
      addFlag(flags, `${name}.${key}`, inner, group)
    }
    return
  }
  const choices = Array.isArray(shape.enum) ? ` One of ${shape.enum.join(', ')}.` : ''
  const standard = schema.default ?? shape.default
  const otherwise =
    standard === undefined || describe.includes('Default:') ? '' : ` Default: ${shown(standard)}.`
  flags[name] = {
    group,
    describe: describe + choices + otherwise,
    ...(shape.type === 'boolean' ? { type: 'boolean' } : { type: 'string', requiresArg: true }),
  }
}

/** The schema of the values themselves, without the reference that pipeline files allow in their place. */
function plainSchema(schema: Schema): Schema {
  return Array.isArray(schema.anyOf) && schema.anyOf.length === 2 ? (schema.anyOf[0] as Schema) : schema
}

function shown(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}
