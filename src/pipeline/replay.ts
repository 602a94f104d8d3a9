import { SteerpipeError } from '../errors.js'
import { MergedOutput } from '../storage/merged-output.js'
import type { Output } from '../storage/output.js'
import type { Checked } from './check.js'
import type { DeadLetter } from './dead-letter.js'
import type { OpenInput, OpenSource } from './inputs.js'
import { letterKey, readLetters } from './letters.js'
import { plannedOutputs } from './outputs.js'
import type { Pipeline, StageUse } from './pipeline.js'

/** What is told of a record that was set aside, without the record. */
type Told = Pick<DeadLetter, 'name' | 'input' | 'tries' | 'at'>

/** The records that a run has set aside, to be run again. */
export class Replay {
  private constructor(
    private readonly file: string,
    private readonly letters: ReadonlyMap<string, Told>,
  ) {}

  /** @throws SteerpipeError for what cannot be read, and WRONG_RECORD for what no run has set aside */
  static async open(file: string): Promise<Replay> {
    const letters = new Map<string, Told>()
    for await (const letter of readLetters(file)) {
      const { name, input, tries, at } = letter
      letters.set(letterKey(letter), { name, input, tries, at })
    }
    return new Replay(file, letters)
  }

  get size(): number {
    return this.letters.size
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
    const sources = input.sources.map((source, index): OpenSource => {
      const holds = (letter: DeadLetter) => letter.name === input.name && sourceOf.get(letter.input) === index
      return { ...source, files: [this.file], holds }
    })
    const { interleave: _, ...rest } = input
    return { ...rest, sources }
  }

  /** The source that a file was read by. */
  private sourceOf(file: string, { name, sources }: OpenInput): number {
    if (sources.length === 1) return 0
    const index = sources.findIndex(({ from, files }) => from === file || files.includes(file))
    if (index >= 0) return index
    throw new SteerpipeError('USAGE', {
      found: `records of ${file}, which is not among the sources of the input \`${name}\` any more`,
      expected: sources.map(({ from }) => from).join(', '),
      fix: 'Give the sources the paths that they had when the records were set aside.',
      place: { input: this.file },
    })
  }

  /**
   * Opens outputs that are there already, to put what is made of the records back into its place.
   *
   * @param into one of the outputs, or where the only one is now; undefined for all of them
   * @throws SteerpipeError MERGE_REFUSED, USAGE
   */
  merging(
    { pipeline, inputs }: Checked,
    into: string | undefined,
  ): (path: string) => Promise<Output> | undefined {
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
    return (path) => {
      if (into !== undefined && !isMoved && path !== into) return undefined
      return MergedOutput.open(path, into ?? path, (place) =>
        place === undefined ? undefined : this.letters.get(letterKey(place))?.at[path],
      )
    }
  }

  /** @throws SteerpipeError MERGE_REFUSED where the place of a record hangs on others */
  private checkOrder(pipeline: Pipeline, inputs: readonly OpenInput[]): void {
    const uses = inputs.flatMap(({ sources, stages }) => [
      ...sources.flatMap((source) => source.stages),
      ...stages,
    ])
    const counting = [...uses, ...pipeline.stages].find(hangsOnOthers)
    const unplaced = [...this.letters.values()].filter(({ at }) => Object.keys(at).length === 0).length
    if (counting === undefined && unplaced === 0) return
    const found = counting
      ? `\`${counting.spec.name}\` is among the stages: what becomes of a record, and where, hangs on the others`
      : `of ${unplaced} records it is not known where in the outputs they belong: they were set aside by a run that mixes its sources, or came after the last \`write\``
    throw new SteerpipeError('MERGE_REFUSED', { found, place: counting?.place ?? { input: this.file } })
  }
}

const hangsOnOthers = ({ spec, options }: StageUse): boolean =>
  !spec.keepsOrder || spec.counts?.(options) === true

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
