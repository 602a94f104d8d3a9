import { SteerpipeError } from '../errors.js'
import type { Wire } from '../stages/spec.js'
import type { Input, Pipeline, Source, StageUse } from './pipeline.js'

/** A stage with what flows into it and out of it. */
export interface WiredStage {
  readonly use: StageUse
  /** Undefined where it hangs on a var without a value. */
  readonly takes: Wire | undefined
  readonly gives: Wire | undefined
  /** The parts that are declared before it. */
  readonly parts: readonly string[] | undefined
}

/** The stages that the records of a source go through after `parse`: its own, its input's, the pipeline's. */
export function stagesOf(pipeline: Pipeline, input: Input, source: Source): readonly StageUse[] {
  return [...source.stages, ...input.stages, ...pipeline.stages]
}

/** What flows between stages, from `parse` on. */
export function wire(stages: readonly StageUse[]): WiredStage[] {
  let flowing: Wire | undefined = 'json'
  let parts: readonly string[] | undefined
  return stages.map((use): WiredStage => {
    const takes: Wire | undefined = flowing
    const before = parts
    flowing = takes && !use.incomplete ? use.spec.emits(takes, use.options) : undefined
    parts = (use.incomplete ? undefined : use.spec.parts?.(use.options)) ?? parts
    return { use, takes, gives: flowing, parts: before }
  })
}

/** How a wire is called in messages. */
export const WIRE_NAMES: Readonly<Record<Wire, string>> = {
  json: 'records as they were read',
  scored: 'conversations with scores',
  conversation: 'conversations with labels',
  sample: 'samples',
}

/** The wires that do not fit. */
export function wiringErrors(pipeline: Pipeline): SteerpipeError[] {
  const errors = new Map<string, SteerpipeError>()
  const add = (error: SteerpipeError) => errors.set(error.message, error)
  for (const input of pipeline.inputs) {
    for (const source of input.sources) {
      for (const stage of wire(stagesOf(pipeline, input, source))) {
        const error = misfit(stage)
        if (error) add(error)
      }
    }
  }
  const stages = [...pipeline.stages, ...pipeline.inputs.flatMap((input) => input.stages)]
  if (!stages.some((use) => use.spec.name === 'write')) {
    add(
      new SteerpipeError('DEFINITION_INVALID', {
        found: 'the pipeline has no `write`: nothing would be kept',
        fix: 'End the stages with `write: PATH`.',
        place: pipeline.stages.at(-1)?.place ?? pipeline.parse.place,
      }),
    )
  }
  return [...errors.values()]
}

function misfit({ use, takes, parts }: WiredStage): SteerpipeError | undefined {
  const { spec, place } = use
  const refuse = (found: string, fix: string, expected?: string) =>
    new SteerpipeError('WIRE_MISFIT', { found, expected, fix, place, stage: spec.name })
  if (spec.accepts.length === 0) {
    return refuse(
      `\`${spec.name}\` makes records of bytes`,
      `Put \`${spec.name}\` first.`,
      'bytes, which are there at the start only',
    )
  }
  if (takes !== undefined && !spec.accepts.includes(takes)) {
    return refuse(
      `\`${spec.name}\` cannot take ${WIRE_NAMES[takes]}`,
      remedy(takes, spec.accepts),
      spec.accepts.map((wire) => WIRE_NAMES[wire]).join(' or '),
    )
  }
  const { to } = use.options
  if (
    spec.name === 'write' &&
    typeof to === 'string' &&
    to.includes('${part}') &&
    parts === undefined &&
    takes
  ) {
    return refuse(
      'no stage before this one puts records into parts, and the path has `${part}` in it',
      'Add a stage that does, such as `template: { dataset: helpsteer2-preference }`, or leave `${part}` out.',
    )
  }
  return undefined
}

function remedy(takes: Wire, accepts: readonly Wire[]): string {
  if (takes === 'scored' && accepts.includes('conversation')) return 'Put `label-format` before it.'
  if (takes === 'sample') return 'Samples are the last form: put this stage before `regression-expand`.'
  return 'Put `template` right after `parse`, once.'
}
