import * as z from 'zod'
import type { StageSpec } from '../stages/spec.js'
import { STAGES } from '../stages/table.js'
import { definitionSchema } from './definition.js'
import { kebab } from './stage-use.js'

/** A JSON Schema, or a part of one. */
export type Schema = { [key: string]: unknown }

/** A value that `${name}` may stand for, where the option is no text. */
const REFERENCE: Schema = { type: 'string', pattern: '\\$\\{' }

const optionsSchema = (options: z.ZodType): Schema =>
  z.toJSONSchema(options, { io: 'input', unrepresentable: 'any' }) as Schema

/** The JSON Schema of a stage's options, with the names of pipeline files. */
export function stageSchema(spec: StageSpec): Schema {
  const { properties, required, ...rest } = withoutDialect(optionsSchema(spec.options))
  const named = Object.entries((properties ?? {}) as Record<string, Schema>).map(
    ([name, schema]): [string, Schema] => [kebab(name), orReference(schema)],
  )
  return {
    ...rest,
    properties: Object.fromEntries(named),
    ...(Array.isArray(required) && { required: required.map(kebab) }),
  }
}

/** The JSON Schema of pipeline files, for editors. */
export function pipelineSchema(): Schema {
  const { properties, ...rest } = withoutDialect(optionsSchema(definitionSchema))
  const defined = properties as Record<string, Schema>
  const list: Schema = { type: 'array', items: { $ref: '#/$defs/stage' } }
  const entry: Schema = {
    anyOf: [
      { type: 'string' },
      {
        type: 'object',
        properties: { from: { type: 'string' }, stages: list },
        required: ['from'],
        additionalProperties: false,
      },
    ],
  }
  const entries: Schema = { type: 'array', minItems: 1, items: entry }
  const input: Schema = {
    anyOf: [
      { type: 'string' },
      entries,
      {
        type: 'object',
        properties: { from: { anyOf: [{ type: 'string' }, entries] }, stages: list },
        required: ['from'],
        additionalProperties: false,
      },
    ],
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'steerpipe pipeline',
    ...rest,
    properties: {
      ...defined,
      inputs: {
        description: defined.inputs.description,
        anyOf: [{ type: 'string' }, entries, { type: 'object', additionalProperties: input }],
      },
      stages: { ...list, minItems: 1, description: defined.stages.description },
    },
    $defs: { stage: { anyOf: [{ enum: STAGES.map((spec) => spec.name) }, ...STAGES.map(stageUseSchema)] } },
  }
}

/** One key, the stage's name, with its options. */
function stageUseSchema(spec: StageSpec): Schema {
  const options = stageSchema(spec)
  const value: Schema = {
    anyOf: [options, ...(spec.main ? [mainSchema(options, spec.main)] : []), { type: 'null' }],
  }
  return {
    type: 'object',
    description: spec.summary,
    properties: { [spec.name]: value },
    required: [spec.name],
    additionalProperties: false,
  }
}

function mainSchema(options: Schema, main: string): Schema {
  return (options.properties as Record<string, Schema>)[kebab(main)]
}

function orReference(schema: Schema): Schema {
  if (schema.type === 'string' && schema.enum === undefined) return schema
  const { description, default: standard, ...rest } = schema
  return {
    ...(description !== undefined && { description }),
    ...(standard !== undefined && { default: standard }),
    anyOf: [rest, REFERENCE],
  }
}

function withoutDialect({ $schema: _, ...rest }: Schema): Schema {
  return rest
}
