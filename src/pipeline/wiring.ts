import { SteerpipeError } from '../errors.js'
import type { Wire } from '../stages/spec.js'
import { type Input, type Pipeline, type StageUse, UNKNOWN_STAGE } from './pipeline.js'
import { fillInput } from './references.js'

/** A stage with what flows into it and out of it. */
export interface WiredStage {
  readonly use: StageUse
  /** Undefined where it cannot be known: it hangs on a var without a value, or differs from source to source. */
  readonly takes: Wire | undefined
  readonly gives: Wire | undefined
  /** The parts that are declared before it. */
  readonly parts: readonly string[] | undefined
}

/** What flows into a row of stages. */
interface Flow {
  readonly wire: Wire | undefined
  readonly parts: readonly string[] | undefined
}

/** What `parse` gives. */
const PARSED: Flow = { wire: 'json', parts: undefined }

/** Stages with what flows between them, and what comes out at their end. */
export interface Wired {
  readonly stages: readonly WiredStage[]
  readonly out: Flow
}

/** What flows between stages. */
export function wire(uses: readonly StageUse[], start: Flow = PARSED): Wired {
  let { wire, parts } = start
  const stages = uses.map((use): WiredStage => {
    const [takes, before] = [wire, parts]
    wire = takes && !use.incomplete ? use.spec.emits(takes, use.options) : undefined
    parts = (use.incomplete ? undefined : use.spec.parts?.(use.options)) ?? parts
    return { use, takes, gives: wire, parts: before }
  })
  return { stages, out: { wire, parts } }
}

/** The stages of an input: those that the records of one source go through alone, and those of all. */
export interface WiredInput {
  /** In the order of the input's sources. */
  readonly own: readonly (readonly WiredStage[])[]
  readonly common: readonly WiredStage[]
}

/** What flows between all stages of an input. */
export function wireInput(pipeline: Pipeline, { sources, stages }: Input): WiredInput {
  const own = sources.map((source) => wire(source.stages))
  const [first, ...others] = own.map(({ out }) => out)
  const parts = new Set(own.flatMap(({ out }) => out.parts ?? []))
  const flow = {
    wire: others.every((other) => other.wire === first.wire) ? first.wire : undefined,
    parts: parts.size > 0 ? [...parts] : undefined,
  }
  return { own: own.map((each) => each.stages), common: wire([...stages, ...pipeline.stages], flow).stages }
}

/** How a wire is called in messages. */
export const WIRE_NAMES: Readonly<Record<Wire, string>> = {
  json: 'records as they were read',
  scored: 'conversations with scores',
  conversation: 'conversations with labels',
  sample: 'samples',
}

/** The wires that do not fit, and what is made for nothing. */
export function wiringErrors(pipeline: Pipeline): SteerpipeError[] {
  const paths = pipeline.inputs.flatMap((input) =>
    input.sources.map((source) => ({
      input,
      stages: [...source.stages, ...input.stages, ...pipeline.stages],
    })),
  )
  const noneWrites = paths.every(({ stages }) => lastWrite(stages) < 0)
  return paths.flatMap(({ input, stages }) => [
    ...wire(stages).stages.flatMap((stage) => misfit(stage) ?? []),
    ...lateGroups(stages),
    ...deadEnds(stages, pipeline.parse, noneWrites ? 'the pipeline' : `the input \`${input.name}\``),
  ])
}

/** The errors for groups that are bound where their records may stand apart. */
function lateGroups(stages: readonly StageUse[]): SteerpipeError[] {
  const separating = stages.findIndex(({ spec }) => spec.separates === true)
  if (separating < 0) return []
  return stages.slice(separating + 1).flatMap(({ spec, options, placeOf }) => {
    if (typeof options.group !== 'number' || options.group === 1) return []
    const { name } = stages[separating].spec
    return new SteerpipeError('WIRE_MISFIT', {
      found: `\`group\` of \`${spec.name}\` comes after \`${name}\`, which takes neighbours apart that are not bound yet`,
      fix: 'Put `group` on `parse`.',
      place: placeOf('group'),
      stage: spec.name,
    })
  })
}

/** Where the last `write` is among the stages of a source, or what may be one; -1 if there is none. */
const lastWrite = (stages: readonly StageUse[]): number =>
  stages.findLastIndex(({ spec }) => spec.name === 'write' || spec === UNKNOWN_STAGE)

/** The error for stages whose records go nowhere. @param who has no `write`, if there is none at all */
function deadEnds(stages: readonly StageUse[], parse: StageUse, who: string): SteerpipeError[] {
  const last = lastWrite(stages)
  if (last >= 0 && last === stages.length - 1) return []
  const lost = stages[last + 1] ?? parse
  return [
    new SteerpipeError('DEFINITION_INVALID', {
      found:
        last < 0
          ? `${who} has no \`write\`: nothing would be kept`
          : `no \`write\` comes after this \`${lost.spec.name}\`: what it makes would not be kept`,
      fix: 'End the stages with `write: PATH`.',
      place: last < 0 ? (stages.at(-1) ?? parse).place : lost.place,
    }),
  ]
}

function misfit({ use, takes, parts }: WiredStage): SteerpipeError | undefined {
  const { spec, options, place } = use
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
      remedy(use, takes),
      spec.accepts.map((wire) => WIRE_NAMES[wire]).join(' or '),
    )
  }
  if (spec.name !== 'write' || use.incomplete) return undefined
  const { to } = options
  // In a script, `write` without a path gives bytes to the next stream; here there is none.
  if (typeof to !== 'string') {
    return new SteerpipeError('BAD_OPTION', {
      found: '`write` has no path',
      fix: 'Say where to: `write: PATH`, or `write: "-"` for stdout.',
      place,
    })
  }
  if (fillInput(to, '').includes('${part}') && parts === undefined && takes) {
    return refuse(
      'no stage before this one puts records into parts, and the path has `${part}` in it',
      'Add a stage that does, such as `split`, or leave `${part}` out.',
    )
  }
  return undefined
}

function remedy({ spec, options }: StageUse, takes: Wire): string {
  if (takes === 'scored' && spec.accepts.includes('conversation')) return 'Put `label-format` before it.'
  if (takes !== 'sample') return 'Put `template` right after `parse`, once.'
  return spec.emits(takes, options) === 'sample'
    ? 'Leave it out: there are samples already.'
    : 'Samples are the last form: put this stage before `regression-expand`.'
}
