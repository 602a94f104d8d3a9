import { existsSync } from 'node:fs'
import { SteerpipeError } from '../errors.js'
import type { OutputPoint } from '../records/left-out.js'
import { MergedOutput, type PointOf, UntouchedOutput } from '../storage/merged-output.js'
import type { Output } from '../storage/output.js'
import { withoutRevision } from '../storage/remote/address.js'
import { isSpecial } from '../storage/sink.js'
import type { Checked } from './check.js'
import type { DeadLetter } from './dead-letter.js'
import type { OpenInput, OpenSource } from './inputs.js'
import { letterKey, placeKey, readLetters } from './letters.js'
import { plannedOutputs } from './outputs.js'
import type { Pipeline, StageUse } from './pipeline.js'

/** What is told of a record that was set aside, without the record. */
interface Told extends Pick<DeadLetter, 'name' | 'input' | 'tries' | 'at'> {
  /** How often it is still to be read. */
  left: number
}

type Points = Readonly<Record<string, OutputPoint>>

/** The records that a run has set aside, to be run again. */
export class Replay {
  private constructor(
    private readonly file: string,
    /** How many records were set aside. */
    readonly size: number,
    private readonly letters: ReadonlyMap<string, Told>,
    /** Where records belong, by where they were read: of several inputs that read one file, in the outputs of all. */
    private readonly points: ReadonlyMap<string, Points>,
  ) {}

  /** @throws SteerpipeError for what cannot be read, and WRONG_RECORD for what no run has set aside */
  static async open(file: string): Promise<Replay> {
    const letters = new Map<string, Told>()
    const points = new Map<string, Points>()
    let size = 0
    for await (const letter of readLetters(file)) {
      const { name, input, tries, at } = letter
      letters.set(letterKey(letter), { name, input, tries, at, left: 1 })
      points.set(placeKey(letter), { ...points.get(placeKey(letter)), ...at })
      size++
    }
    return new Replay(file, size, letters, points)
  }

  /** How often a record was tried before. */
  triesOf(letter: DeadLetter): number {
    return this.letters.get(letterKey(letter))?.tries ?? 0
  }

  /**
   * The pipeline over these records alone, each as one of its own input and source.
   *
   * @throws SteerpipeError USAGE for records of an input that the definition does not have
   */
  over({ pipeline, inputs }: Checked): Checked {
    const known = new Map(inputs.map((input) => [input.name, input]))
    const files = new Map<string, Set<string>>()
    for (const { name, input } of this.letters.values()) {
      if (!known.has(name)) throw unknownInput(name, [...known.keys()], this.file)
      const ofInput = files.get(name) ?? new Set()
      files.set(name, ofInput.add(input))
    }
    const replayed = inputs.flatMap((input) => {
      const read = files.get(input.name)
      return read ? this.overInput(input, [...read]) : []
    })
    return { pipeline, inputs: replayed }
  }

  private overInput(input: OpenInput, files: readonly string[]): OpenInput {
    const sourceOf = new Map(files.map((file) => [file, this.sourceOf(file, input)]))
    for (const told of this.letters.values()) {
      if (told.name === input.name) told.left = Math.max(1, timesRead(told.input, input)) // a pattern may match it no more
    }
    const sources = input.sources.map((source, index): OpenSource => {
      const holds = (letter: DeadLetter) =>
        letter.name === input.name && sourceOf.get(letter.input) === index && this.isWanted(letter)
      const readFrom = files.filter((file) => sourceOf.get(file) === index)
      return { ...source, files: [this.file], holds, readFrom }
    })
    const { interleave: _, ...rest } = input
    return { ...rest, sources }
  }

  /**
   * Whether a record is to be read. One that was made into several (by `repeat`, or a tree's conversations) may have
   * been set aside several times; read once it is made into all of them again.
   */
  private isWanted(letter: DeadLetter): boolean {
    const told = this.letters.get(letterKey(letter))
    return told !== undefined && told.left-- > 0
  }

  /** The source that a file was read by. */
  private sourceOf(file: string, { name, sources }: OpenInput): number {
    if (sources.length === 1) return 0
    const reading = sources.filter((source) => reads(source, file))
    if (reading.length > 1 && reading.some(({ parse, stages }) => parse !== undefined || stages.length > 0)) {
      throw new SteerpipeError('USAGE', {
        found: `records of ${file}, which several sources of the input \`${name}\` read, each in its own way`,
        expected: 'one source that reads it, so that one knows which stages its records are for',
        fix: 'Make them inputs of their own.',
        place: { input: this.file },
      })
    }
    if (reading.length > 0) return sources.indexOf(reading[0])
    throw new SteerpipeError('USAGE', {
      found: `records of ${file}, which is not among the sources of the input \`${name}\` any more`,
      expected: sources.map(({ from }) => from).join(', '),
      fix: 'Give the sources the paths that they had when the records were set aside.',
      place: { input: this.file },
    })
  }

  /**
   * Outputs that are there already, to put what is made of the records back into its place.
   *
   * @param into one of the outputs, or where the only one is now; undefined for all of them
   * @throws SteerpipeError MERGE_REFUSED, USAGE
   */
  merging({ pipeline, inputs }: Checked, into: string | undefined): Merge {
    const planned = plannedOutputs(pipeline, inputs).map(({ path }) => path)
    const isMoved = into !== undefined && planned.length === 1
    if (into !== undefined && !isMoved && !planned.includes(into)) {
      throw new SteerpipeError('USAGE', {
        found: `\`--merge-into ${into}\`: the pipeline does not write this`,
        expected: planned.join(', '),
        fix: 'Name one of its outputs, or none for all of them.',
      })
    }
    this.checkOrder(pipeline, inputs)
    // A run with `--output` has called its only one as it is called now.
    this.checkOutputs(isMoved ? [...planned, into] : planned, into)
    return new Merge(async (path) => {
      const pointOf: PointOf = (place) => {
        const points = place && this.points.get(placeKey(place))
        return points && (points[path] ?? (isMoved ? points[into] : undefined))
      }
      if (into !== undefined && !isMoved && path !== into) return new UntouchedOutput(path, pointOf)
      return MergedOutput.open(path, into ?? path, pointOf, this.lastPoint(isMoved ? [path, into] : [path]))
    })
  }

  /** Where the last of the records belongs in an output, by any of its names; undefined if none does. */
  private lastPoint(names: readonly string[]): OutputPoint | undefined {
    let last: OutputPoint | undefined
    for (const { at } of this.letters.values()) {
      const point = names.flatMap((name) => at[name] ?? []).at(0)
      if (point !== undefined && point.bytes >= (last?.bytes ?? 0)) last = point
    }
    return last
  }

  /** @throws SteerpipeError MERGE_REFUSED where the place of a record hangs on others */
  private checkOrder(pipeline: Pipeline, inputs: readonly OpenInput[]): void {
    const uses = inputs.flatMap(({ sources, stages }) => [
      ...sources.flatMap((source) => source.stages),
      ...stages,
    ])
    const counting = [...uses, ...pipeline.stages].find(hangsOnOthers)
    if (counting !== undefined) {
      const found = `\`${counting.spec.name}\` is among the stages: what becomes of a record, and where, hangs on the others`
      throw new SteerpipeError('MERGE_REFUSED', { found, place: counting.place ?? { input: this.file } })
    }
    const twice = [...this.letters.values()].find(({ left }) => left > 1)
    if (twice !== undefined) {
      throw new SteerpipeError('MERGE_REFUSED', {
        found: `${twice.input} is read more than once by the input \`${twice.name}\`: where its records belong cannot be told apart`,
        place: { input: this.file },
      })
    }
    const shared = [...this.letters.values()].find(({ at }) =>
      Object.values(at).some((point) => point.shared),
    )
    if (shared !== undefined) {
      throw new SteerpipeError('MERGE_REFUSED', {
        found: `of a record of ${shared.input} only some of what was made of it was left out: the rest is in the outputs already`,
        fix: 'Mend the input, and run again over all of it: files of their own would hold the rest a second time.',
        place: { input: this.file },
      })
    }
    const unplaced = [...this.letters.values()].filter(({ at }) => Object.keys(at).length === 0).length
    if (unplaced === 0) return
    throw new SteerpipeError('MERGE_REFUSED', {
      found: `of ${unplaced} records it is not known where in the outputs they belong: they were set aside by a run that mixes its sources, or came after the last \`write\``,
      place: { input: this.file },
    })
  }

  /** @throws SteerpipeError MERGE_REFUSED for outputs that are not those that the records were left out of */
  private checkOutputs(planned: readonly string[], into: string | undefined): void {
    for (const { at } of this.letters.values()) {
      const other = Object.keys(at).find((path) => !planned.includes(path))
      if (other === undefined) continue
      throw new SteerpipeError('MERGE_REFUSED', {
        found: `there are records that belong into ${other}, which the pipeline does not write`,
        expected: planned.join(', '),
        fix: 'Give the file of bad records of the run that wrote these outputs, and the same `--set`; or leave `--merge-into` out.',
        place: { input: this.file },
      })
    }
    for (const path of into === undefined ? planned : [into]) {
      if (path !== '-' && existsSync(path) && !isSpecial(path)) continue
      throw new SteerpipeError('MERGE_REFUSED', {
        found: path === '-' || existsSync(path) ? 'this is no file' : 'this output is not there',
        expected: 'the output as the run has left it',
        place: { input: path },
      })
    }
  }
}

/** The outputs that records are put back into. They take the places of the old ones together, when the run is done. */
export class Merge {
  private readonly outputs: MergedOutput[] = []

  constructor(private readonly openOne: (path: string) => Promise<MergedOutput | UntouchedOutput>) {}

  /** Opens an output that is there already. @throws SteerpipeError as `openOutput` */
  readonly open = async (path: string): Promise<Output> => {
    const output = await this.openOne(path)
    if (output instanceof MergedOutput) this.outputs.push(output)
    return output
  }

  /** Replaces the old outputs. @throws SteerpipeError WRITE_FAILED */
  async commit(): Promise<void> {
    for (const output of this.outputs) await output.publish()
  }

  /** Leaves the old outputs as they are. */
  async abandon(): Promise<void> {
    for (const output of this.outputs) await output.abandon()
  }
}

const hangsOnOthers = ({ spec, options }: StageUse): boolean =>
  !spec.keepsOrder || spec.counts?.(options) === true

const reads = ({ from, files }: OpenSource, file: string): boolean =>
  [from, ...files].some((each) => withoutRevision(each) === withoutRevision(file))

/** How often a file is read by an input, also if it is not there any more. */
const timesRead = (file: string, { sources }: OpenInput): number =>
  sources.filter((source) => reads(source, file)).length

function unknownInput(name: string, known: readonly string[], file: string): SteerpipeError {
  return new SteerpipeError('USAGE', {
    found: `records of the input \`${name}\`, which the pipeline does not have`,
    expected: known.join(', '),
    fix: 'Give the pipeline file that the run had.',
    place: { input: file },
  })
}

/** The pipeline with other names for what it writes: `train.jsonl` is `train.replayed.jsonl`. */
export function withReplayedNames({ pipeline, inputs }: Checked): Checked {
  const renamed = (use: StageUse): StageUse => {
    const { to } = use.options
    if (use.spec.name !== 'write' || typeof to !== 'string' || to === '-') return use
    return { ...use, options: { ...use.options, to: replayedName(to) } }
  }
  return {
    pipeline: { ...pipeline, stages: pipeline.stages.map(renamed) },
    inputs: inputs.map((input) => ({
      ...input,
      stages: input.stages.map(renamed),
      sources: input.sources.map((source) => ({ ...source, stages: source.stages.map(renamed) })),
    })),
  }
}

/** What is made of records that are run again goes beside what the run has written. */
export function replayedName(path: string): string {
  const plain = path.replace(/\$\{[^}]*\}/g, (reference) => '_'.repeat(reference.length))
  const dot = plain.indexOf('.', path.lastIndexOf('/') + 2)
  return dot < 0 ? `${path}.replayed` : `${path.slice(0, dot)}.replayed${path.slice(dot)}`
}
