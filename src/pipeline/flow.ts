import { Readable } from 'node:stream'
import { pipeline as connect } from 'node:stream/promises'
import { SteerpipeError } from '../errors.js'
import { Batch } from '../records/batch.js'
import type { Stage } from '../stages/stage.js'
import { UnitStage } from '../stages/unit-stage.js'
import { WriteStage } from '../stages/write.js'

/** Batches, and the stages that they are still to go through. */
export interface Flow {
  readonly batches: AsyncIterable<Batch>
  readonly stages: readonly Stage[]
}

/**
 * Batches through stages. An error is in the last batch, as it is for those that were read.
 *
 * @param signal ends the stages at once; who only stops asking for batches waits for the next one
 */
export async function* through({ batches, stages }: Flow, signal: AbortSignal): AsyncGenerator<Batch> {
  const last = stages.at(-1)
  if (last === undefined) {
    yield* batches
    return
  }
  const running = connect([Readable.from(batches, { highWaterMark: 1 }), ...stages], { signal })
  running.catch(() => {}) // told by the iteration below, or by the await after it
  try {
    yield* last.batches()
    await running
  } catch (error) {
    if (!(error instanceof SteerpipeError)) throw error
    yield Batch.failed(error)
  }
}

/**
 * The stages that may have enough before the input is at its end, such as `limit`. One behind a `write` is none: the
 * file wants all records.
 */
export function endingStages(stages: readonly Stage[]): UnitStage[] {
  const write = stages.findIndex((stage) => stage instanceof WriteStage)
  const before = write < 0 ? stages : stages.slice(0, write)
  return before
    .filter((stage) => stage instanceof UnitStage)
    .filter(({ satisfied }) => satisfied !== undefined)
}

/**
 * Takes batches through those stages that may have enough early, and those before them. Of what comes behind the
 * last record that is wanted nothing is given, errors neither: how far the reading got before it was stopped does
 * not matter then.
 */
export function upToEnough(given: Flow, ending: readonly UnitStage[], signal: AbortSignal): Flow {
  let { batches, stages } = given
  for (const stage of ending) {
    const end = stages.indexOf(stage) + 1
    batches = whileWanted(through({ batches, stages: stages.slice(0, end) }, signal), stage)
    stages = stages.slice(end)
  }
  return { batches, stages }
}

/** What a stage gives until it has enough. The rest is waited for, so that all is counted. */
async function* whileWanted(batches: AsyncIterable<Batch>, stage: UnitStage): AsyncGenerator<Batch> {
  // A run that goes on has given some before.
  let given = stage.counters.out
  for await (const batch of batches) {
    if (stage.satisfied === true && given === stage.counters.out) continue
    given += batch.records.length
    yield batch
  }
}

/** The first records, at least `count`, and whole units. */
export async function* firstRecords(batches: AsyncIterable<Batch>, count: number): AsyncGenerator<Batch> {
  let left = count
  for await (const batch of batches) {
    if (batch.records.length >= left) {
      yield batch.first(left)
      return
    }
    left -= batch.records.length
    yield batch
  }
}
