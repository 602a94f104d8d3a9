import type {
  DirectChoosing,
  DirectCore,
  DirectCounting,
  DirectMaking,
  DirectParting,
} from '../../records/direct.js'
import type { Stage } from '../../stages/stage.js'
import { WriteStage } from '../../stages/write.js'

/** A stage that says what becomes of a record, before lines are made of it. */
interface Look {
  readonly stage: Stage
  readonly does: DirectChoosing | DirectParting | DirectCounting
}

/** What a row of stages does, one after the other, as it can be done in one go. */
export interface DirectPlan {
  readonly looks: readonly Look[]
  /** That of them which goes by numbers, if one does. */
  readonly counting: DirectCounting | undefined
  /** Makes the lines; undefined if records are written as they lie. */
  readonly core: DirectCore | undefined
  /** The stages whose work that is. */
  readonly makers: readonly Stage[]
  readonly write: WriteStage
  /** The paths of the outputs, by the number of the part. */
  readonly paths: readonly string[]
}

/**
 * The plan of a row of stages; undefined if it is none that has one: some that look at records, some that make lines of
 * them, and one that writes these.
 */
export function planOf(stages: readonly Stage[]): DirectPlan | undefined {
  const write = stages.at(-1)
  if (!(write instanceof WriteStage) || !write.takesLines) return undefined
  const looks: Look[] = []
  const makings: DirectMaking[] = []
  const makers: Stage[] = []
  for (const stage of stages.slice(0, -1)) {
    const { direct } = stage
    if (direct === undefined) return undefined
    if (direct.does === 'make') {
      makings.push(direct)
      makers.push(stage)
    } else if (makers.length > 0) return undefined
    else looks.push({ stage, does: direct })
  }
  const core = coreOf(makings)
  if (core === undefined && makers.length > 0) return undefined
  const partings = looks.flatMap(({ does }) => (does.does === 'choose' ? [] : does))
  if (partings.length > 1 || (write.hasParts && partings.length === 0)) return undefined
  // What is done with each of several alike is done once: nothing may be told of it, or hang on its number.
  const repeat = looks.findIndex(({ does }) => does.does === 'choose' && does.most > 1)
  const last = looks.findLastIndex(({ does }) => does.does !== 'choose')
  if (repeat >= 0 && (makers.length > 0 || last > repeat)) return undefined
  const [parting] = partings
  const paths = write.hasParts ? parting.parts.map((part) => write.pathFor(part)) : [write.pathFor('')]
  const counting = parting?.does === 'count' ? parting : undefined
  return { looks, counting, core, makers, write, paths }
}

/** Makes lines as these stages do; undefined if that is not known of them together. */
function coreOf([first, second, ...others]: readonly DirectMaking[]): DirectCore | undefined {
  if (second === undefined) return first?.core
  if (others.length > 0 || second.member === undefined) return undefined
  return first.withMember?.(second.member)
}

/** Whether a row of stages has a plan where nobody has seen to it that no record hangs on others. */
export function canBeDirect(stages: readonly Stage[]): boolean {
  const isTied = ({ direct }: Stage) =>
    direct?.does === 'count' || (direct?.does === 'make' && direct.isTied === true)
  return planOf(stages) !== undefined && !stages.some(isTied)
}
