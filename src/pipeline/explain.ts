import { SENTINEL } from '../records/attributes.js'
import type { Wire } from '../stages/spec.js'
import type { OpenInput } from './inputs.js'
import { plannedOutputs } from './outputs.js'
import type { Pipeline, StageUse } from './pipeline.js'
import { fillInput, hasUnset, spelled } from './references.js'
import { kebab } from './stage-use.js'
import { WORTH_BYTES } from './threads/input-threads.js'
import { planThreads } from './threads/plan.js'
import { WIRE_NAMES, type WiredStage, wireInput } from './wiring.js'

/** A pipeline as text: its inputs and outputs, what flows between its stages, and what each holds in memory. */
export async function explainPipeline(pipeline: Pipeline, inputs: readonly OpenInput[]): Promise<string> {
  const title = pipeline.description ? `${pipeline.name}: ${pipeline.description}` : pipeline.name
  const lines = [title, '', 'inputs, one after the other']
  for (const input of inputs) lines.push(...indent(explainInput(pipeline, input), 2))
  // What flows into the common stages hangs on the stages before them; the first input stands for all.
  const [first] = inputs
  const common = wireInput(pipeline, first).common.slice(first.stages.length)
  lines.push('', 'stages', ...indent([...parseLines(pipeline.parse), ...stageLines(common)], 2))
  lines.push('', `threads, from ${WORTH_BYTES / 1e6} MB of input on, if --workers does not say otherwise`)
  for (const input of inputs) lines.push(`  ${input.name}: ${await explainThreads(pipeline, input)}`)
  lines.push('', 'outputs')
  for (const { path, input } of plannedOutputs(pipeline, inputs)) {
    lines.push(`  ${path === '-' ? 'stdout' : path}  (${input})`)
  }
  for (const { name, sources, stages } of inputs) {
    const uses = [...sources.flatMap((source) => source.stages), ...stages, ...pipeline.stages]
    for (const { spec, options } of uses) {
      if (spec.name === 'write' && hasUnset(options.to))
        lines.push(`  ${fillInput(options.to, name)}  (${name})`)
    }
  }
  lines.push(`  replaced if they are there: ${pipeline.overwrite ? 'yes' : 'no, unless --force'}`)
  return `${lines.join('\n')}\n`
}

/** An input: its files, with the stages that are its own. */
function explainInput(pipeline: Pipeline, input: OpenInput): string[] {
  const { own, common } = wireInput(pipeline, input)
  const { interleave } = input
  const lines = [interleave ? `${input.name}: interleaved, seed ${interleave.seed}` : input.name]
  for (const [index, { files, from, parse, weight = 1 }] of input.sources.entries()) {
    const shown = files.length > 0 ? files.join(', ') : from
    lines.push(interleave ? `  ${shown}  (weight ${weight})` : `  ${shown}`)
    const before = [...(parse ? parseLines(parse) : []), ...stageLines(own[index])]
    lines.push(...indent(before, 4))
  }
  const then = stageLines(common.slice(0, input.stages.length))
  if (then.length > 0) lines.push('  then', ...indent(then, 4))
  return lines
}

/** Which stages of an input threads can do. */
async function explainThreads(pipeline: Pipeline, input: OpenInput): Promise<string> {
  const wired = wireInput(pipeline, input)
  const all = [...wired.own.flat(), ...wired.common]
  if (all.some(({ use }) => use.incomplete)) return 'not known yet'
  const plan = await planThreads(pipeline, input, wired)
  if (plan.does === 'nothing') return `none, since ${plan.because}`
  if (plan.does === 'all') return 'all stages'
  const names = wired.common.slice(plan.from).map(({ use }) => use.spec.name)
  return `behind \`shuffle\`: ${names.join(', ')}${plan.fitWith !== undefined ? '; if each record that is read stands alone' : ''}`
}

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
  const memory = use.incomplete ? 'not known yet' : spec.memory(use.options)
  const head = `${spec.name.padEnd(18)} ${flow.padEnd(62)} memory: ${memory}, ${order}`
  const options = Object.entries(spelled(use.options)).map(
    ([key, value]) => `    ${kebab(key)}: ${UNITS.get(key)?.(Number(value)) ?? showValue(value)}`,
  )
  return [head, ...options]
}

/** Options that validation has turned into plain numbers, as one would write them. */
const UNITS: ReadonlyMap<string, (value: number) => string> = new Map([
  ['memory', inMegabytes],
  ['cache', inMegabytes],
  ['requestTimeout', inSeconds],
  ['waitReady', inSeconds],
])

function inMegabytes(bytes: number): string {
  return bytes % 1e6 === 0 ? `${bytes / 1e6}MB` : String(bytes)
}

function inSeconds(milliseconds: number): string {
  return `${milliseconds / 1000}s`
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
