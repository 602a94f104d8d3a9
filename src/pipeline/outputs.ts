import { existsSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { SteerpipeError } from '../errors.js'
import { outputExists } from '../stages/write.js'
import { isRemote } from '../storage/remote/address.js'
import { isSpecial, partialName } from '../storage/sink.js'
import type { OpenInput } from './inputs.js'
import type { Pipeline, StageUse } from './pipeline.js'
import { fillInput, hasUnset } from './references.js'
import { type WiredStage, wireInput } from './wiring.js'

/** A file that a pipeline will write. */
export interface PlannedOutput {
  readonly path: string
  readonly input: string
  readonly use: StageUse
}

/** The files that a pipeline will write, as far as they can be known. */
export function plannedOutputs(pipeline: Pipeline, inputs: readonly OpenInput[]): PlannedOutput[] {
  return inputs.flatMap((input) => {
    const { own, common } = wireInput(pipeline, input)
    return [...own.flat(), ...common].flatMap((stage) => outputsOf(stage, input.name))
  })
}

function outputsOf({ use, parts }: WiredStage, input: string): PlannedOutput[] {
  const { to } = use.options
  if (use.spec.name !== 'write' || typeof to !== 'string' || hasUnset(to)) return []
  const path = fillInput(to, input)
  const paths = path.includes('${part}')
    ? (parts ?? []).map((part) => path.replaceAll('${part}', () => part))
    : [path]
  return paths.map((each) => ({ path: each, input, use }))
}

/** Outputs that would overwrite an input or each other, or that are no files. */
export function outputConflicts(pipeline: Pipeline, inputs: readonly OpenInput[]): SteerpipeError[] {
  const read = new Set<string>()
  for (const input of inputs) {
    for (const file of input.sources.flatMap((source) => source.files)) {
      if (file !== '-' && !isRemote(file)) read.add(identity(file))
    }
  }
  const errors = new Map<string, SteerpipeError>()
  const written = new Map<string, PlannedOutput>()
  for (const output of plannedOutputs(pipeline, inputs)) {
    const { path, input, use } = output
    const refuse = (found: string, fix?: string) => {
      const place = use.placeOf('to') ?? { input: path }
      const error = new SteerpipeError('OUTPUT_CONFLICT', { found, fix, place, stage: 'write' })
      errors.set(error.message, error)
    }
    if (isRemote(path)) {
      refuse(`the output ${path} is an address`, 'Write to a file, and upload that.')
      continue
    }
    if (path.endsWith('/') || (existsSync(path) && statSync(path).isDirectory())) {
      refuse(
        `the output ${path} is a folder`,
        `Name a file in it, such as \`${join(path, '${input}.jsonl')}\`.`,
      )
      continue
    }
    // Whatever goes to a device or a FIFO goes there in its turn.
    if (path !== '-' && isSpecial(path)) continue
    const key = path === '-' ? `- of ${input}` : identity(path)
    const other = written.get(key)
    if (read.has(key)) refuse(`the output ${path} is also an input`)
    else if (path !== '-' && read.has(identity(partialName(path)))) {
      refuse(`the input ${partialName(path)} is what the output ${path} is called until it is whole`)
    } else if (other?.input === input) refuse(`two stages write ${path === '-' ? 'to stdout' : path}`)
    else if (other) refuse(`the inputs \`${other.input}\` and \`${input}\` both write ${path}`)
    written.set(key, output)
  }
  return [...errors.values()]
}

/** Outputs that are there already. @param except those that may be there */
export function existingOutputs(
  pipeline: Pipeline,
  inputs: readonly OpenInput[],
  except: readonly string[],
): SteerpipeError[] {
  return plannedOutputs(pipeline, inputs)
    .filter(({ path }) => path !== '-' && existsSync(path) && !isSpecial(path) && !except.includes(path))
    .map(({ path }) => outputExists(path))
}

/** A file by what it is, whatever it is called: links are followed as far as the path exists. */
function identity(path: string): string {
  const full = resolve(path)
  if (existsSync(full)) return realpathSync(full)
  const folder = dirname(full)
  return folder === full ? full : join(identity(folder), basename(full))
}
