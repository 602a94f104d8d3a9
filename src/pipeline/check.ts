import type { SteerpipeError } from '../errors.js'
import { mistakeError } from '../stages/option-mistake.js'
import { findInputs, type OpenInput } from './inputs.js'
import type { Loaded, LoadSettings } from './load.js'
import { inOrder } from './mistakes.js'
import { existingOutputs, outputConflicts } from './outputs.js'
import type { Pipeline, StageUse } from './pipeline.js'
import { fillInput, holdsUnset, literal, mapTexts } from './references.js'
import { wiringErrors } from './wiring.js'

/** A pipeline whose inputs are found and whose definition has nothing wrong with it. */
export interface Checked {
  readonly pipeline: Pipeline
  readonly inputs: readonly OpenInput[]
}

/** Everything that is wrong with a definition; none if all is well. */
export class CheckFailure extends Error {
  constructor(readonly errors: readonly SteerpipeError[]) {
    super(errors.map((error) => error.message).join('\n'))
  }
}

/** Everything that can be said against a definition without running it, in the order of the file. */
export async function lintFile(path: string, settings: LoadSettings): Promise<readonly SteerpipeError[]> {
  const loaded = await load(path, settings)
  const { errors } = await check(loaded)
  return inOrder([...loaded.errors, ...errors])
}

/**
 * Reads a definition and checks all that can be checked before anything runs.
 *
 * @throws CheckFailure
 */
export async function prepareFile(path: string, settings: LoadSettings): Promise<Checked> {
  const loaded = await load(path, settings)
  const { errors, inputs } = await check(loaded)
  const all = [...loaded.errors, ...loaded.unset, ...errors]
  if (all.length > 0 || loaded.pipeline === undefined) throw new CheckFailure(inOrder(all))
  return { pipeline: loaded.pipeline, inputs }
}

/** As {@link prepareFile}, for a run that does not read the definition's inputs: they need not be there. @throws CheckFailure */
export async function prepareWithoutInputs(path: string, settings: LoadSettings): Promise<Checked> {
  const loaded = await load(path, settings)
  const { errors, inputs } = await check(loaded)
  const all = [...loaded.errors, ...loaded.unset, ...errors.filter(({ code }) => code !== 'NO_SUCH_INPUT')]
  if (all.length > 0 || loaded.pipeline === undefined) throw new CheckFailure(inOrder(all))
  return { pipeline: loaded.pipeline, inputs }
}

/** Reads a definition to be shown, not run: vars may have no value, addresses are left alone. @throws CheckFailure */
export async function explainFile(path: string, settings: LoadSettings): Promise<Checked> {
  const loaded = await load(path, settings)
  const { errors, inputs } = await check(loaded)
  const all = [...loaded.errors, ...errors]
  if (all.length > 0 || loaded.pipeline === undefined) throw new CheckFailure(inOrder(all))
  return { pipeline: loaded.pipeline, inputs }
}

/** As {@link prepareFile}, for a pipeline that was put together, or changed, from flags. @throws CheckFailure */
export async function preparePipeline(given: Pipeline): Promise<Checked> {
  const pipeline = withFlags(given)
  const { errors, inputs } = await check({ pipeline, errors: [], unset: [] })
  if (errors.length > 0) throw new CheckFailure(inOrder(errors))
  return { pipeline, inputs }
}

/** The pipeline, in which nothing is a reference that came from a flag: what has no place in a definition. */
function withFlags(pipeline: Pipeline): Pipeline {
  const plain = (use: StageUse): StageUse =>
    use.place === undefined ? { ...use, options: mapTexts(use.options, literal) } : use
  const inputs = pipeline.inputs.map((input) => ({
    ...input,
    sources: input.sources.map((source) =>
      source.place === undefined ? { ...source, from: literal(source.from) } : source,
    ),
  }))
  return { ...pipeline, inputs, parse: plain(pipeline.parse), stages: pipeline.stages.map(plain) }
}

/** Refuses to replace outputs. @param except those that may be there @throws CheckFailure */
export function refuseExisting({ pipeline, inputs }: Checked, except: readonly string[] = []): void {
  const errors = existingOutputs(pipeline, inputs, except)
  if (errors.length > 0) throw new CheckFailure(errors)
}

async function check({
  pipeline,
}: Loaded): Promise<{ errors: SteerpipeError[]; inputs: readonly OpenInput[] }> {
  if (pipeline === undefined) return { errors: [], inputs: [] }
  const { inputs, errors } = await findInputs(pipeline)
  const mistakes = await optionMistakes(pipeline)
  return {
    inputs,
    errors: [...errors, ...mistakes, ...wiringErrors(pipeline), ...outputConflicts(pipeline, inputs)],
  }
}

/** What the stages themselves have against their options. */
async function optionMistakes(pipeline: Pipeline): Promise<SteerpipeError[]> {
  const inputs = pipeline.inputs.flatMap(({ name, sources, stages }) => {
    const own = sources.flatMap((source) => [...(source.parse ? [source.parse] : []), ...source.stages])
    return [...own, ...stages].map((use) => ({ use, name }))
  })
  // Any input's name will do for the stages of all.
  const first = pipeline.inputs.at(0)?.name ?? ''
  const common = [pipeline.parse, ...pipeline.stages].map((use) => ({ use, name: first }))
  const mistakes = [...inputs, ...common].map(async ({ use, name }) => {
    const { spec, options, incomplete, placeOf } = use
    if (incomplete || spec.check === undefined || holdsUnset(options)) return []
    const filled = fillInput(options, name)
    return (await spec.check(filled)).map((mistake) => {
      const { option, at } = mistake
      const exact = at !== undefined && filled[option] === options[option] ? placeOf(option, at) : undefined
      return mistakeError(spec.name, mistake, exact ?? placeOf(option), exact !== undefined)
    })
  })
  return (await Promise.all(mistakes)).flat()
}

/** Reads a definition. What that needs is loaded only then: filters start without it. */
async function load(path: string, settings: LoadSettings): Promise<Loaded> {
  const { loadFile } = await import('./load.js')
  return loadFile(path, settings)
}
