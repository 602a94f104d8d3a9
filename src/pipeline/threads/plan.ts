import type { JsonText } from '../../records/json-text.js'
import { shuffleSpec } from '../../stages/shuffle.js'
import { splitSpec } from '../../stages/split.js'
import { writeSpec } from '../../stages/write.js'
import type { OpenInput } from '../inputs.js'
import type { Pipeline } from '../pipeline.js'
import { fillInput } from '../references.js'
import type { WiredInput, WiredStage } from '../wiring.js'

/** What threads can do of an input's work. */
export type ThreadPlan = AllStages | TailStages | NoStages

interface AllStages {
  readonly does: 'all'
}

/** The stages behind one that holds records. */
export interface TailStages {
  readonly does: 'tail'
  /** How many of the common stages come before them. */
  readonly from: number
  /** The member that the records must have, as they are read, for which that is so; undefined: it is for all. */
  readonly fitWith: JsonText | undefined
}

interface NoStages {
  readonly does: 'nothing'
  readonly because: string
}

/** What threads can do of an input's work, whether it is worth it or not. */
export async function planThreads(
  pipeline: Pipeline,
  input: OpenInput,
  wired: WiredInput,
): Promise<ThreadPlan> {
  const because = await obstacle(pipeline, input, wired)
  if (because === undefined) return { does: 'all' }
  return (await tailOf(input, wired)) ?? { does: 'nothing', because }
}

/** What is in the way of having all stages done by threads. */
async function obstacle(
  pipeline: Pipeline,
  input: OpenInput,
  { own, common }: WiredInput,
): Promise<string | undefined> {
  if (input.interleave) return 'its sources are interleaved'
  for (const source of input.sources) {
    const { format, group } = (source.parse ?? pipeline.parse).options
    if (source.holds) return 'it is set-aside records'
    if (format !== 'jsonl') return `\`parse\` reads the format \`${String(format)}\``
    if (group !== 1) return '`parse` binds records to groups'
  }
  for (const stage of [...own.flat(), ...common]) {
    if (!(await isAlone(stage, input.name)))
      return `what \`${stage.use.spec.name}\` does with a record hangs on others`
  }
  return undefined
}

async function tailOf({ name }: OpenInput, { own, common }: WiredInput): Promise<TailStages | undefined> {
  const from = common.findLastIndex(({ use }) => use.spec === shuffleSpec) + 1
  const tail = common.slice(from)
  if (from === 0) return undefined
  let fitWith: TailStages['fitWith']
  for (const [index, stage] of tail.entries()) {
    const { spec, options } = stage.use
    // How many records there are, and where each one stands, is known right behind a shuffle.
    if ((index === 0 && spec === splitSpec) || (await isAlone(stage, name))) continue
    // Only of records as they were read it can be told before.
    const areAsRead = from === 1 && own.every((stages) => stages.length === 0)
    fitWith =
      areAsRead && index === tail.findIndex(({ use }) => use.spec.aloneWith)
        ? spec.aloneWith?.(options)
        : undefined
    if (fitWith === undefined) return undefined
  }
  return { does: 'tail', from, fitWith }
}

/** Whether what becomes of a record at a stage hangs on that record alone, and its outputs are known. */
async function isAlone({ use, parts }: WiredStage, input: string): Promise<boolean> {
  const { spec, options } = use
  if (spec === writeSpec && String(fillInput(options, input).to).includes('${part}') && !parts) return false
  return (await spec.alone?.(options)) === true
}
