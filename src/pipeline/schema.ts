import * as z from 'zod'
import type { StageSpec } from '../stages/spec.js'
import { STAGES } from '../stages/table.js'
import { definitionSchema, ENTRY_FIELDS, INPUT_FIELDS } from './definition.js'
import { isMap } from './problems.js'
import { kebab } from './stage-use.js'

/** A JSON Schema, or a part of one. */
export type Schema = { [key: string]: unknown }

/** A value that `${name}` may stand for, where the option is no text. */
const REFERENCE: Schema = { type: 'string', pattern: '\\$\\{' }

function optionsSchema(options: z.ZodType): Schema {
  const { $schema: _, ...schema } = z.toJSONSchema(options, { io: 'input', unrepresentable: 'any' })
  return schema
}

/** The JSON Schema of a stage's options, with the names of pipeline files. */
export function stageSchema(spec: StageSpec): Schema {
  const { properties: _, required, ...rest } = optionsSchema(spec.options)
  const named = Object.entries(propertiesOf(optionsSchema(spec.options))).map(
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
  const { properties: _, ...rest } = optionsSchema(definitionSchema)
  const defined = propertiesOf(optionsSchema(definitionSchema))
  const list: Schema = { type: 'array', items: { $ref: '#/$defs/stage' } }
  const entry: Schema = { anyOf: [{ type: 'string' }, fieldsSchema(ENTRY_FIELDS, { stages: list })] }
  const entries: Schema = { type: 'array', minItems: 1, items: entry }
  const from: Schema = { anyOf: [{ type: 'string' }, entries] }
  const input: Schema = {
    anyOf: [{ type: 'string' }, entries, fieldsSchema(INPUT_FIELDS, { from, stages: list })],
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'steerpipe pipeline',
    ...rest,
    properties: {
      ...defined,
      attributes: orReference(defined.attributes),
      overwrite: orReference(defined.overwrite),
      inputs: {
        description: defined.inputs.description,
        anyOf: [
          { type: 'string' },
          entries,
          { type: 'object', minProperties: 1, additionalProperties: input },
        ],
      },
      stages: { ...list, minItems: 1, description: defined.stages.description },
    },
    $defs: {
      stage: {
        anyOf: [
          { enum: STAGES.filter(standsAlone).map((spec) => spec.name) },
          ...STAGES.map((spec) => stageUseSchema(spec)),
        ],
      },
    },
  }
}

/** A map with `from` and others. @param known the schemas of fields that zod does not know to the end */
function fieldsSchema(fields: z.ZodRawShape, known: Readonly<Record<string, Schema>>): Schema {
  const properties = propertiesOf(optionsSchema(z.strictObject(fields)))
  const named = Object.entries(properties).map(([name, schema]): [string, Schema] => {
    const { description } = schema
    return [name, name in known ? { description, ...known[name] } : orReference(schema)]
  })
  return {
    type: 'object',
    properties: Object.fromEntries(named),
    required: ['from'],
    additionalProperties: false,
  }
}

/** Whether a stage needs no options. In a pipeline file, `write` needs a path. */
const standsAlone = (spec: StageSpec): boolean => spec.name !== 'write' && spec.options.safeParse({}).success

/** One key, the stage's name, with its options. */
function stageUseSchema(spec: StageSpec): Schema {
  const options = stageSchema(spec)
  const alone = spec.main === undefined ? [] : [propertiesOf(options)[kebab(spec.main)]]
  const value: Schema = {
    anyOf: [
      spec.name === 'write' ? { ...options, required: ['to'] } : options,
      ...alone,
      ...(standsAlone(spec) ? [{ type: 'null' }] : []),
    ],
  }
  return {
    type: 'object',
    description: spec.summary,
    properties: { [spec.name]: value },
    required: [spec.name],
    additionalProperties: false,
  }
}

/** The schema, and `${name}` where it and what is in it want something else than text. */
function orReference(schema: Schema): Schema {
  const { description, default: standard, ...rest } = withInner(schema)
  if (schema.type === 'string' && schema.enum === undefined) return schema
  return {
    ...(description !== undefined && { description }),
    ...(standard !== undefined && { default: standard }),
    anyOf: [rest, REFERENCE],
  }
}

/** The schema with references allowed in what is in it. */
function withInner(schema: Schema): Schema {
  const { properties, items, additionalProperties, anyOf } = schema
  const inner = (given: unknown) => (isMap(given) ? orReference(given) : given)
  return {
    ...schema,
    ...(isMap(properties) && {
      properties: Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, inner(value)])),
    }),
    ...(isMap(items) && { items: inner(items) }),
    ...(isMap(additionalProperties) && { additionalProperties: inner(additionalProperties) }),
    // One of the alternatives of the whole is the reference.
    ...(Array.isArray(anyOf) && {
      anyOf: anyOf.map((each: unknown) => (isMap(each) ? withInner(each) : each)),
    }),
  }
}

function propertiesOf({ properties }: Schema): Record<string, Schema> {
  const entries = Object.entries(isMap(properties) ? properties : {})
  return Object.fromEntries(entries.flatMap(([key, value]) => (isMap(value) ? [[key, value]] : [])))
}
