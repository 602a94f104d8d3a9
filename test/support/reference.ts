import { parse } from 'yaml'
import { CATALOGUE } from '../../src/errors.js'
import { type Schema, stageSchema } from '../../src/pipeline/schema.js'
import { WIRE_NAMES } from '../../src/pipeline/wiring.js'
import type { Example, StageSpec } from '../../src/stages/spec.js'
import { STAGES } from '../../src/stages/table.js'

/** The README's stage reference: one section a stage, from its definition. */
export function stageReference(): string {
  return STAGES.map(stageSection).join('\n')
}

function stageSection(spec: StageSpec): string {
  const takes = spec.accepts.length === 0 ? 'bytes' : spec.accepts.map((wire) => WIRE_NAMES[wire]).join(', ')
  const memory = [...new Set(spec.examples.map((example) => spec.memory(exampleOptions(spec, example))))]
  const facts = `Takes ${takes}. Memory: ${memory.join(' or ')}. Order: ${spec.keepsOrder ? 'kept' : 'changed'}.`
  const options = Object.entries((stageSchema(spec).properties ?? {}) as Record<string, Schema>)
  const rows = options.flatMap(([name, schema]) => optionRows(name, schema, name === spec.main))
  const table = ['| option | type | default | |', '| --- | --- | --- | --- |', ...rows].join('\n')
  const examples = spec.examples.map(({ title, yaml }) => `# ${title}\n- ${yaml.replaceAll('\n', '\n  ')}`)
  const yaml = `\`\`\`yaml stage\n${examples.join('\n')}\n\`\`\``
  return `### ${spec.name}\n\n${capital(spec.summary)}. ${spec.description}\n\n${facts}\n\n${table}\n\n${yaml}\n`
}

/** The options of a stage's example, after validation. */
function exampleOptions(spec: StageSpec, { yaml }: Example): Record<string, unknown> {
  const entry: unknown = parse(yaml)
  const given = typeof entry === 'string' ? null : Object.values(entry as Record<string, unknown>)[0]
  const isMap = typeof given === 'object' && given !== null && !Array.isArray(given)
  const options = isMap ? given : given === null ? {} : { [String(spec.main)]: given }
  const named = Object.entries(options).map(([name, value]): [string, unknown] => [
    name.replace(/-./g, ([, letter]) => letter.toUpperCase()),
    value,
  ])
  return spec.options.parse(Object.fromEntries(named))
}

function optionRows(name: string, schema: Schema, main: boolean): string[] {
  const shape = plain(schema)
  if (typeof shape.properties === 'object' && shape.properties !== null) {
    const inner = Object.entries(shape.properties as Record<string, Schema>)
    return inner.flatMap(([key, value]) => optionRows(`${name}.${key}`, value, false))
  }
  const described = String(schema.description ?? '')
  const standard = schema.default ?? shape.default
  const shown =
    standard === undefined || Array.isArray(standard) ? '' : `\`${cell(JSON.stringify(standard))}\``
  return [`| \`${name}\`${main ? ' (main)' : ''} | ${typeName(shape)} | ${shown} | ${cell(described)} |`]
}

/** The schema without the `${name}` that may stand in a value's place. */
function plain(schema: Schema): Schema {
  return Array.isArray(schema.anyOf) && schema.anyOf.length === 2 && !('type' in schema)
    ? (schema.anyOf[0] as Schema)
    : schema
}

function typeName(schema: Schema): string {
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => `\`${value}\``).join(', ')
  if (schema.type === 'array') return 'list'
  if (schema.type === 'integer') return 'whole number'
  if (schema.type === 'string') return 'text'
  return Array.isArray(schema.anyOf) ? 'list or map' : String(schema.type)
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

const capital = (text: string): string => text[0].toUpperCase() + text.slice(1)

/** The README's table of errors. */
export function errorReference(): string {
  const rows = Object.entries(CATALOGUE).map(
    ([code, { cause, cure }]) => `| \`${code}\` | ${cell(cause)} | ${cell(cure)} |`,
  )
  return ['| code | cause | cure |', '| --- | --- | --- |', ...rows].join('\n')
}
