import type { SteerpipeError } from '../errors.js'
import { findInputs, type OpenInput, remoteErrors } from './inputs.js'
import { type Loaded, type LoadSettings, loadFile } from './load.js'
import { existingOutputs, outputConflicts } from './outputs.js'
import type { Pipeline } from './pipeline.js'
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
  const loaded = await loadFile(path, settings)
  const { errors } = await check(loaded)
  return byPlace([...loaded.errors, ...errors])
}

/**
 * Reads a definition and checks all that can be checked before anything runs.
 *
 * @throws CheckFailure
 */
export async function prepareFile(path: string, settings: LoadSettings): Promise<Checked> {
  const loaded = await loadFile(path, settings)
  const { errors, inputs } = await check(loaded)
  const all = [...loaded.errors, ...loaded.unset, ...errors, ...remoteErrors(inputs)]
  if (all.length > 0 || loaded.pipeline === undefined) throw new CheckFailure(byPlace(all))
  return { pipeline: loaded.pipeline, inputs }
}

/** Reads a definition to be shown, not run: vars may have no value, addresses are left alone. @throws CheckFailure */
export async function explainFile(path: string, settings: LoadSettings): Promise<Checked> {
  const loaded = await loadFile(path, settings)
  const { errors, inputs } = await check(loaded)
  const all = [...loaded.errors, ...errors]
  if (all.length > 0 || loaded.pipeline === undefined) throw new CheckFailure(byPlace(all))
  return { pipeline: loaded.pipeline, inputs }
}

/** As {@link prepareFile}, for a pipeline that was put together from flags. @throws CheckFailure */
export async function preparePipeline(pipeline: Pipeline): Promise<Checked> {
  const { errors, inputs } = await check({ pipeline, errors: [], unset: [] })
  const all = [...errors, ...remoteErrors(inputs)]
  if (all.length > 0) throw new CheckFailure(all)
  return { pipeline, inputs }
}

/** Refuses to replace outputs, unless told to. @throws CheckFailure */
export function refuseExisting({ pipeline, inputs }: Checked): void {
  const errors = existingOutputs(pipeline, inputs)
  if (errors.length > 0) throw new CheckFailure(errors)
}

async function check({
  pipeline,
}: Loaded): Promise<{ errors: SteerpipeError[]; inputs: readonly OpenInput[] }> {
  if (pipeline === undefined) return { errors: [], inputs: [] }
  const { inputs, errors } = await findInputs(pipeline)
  return { inputs, errors: [...errors, ...wiringErrors(pipeline), ...outputConflicts(pipeline, inputs)] }
}

function byPlace(errors: SteerpipeError[]): SteerpipeError[] {
  const at = ({ place }: SteerpipeError) => [place?.line ?? 0, place?.column ?? 0]
  return errors.sort((a, b) => at(a)[0] - at(b)[0] || at(a)[1] - at(b)[1])
}
