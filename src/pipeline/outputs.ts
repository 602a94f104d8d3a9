import { existsSync, realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { SteerpipeError } from '../errors.js'
import { outputExists } from '../stages/write.js'
import { isSpecial } from '../storage/output.js'
import type { OpenInput } from './inputs.js'
import { fillInput, hasUnset } from './interpolate.js'
import type { Pipeline, StageUse } from './pipeline.js'
import { stagesOf, wire } from './wiring.js'

/** A file that a pipeline will write. */
export interface PlannedOutput {
  readonly path: string
  readonly input: string
  readonly use: StageUse
}

/** The files that a pipeline will write, as far as they can be known. */
export function plannedOutputs(pipeline: Pipeline, inputs: readonly OpenInput[]): PlannedOutput[] {
  return inputs.flatMap((input) => {
    const source = input.sources[0]
    // Only the stages that all sources share can write: those of a source alone would write one file twice.
    return wire(stagesOf(pipeline, input, source)).flatMap(({ use, parts }) => {
      const { to } = use.options
      if (use.spec.name !== 'write' || typeof to !== 'string' || hasUnset(to)) return []
      const path = fillInput(to, input.name)
      const paths = path.includes('${part}')
        ? (parts ?? []).map((part) => path.replaceAll('${part}', part))
        : [path]
      return paths.map((each) => ({ path: each, input: input.name, use }))
    })
  })
}

/** Outputs that would overwrite an input or each other. */
export function outputConflicts(pipeline: Pipeline, inputs: readonly OpenInput[]): SteerpipeError[] {
  const errors: SteerpipeError[] = []
  const read = new Map<string, string>()
  for (const input of inputs) {
    for (const file of input.sources.flatMap((source) => source.files))
      if (file !== '-') read.set(identity(file), file)
  }
  const written = new Map<string, PlannedOutput>()
  for (const output of plannedOutputs(pipeline, inputs)) {
    const { path, input, use } = output
    const key = path === '-' ? `- of ${input}` : identity(path)
    const clash = (found: string) =>
      errors.push(
        new SteerpipeError('OUTPUT_CONFLICT', { found, place: use.place ?? { input: path }, stage: 'write' }),
      )
    const other = written.get(key)
    if (read.has(key)) clash(`the output ${path} is also an input`)
    else if (other?.input === input) clash(`two stages write ${path === '-' ? 'to stdout' : path}`)
    else if (other) clash(`the inputs \`${other.input}\` and \`${input}\` both write ${path}`)
    written.set(key, output)
  }
  return errors
}

/** Outputs that are there already. */
export function existingOutputs(pipeline: Pipeline, inputs: readonly OpenInput[]): SteerpipeError[] {
  return plannedOutputs(pipeline, inputs)
    .filter(({ path }) => path !== '-' && existsSync(path) && !isSpecial(path))
    .map(({ path }) => outputExists(path))
}

/** A file by what it is, whatever it is called: links are followed as far as the path exists. */
function identity(path: string): string {
  const full = resolve(path)
  if (existsSync(full)) return realpathSync(full)
  const folder = dirname(full)
  return folder === full ? full : join(identity(folder), basename(full))
}
