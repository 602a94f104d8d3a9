import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { SteerpipeError } from '../errors.js'
import { Counters } from '../observe/counters.js'
import { type InputReport, showBytes } from '../observe/report.js'
import { checkRead } from '../storage/consumed.js'
import { removeDurably, syncFolder } from '../storage/durable.js'
import { readBytes } from '../storage/input.js'
import { type FileLock, lock } from '../storage/lock.js'
import type { Revisions } from '../storage/remote/index.js'
import { partialName, writeError } from '../storage/sink.js'
import type { Checked } from './check.js'
import { type Checkpoint, readCheckpoint, type SavedFile, type SavedWhole } from './checkpoint.js'
import { difference, fingerprint } from './fingerprint.js'
import type { OpenInput } from './inputs.js'
import { Keeper } from './keeper.js'
import { plannedOutputs } from './outputs.js'
import { isStream, journalsOf, keptBy, sizeOf } from './remains.js'

/** How a run is kept. */
export interface Keeping {
  /** Milliseconds between two checkpoints. */
  readonly every: number
  /** Go on where an earlier run was stopped, if there is one. */
  readonly resume: boolean
  /** Told where the run goes on, before it does. */
  readonly onResume?: (lines: readonly string[]) => void
}

interface SessionSettings {
  readonly force?: boolean
  readonly limit?: number | undefined
  readonly keeping?: Keeping | undefined
  readonly aside?: { readonly path?: string | undefined }
}

/** What of a run outlives its process: the lock, the checkpoint, the journals of answers. */
export class Session {
  private constructor(
    /** Undefined for a run that is not kept. */
    readonly keeper: Keeper | undefined,
    /** Where an earlier run was stopped. */
    readonly earlier: Checkpoint | null,
    private readonly held: FileLock | undefined,
    private readonly journals: ReadonlyMap<string, string>,
    /** Whether there is nothing to be kept but one output. */
    private readonly isSingle: boolean,
    /** The commits that revisions on the hub are taken to be. */
    readonly revisions: Revisions,
  ) {}

  /**
   * @throws SteerpipeError OUTPUT_LOCKED, RUN_UNFINISHED, RESUME_REFUSED
   */
  static async open(checked: Checked, settings: SessionSettings): Promise<Session> {
    const { keeping, limit } = settings
    const path = keptBy(checked)
    if (keeping === undefined || path === undefined) {
      if (keeping?.resume) throw notResumable(checked)
      return new Session(undefined, null, undefined, new Map(), true, new Map())
    }
    const held = await lockFirst(path, checked)
    try {
      const journals = journalsOf(checked)
      const definition = fingerprint(checked, limit)
      const earlier = keeping.resume ? await readCheckpoint(path) : null
      if (earlier) compare(earlier.definition, definition, path)
      if (!keeping.resume) {
        const isForced = settings.force === true || checked.pipeline.overwrite
        await beginAnew(path, [...journals.values()], isForced)
      }
      const revisions = new Map(Object.entries(earlier?.revisions ?? {}))
      const keeper = new Keeper(path, definition, keeping.every, earlier, revisions)
      const isSingle =
        plannedOutputs(checked.pipeline, checked.inputs).length === 1 && settings.aside?.path === undefined
      const session = new Session(keeper, earlier, held, journals, isSingle, revisions)
      if (earlier) keeping.onResume?.(describe(earlier))
      return session
    } catch (error) {
      held.release()
      throw error
    }
  }

  /** Whether the run ends in a moment: with one output, which gets its name, and no answers that are to go then. */
  get endsAtOnce(): boolean {
    return this.isSingle && ![...this.journals.values()].some((journal) => existsSync(journal))
  }

  /** Seconds that earlier runs took for what is not done again. */
  get secondsBefore(): number {
    const { whole = [], reading } = this.earlier ?? {}
    return whole.reduce((sum, { seconds }) => sum + seconds, reading?.seconds ?? 0)
  }

  /** Where the answers of a stage are kept, if they are. @param number of the stage among the input's, from 0 */
  journalOf(input: string, number: number): string | undefined {
    const journal = this.journals.get(input)
    return journal === undefined || number === 0 ? journal : `${journal}-${number + 1}`
  }

  /** What was done with an input that an earlier run has come to the end of; undefined if none has. */
  async doneBefore(input: OpenInput): Promise<InputReport | undefined> {
    const whole = this.earlier?.whole.find((done) => done.input === input.name)
    if (whole === undefined) return undefined
    await checkSources(input, whole.sources)
    for (const { outputs } of whole.stages) for (const { path } of outputs) await publish(path)
    return reportOf(input, whole)
  }

  /** The run has come to its end: nothing is left to go on with. */
  async finish(): Promise<void> {
    // The checkpoint goes last: until then it says that all else is done.
    for (const journal of this.journals.values()) await removeJournals(journal)
    await this.keeper?.remove()
    this.held?.release()
  }

  /** The run has failed, or was interrupted. */
  async abandon(): Promise<void> {
    await this.keeper?.idle().catch(() => {}) // the run has failed already
    this.held?.release()
  }
}

function notResumable({ pipeline, inputs }: Checked): SteerpipeError {
  const stream = plannedOutputs(pipeline, inputs).find(({ path }) => isStream(path))
  const name = stream?.path === '-' ? 'stdout' : (stream?.path ?? 'an output')
  return new SteerpipeError('RESUME_REFUSED', {
    found: `\`--resume\` with ${name}: what was written there cannot be taken back`,
    expected: 'outputs that are files',
    fix: 'Write to a file, or leave `--resume` out.',
  })
}

async function lockFirst(path: string, { pipeline, inputs }: Checked): Promise<FileLock> {
  const [first] = plannedOutputs(pipeline, inputs)
  try {
    await mkdir(dirname(path), { recursive: true })
    return await lock(path, first.path)
  } catch (error) {
    throw writeError(error, first.path)
  }
}

/** @throws SteerpipeError RUN_UNFINISHED if there is something that would be lost */
async function beginAnew(path: string, journals: readonly string[], isForced: boolean): Promise<void> {
  const left = [path, ...journals].filter((file) => sizeOf(file) > 0)
  if (left.length > 0 && !isForced) {
    throw new SteerpipeError('RUN_UNFINISHED', {
      found: `an earlier run was stopped, and has left ${left.join(', ')}`,
      place: { input: path },
    })
  }
  await removeDurably(path)
  for (const journal of journals) await removeJournals(journal)
}

async function removeJournals(journal: string): Promise<void> {
  await rm(journal, { force: true })
  for (let number = 2; existsSync(`${journal}-${number}`); number++) await rm(`${journal}-${number}`)
}

/** @throws SteerpipeError RESUME_REFUSED */
function compare(before: unknown, now: unknown, path: string): void {
  const found = difference(before, now)
  if (found === undefined) return
  throw new SteerpipeError('RESUME_REFUSED', {
    found: `the definition is not the one that the run began with: ${found}`,
    expected: 'nothing that changes the output to differ',
    place: { input: path },
  })
}

/** @throws SteerpipeError RESUME_REFUSED for an input that is not what it was when it was read */
export async function checkSources(
  input: OpenInput,
  sources: readonly (readonly SavedFile[])[],
): Promise<void> {
  for (const [index, files] of sources.entries()) {
    for (const [number, read] of files.entries()) await checkFile(input.sources[index]?.files[number], read)
  }
}

/** @throws SteerpipeError RESUME_REFUSED */
export async function checkFile(file: string | undefined, read: SavedFile): Promise<void> {
  if (file === undefined) {
    throw new SteerpipeError('RESUME_REFUSED', {
      found: 'this was read, and is not among the inputs any more',
      place: { input: read.path },
    })
  }
  // What came through a pipe need not come again when it was read to its end.
  if (file === '-') return
  await checkRead(readBytes(file), read, read.isWhole, file)
}

/** Gives an output that is whole its name, if it does not have it yet. */
async function publish(path: string): Promise<void> {
  const partial = partialName(path)
  if (!existsSync(partial) && !existsSync(path)) {
    throw new SteerpipeError('RESUME_REFUSED', {
      found: 'this output was written, and is gone',
      place: { input: path },
    })
  }
  try {
    // The run that wrote it may have been killed before it could remove its lock.
    const held = await lock(path)
    try {
      if (!existsSync(partial)) return
      await rename(partial, path)
      await syncFolder(dirname(path))
    } finally {
      held.release()
    }
  } catch (error) {
    throw writeError(error, path)
  }
}

function reportOf({ sources, name }: OpenInput, { bytes, seconds, stages }: SavedWhole): InputReport {
  return {
    input: name,
    files: sources.flatMap(({ files }) => files),
    bytes,
    seconds,
    stages: stages.map(({ stage, counters: saved, outputs }) => {
      const counters = new Counters()
      counters.restore(saved)
      return { stage, counters, outputs }
    }),
  }
}

/** Where a run goes on, for people. */
function describe({ whole, reading }: Checkpoint): string[] {
  const done = whole.map(({ input }) => `\`${input}\` is done`)
  const at = reading?.sources.at(-1)?.at(-1)
  if (reading && at) {
    const passed = showBytes(reading.bytes)
    done.push(
      `\`${reading.input}\` goes on at ${at.path}:${at.lines + 1} (${passed} are read again, to see that they are the same)`,
    )
  }
  return done
}
