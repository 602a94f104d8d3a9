import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import { SteerpipeError } from '../errors.js'
import { writeDurably } from '../storage/durable.js'
import { savedOutput } from '../storage/output.js'
import { writeError } from '../storage/sink.js'

/** Is raised when another steerpipe would go on otherwise from the same checkpoint, or make other bytes. */
const FORMAT = 2

const counts = z.record(z.string(), z.int())
export const savedCounters = z.strictObject({
  in: z.int(),
  out: z.int(),
  leftOut: counts,
  dropped: counts,
  notes: counts,
})
export const savedStage = z.strictObject({ counters: savedCounters, memory: z.unknown() })
export type SavedStage = z.output<typeof savedStage>

/** What was read of a file. */
const savedFile = z.strictObject({
  path: z.string(),
  bytes: z.int(),
  lines: z.int(),
  hash: z.string(),
  /** It was read to its end. */
  isWhole: z.boolean(),
})
export type SavedFile = z.output<typeof savedFile>

/** An input that was being read: all that it takes to go on. */
const savedReading = z.strictObject({
  input: z.string(),
  seconds: z.number(),
  /** Decompressed bytes read. */
  bytes: z.int(),
  /** What `parse` counted. */
  parsed: savedCounters,
  /** What `--limit` has counted; null without it. */
  limit: z.unknown(),
  /** What was read of each source. */
  sources: z.array(z.array(savedFile)),
  /** The stages of the sources that were begun. */
  own: z.array(z.array(savedStage)),
  common: z.array(savedStage),
})
export type SavedReading = z.output<typeof savedReading>

/** An input whose outputs are all on the disk, if not yet under their final names. */
const savedWhole = z.strictObject({
  input: z.string(),
  seconds: z.number(),
  bytes: z.int(),
  sources: z.array(z.array(savedFile)),
  stages: z.array(
    z.strictObject({
      stage: z.string(),
      counters: savedCounters,
      outputs: z.array(z.strictObject({ path: z.string(), bytes: z.int() })),
    }),
  ),
})
export type SavedWhole = z.output<typeof savedWhole>

const savedAside = z.strictObject({
  /** Bad records so far. */
  bad: z.int(),
  /** Records that were read of the inputs before. */
  read: z.int(),
  /** The file of dead letters; null without one. */
  file: savedOutput.extend({ path: z.string() }).nullable(),
})
export type SavedAside = z.output<typeof savedAside>

const checkpoint = z.strictObject({
  format: z.literal(FORMAT),
  /** What of the definition changes the output. */
  definition: z.unknown(),
  /** The commits that revisions on the hub were when the run began. */
  revisions: z.record(z.string(), z.string()).default({}),
  whole: z.array(savedWhole),
  reading: savedReading.nullable(),
  aside: savedAside,
})

/** How far a run has come. */
export type Checkpoint = Omit<z.output<typeof checkpoint>, 'format'>

/** What a checkpoint is called. @param output the first output of the run */
export const checkpointName = (output: string): string => `${output}.checkpoint`

/** Keeps a checkpoint, durably. @throws SteerpipeError WRITE_FAILED */
export async function saveCheckpoint(path: string, content: Checkpoint): Promise<void> {
  try {
    await writeDurably(path, `${JSON.stringify({ format: FORMAT, ...content })}\n`)
  } catch (error) {
    throw writeError(error, path)
  }
}

/** The checkpoint that an earlier run has left; null if there is none. @throws SteerpipeError RESUME_REFUSED */
export async function readCheckpoint(path: string): Promise<Checkpoint | null> {
  if (!existsSync(path)) return null
  const refuse = (found: string, cause?: unknown) =>
    new SteerpipeError('RESUME_REFUSED', { found, place: { input: path }, cause })
  let given: unknown
  try {
    given = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    throw refuse('this checkpoint cannot be read', error)
  }
  const format = z.object({ format: z.unknown() }).safeParse(given)
  if (format.data?.format !== FORMAT) {
    throw refuse(
      `this checkpoint is of another version of steerpipe (format ${String(format.data?.format)}, not ${FORMAT})`,
    )
  }
  const result = checkpoint.safeParse(given)
  if (!result.success) throw refuse('this checkpoint is damaged', result.error)
  const { format: _, ...content } = result.data
  return content
}
