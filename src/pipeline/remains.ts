/** What a run leaves beside its outputs when it is stopped: the checkpoint, the answers of servers, locks. */
import { existsSync, statSync } from 'node:fs'
import { removeDurably } from '../storage/durable.js'
import { lock, lockName } from '../storage/lock.js'
import { isSpecial, partialName } from '../storage/sink.js'
import type { Checked } from './check.js'
import { checkpointName, readCheckpoint } from './checkpoint.js'
import { plannedOutputs } from './outputs.js'

/** The file of a run's checkpoint; undefined for a run that cannot be gone on with: it writes to streams or devices. */
export function keptBy({ pipeline, inputs }: Checked): string | undefined {
  const paths = plannedOutputs(pipeline, inputs).map(({ path }) => path)
  if (paths.length === 0 || paths.some(isStream)) return undefined
  return checkpointName(paths[0])
}

/** Whether an earlier run has left something to go on with. */
export function isUnfinished(checked: Checked): boolean {
  const path = keptBy(checked)
  if (path === undefined) return false
  return [path, ...journalsOf(checked).values()].some((file) => sizeOf(file) > 0)
}

/** Whether all outputs are there, and nothing says that a run of them was stopped. */
export function isFinished(checked: Checked): boolean {
  const path = keptBy(checked)
  if (path === undefined || existsSync(path) || isUnfinished(checked)) return false
  const outputs = plannedOutputs(checked.pipeline, checked.inputs)
  return outputs.every((output) => existsSync(output.path) && !existsSync(partialName(output.path)))
}

/**
 * Removes what a run has left beside its outputs that was killed when all was done.
 *
 * @throws SteerpipeError OUTPUT_LOCKED if another run is writing
 */
export async function tidy(checked: Checked): Promise<void> {
  const path = keptBy(checked)
  if (path === undefined) return
  const outputs = plannedOutputs(checked.pipeline, checked.inputs).map((output) => output.path)
  for (const each of [path, ...outputs]) if (existsSync(lockName(each))) (await lock(each)).release()
  await removeDurably(path)
}

/** The outputs that an earlier run has made whole. @throws SteerpipeError RESUME_REFUSED */
export async function outputsBefore(checked: Checked): Promise<string[]> {
  const path = keptBy(checked)
  const earlier = path === undefined ? null : await readCheckpoint(path)
  const stages = earlier?.whole.flatMap((input) => input.stages) ?? []
  return stages.flatMap(({ outputs }) => outputs.map((output) => output.path))
}

export function sizeOf(path: string): number {
  try {
    return statSync(path).size
  } catch {
    return 0 // it is not there, or not within reach
  }
}

export const isStream = (path: string): boolean => path === '-' || isSpecial(path)

/** The file for the answers of each input, by its name. */
export function journalsOf({ pipeline, inputs }: Checked): Map<string, string> {
  const outputs = plannedOutputs(pipeline, inputs)
  return new Map(
    inputs.flatMap(({ name }) => {
      const first = outputs.find(({ input }) => input === name)
      return first ? [[name, `${first.path}.answers`] as const] : []
    }),
  )
}
