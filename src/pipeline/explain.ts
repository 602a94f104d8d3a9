import { SENTINEL } from '../records/attributes.js'
import type { Wire } from '../stages/spec.js'
import type { OpenInput } from './inputs.js'
import { fillInput } from './interpolate.js'
import { plannedOutputs } from './outputs.js'
import type { Pipeline, StageUse } from './pipeline.js'
import { kebab } from './stage-use.js'
import { WIRE_NAMES, type WiredStage, wire } from './wiring.js'

/** A pipeline as text: its inputs and outputs, what flows between its stages, and what each holds in memory. */
export function explainPipeline(pipeline: Pipeline, inputs: readonly OpenInput[]): string {
  const lines = [`${pipeline.name}: ${pipeline.description}`, '', 'inputs, one after the other']
  for (const input of inputs) {
    lines.push(`  ${input.name}`)
    for (const source of input.sources) {
      lines.push(`    ${source.files.length > 0 ? source.files.join(', ') : source.from}`)
      if (source.stages.length > 0) lines.push(...indent(explainStages(source.stages), 6))
    }
    if (input.stages.length > 0) lines.push('    then', ...indent(explainStages(input.stages), 6))
  }
  // What flows into the common stages hangs on the stages before them.
  const [first] = inputs
  const before = [...first.sources[0].stages, ...first.stages]
  const common = wire([...before, ...pipeline.stages]).slice(before.length)
  lines.push('', 'stages', ...indent([...parseLines(pipeline.parse), ...stageLines(common)], 2))
  lines.push('', 'outputs')
  const outputs = plannedOutputs(pipeline, inputs)
  for (const { path, input } of outputs) lines.push(`  ${path === '-' ? 'stdout' : path}  (${input})`)
  const templates = pipeline.stages.filter((use) => use.spec.name === 'write' && use.incomplete)
  for (const use of templates)
    lines.push(`  ${inputs.map((input) => fillInput(use.options.to, input.name)).join(', ')}`)
  lines.push(`  replaced if they are there: ${pipeline.overwrite ? 'yes' : 'no, unless --force'}`)
  return `${lines.join('\n')}\n`
}

const explainStages = (uses: readonly StageUse[]): string[] => stageLines(wire(uses))

function parseLines(use: StageUse): string[] {
  return describe(use, 'bytes', WIRE_NAMES.json)
}

function stageLines(stages: readonly WiredStage[]): string[] {
  const name = (given: Wire | undefined) => (given === undefined ? 'not known yet' : WIRE_NAMES[given])
  return stages.flatMap(({ use, takes, gives }) => describe(use, name(takes), name(gives)))
}

function describe(use: StageUse, takes: string, gives: string): string[] {
  const { spec } = use
  const flow = takes === gives ? takes : `${takes} → ${gives}`
  const order = spec.keepsOrder ? 'order kept' : 'order changed'
  const head = `${spec.name.padEnd(18)} ${flow.padEnd(62)} memory: ${spec.memory}, ${order}`
  const options = Object.entries(use.options).map(([key, value]) => `    ${kebab(key)}: ${showValue(value)}`)
  return [head, ...options]
}

/** A value on one line. Attributes with the usual range are their names. */
function showValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(showValue).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
    if ('sentinel' in value && 'name' in value && 'min' in value && 'max' in value) {
      const usual = value.min === 0 && value.max === 4 && value.sentinel === SENTINEL
      return usual ? String(value.name) : `${value.name} ${value.min} to ${value.max}, else ${value.sentinel}`
    }
    return `{ ${entries.map(([key, item]) => `${key}: ${showValue(item)}`).join(', ')} }`
  }
  return JSON.stringify(value)
}

const indent = (lines: readonly string[], by: number): string[] => lines.map((line) => ' '.repeat(by) + line)
