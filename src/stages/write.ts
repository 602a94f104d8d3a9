import { existsSync } from 'node:fs'
import * as z from 'zod'
import { isBehind, type Place, SteerpipeError } from '../errors.js'
import { AsciiLine } from '../records/ascii.js'
import { type AnyRecord, Batch, type Line, toBytes } from '../records/batch.js'
import type { LeftOut } from '../records/left-out.js'
import { LinesOutput, type Output, openOutput, type SavedOutput, savedOutput } from '../storage/output.js'
import { isSpecial } from '../storage/sink.js'
import { type Core, CoreRunner } from './core.js'
import { ALL_WIRES, type StageContext, stageSpec } from './spec.js'
import { Stage } from './stage.js'

const options = z.strictObject({
  to: z
    .string()
    .min(1)
    .optional()
    .describe(
      'The file, or `-` for stdout; `${part}` in it gives each part a file of its own; `.gz` at its end compresses. In scripts, without it, the stage gives bytes.',
    ),
  ascii: z
    .boolean()
    .default(false)
    .describe(
      'Escape every character outside of space to `~` in all texts, as Python’s `json.dumps` does by default.',
    ),
})

/** Records to bytes. */
export const writeSpec = stageSpec({
  name: 'write',
  summary: 'records to a file as JSON Lines, and on to the next stage',
  description:
    'A file is written beside its name (`NAME.partial`) and renamed when it is whole; when a run stops at a bad record, the good records before it stay there. Records pass on, so that one read can feed several files. Records that nothing has changed are written as they were read. stdout is written as it goes.',
  options,
  main: 'to',
  accepts: ALL_WIRES,
  emits: (input) => input,
  memory: () => 'constant',
  keepsOrder: true,
  alone: () => true,
  examples: [
    { title: 'One file an input', yaml: 'write: out/${input}.jsonl' },
    { title: 'One file a part', yaml: 'write: out/${part}.jsonl' },
  ],
  create: (given, context) =>
    given.to === undefined
      ? new BytesStage(given.ascii, context)
      : new WriteStage(given.to, given.ascii, context),
})

/** Batches to bytes, for whatever takes bytes. */
class BytesStage extends Stage {
  constructor(
    private readonly ascii: boolean,
    context: StageContext,
  ) {
    super('write', context, { readableObjectMode: false, readableHighWaterMark: 1 << 20 })
  }

  protected override handle(batch: Batch): Batch {
    this.counters.in += batch.records.length
    this.counters.out += batch.records.length
    return batch
  }

  protected override give(batch: Batch): void {
    if (batch.records.length > 0) this.push(toBytes(linesOf(batch.records, this.ascii)))
  }
}

/** Records as they are to be spelled. */
const linesOf = (records: readonly AnyRecord[], ascii: boolean): readonly Line[] =>
  ascii ? records.map((record) => new AsciiLine(record)) : records

const PART = '${part}'

const savedOutputs = z.array(savedOutput.extend({ path: z.string() }))

/** Batches to files, and on. */
export class WriteStage extends Stage {
  private readonly outputs = new Map<string, Output>()
  /** With `${part}` in the path: refuses records that belong to none. */
  private readonly parts: CoreRunner<AnyRecord, AnyRecord> | null
  /** Records that were left out before, whose place in the outputs is not known yet. */
  private unplaced: LeftOut[] = []
  /** Where the record was read that was written last. */
  private latest: Place | undefined
  /** Where to go on, by the outputs' paths. */
  private from: ReadonlyMap<string, SavedOutput> = new Map()
  /** Resolves when the outputs are open. */
  private started: Promise<void> | undefined
  /** Resolves when the lines are with the outputs that were made elsewhere. */
  private taking: Promise<void> | undefined
  private settled = false

  constructor(
    private readonly to: string,
    private readonly ascii: boolean,
    private readonly context: StageContext,
  ) {
    const parts = to.includes(PART) ? new CoreRunner({ ...context, stage: 'write', open: requirePart }) : null
    super('write', context, parts ? { work: parts } : {})
    this.parts = parts
  }

  /** Whether it writes records as they are, so that lines that are made already can take their place. */
  get takesLines(): boolean {
    return !this.ascii
  }

  /** Whether each part has an output of its own. */
  get hasParts(): boolean {
    return this.parts !== null
  }

  /** The path of the output for a part. */
  pathFor(part: string): string {
    return this.to.replaceAll(PART, () => part)
  }

  /** The outputs: path and bytes of each. */
  get written(): readonly Pick<Output, 'path' | 'bytes'>[] {
    return [...this.outputs.values()]
  }

  protected override async handle(batch: Batch): Promise<Batch> {
    await this.start()
    const [first] = batch.records
    // A file that is named twice begins anew: what waits for its place is of the time before.
    if (this.latest && first && isBehind(this.latest, first.source.place)) await this.place(() => true)
    if (this.context.inOrder) {
      for (const each of this.leftOutBefore) {
        this.unplaced.push(each)
        each.unplaced++
      }
    }
    const written = this.parts ? this.parts.run(batch) : batch
    await this.writeAll(written.records)
    // What comes without records comes behind all those that it was among.
    if (batch.records.length === 0) await this.place(() => true)
    if (!this.parts) {
      this.counters.in += batch.records.length
      this.counters.out += batch.records.length
    }
    return written
  }

  /** Writes records, and learns on the way where those belong that were left out. */
  private async writeAll(records: readonly AnyRecord[]): Promise<void> {
    let start = 0
    for (let i = 0; i < records.length && this.unplaced.length > 0; i++) {
      const { place } = records[i].source
      if (!this.unplaced.some((leftOut) => leftOut.place && isBehind(place, leftOut.place))) continue
      await this.writeSome(records.slice(start, i))
      start = i
      await this.place((leftOut) => leftOut.place !== undefined && isBehind(place, leftOut.place))
    }
    await this.writeSome(start === 0 ? records : records.slice(start))
  }

  private async writeSome(records: readonly AnyRecord[]): Promise<void> {
    const last = records.at(-1)
    if (last === undefined) return
    this.latest = last.source.place
    if (!this.parts) return this.writeTo(this.to, records)
    for (const [part, ofPart] of groupByPart(records)) await this.writeTo(this.pathFor(part), ofPart)
  }

  /** Says of records that were left out that they belong here. */
  private async place(belongs: (leftOut: LeftOut) => boolean): Promise<void> {
    const placed = this.unplaced.filter(belongs)
    if (placed.length === 0) return
    this.unplaced = this.unplaced.filter((leftOut) => !belongs(leftOut))
    for (const leftOut of placed) {
      leftOut.unplaced--
      const isShared = this.latest !== undefined && isSamePlace(this.latest, leftOut.place)
      for (const output of this.outputs.values()) {
        const point = await output.pointFor(leftOut.place)
        if (point) leftOut.at.set(output.path, isShared ? { ...point, shared: true } : point)
      }
    }
  }

  /** What was left out before a mark has its place before it. */
  protected override beforeMark(): Promise<void> {
    return this.place(() => true)
  }

  protected override saved(): unknown {
    const saved = [...this.outputs.values()].map((output) => ({ path: output.path, saving: output.save() }))
    if (saved.some(({ saving }) => saving === undefined)) return undefined
    return Promise.all(saved.map(async ({ path, saving }) => ({ path, ...(await saving) })))
  }

  protected override takeBack(saved: unknown): void {
    this.from = new Map(savedOutputs.parse(saved).map(({ path, ...output }) => [path, output]))
  }

  protected override async finish(): Promise<Batch> {
    await this.start()
    await this.place(() => true)
    if (this.context.commitLater !== true) await this.commit()
    return new Batch([])
  }

  override async sync(): Promise<void> {
    for (const output of this.outputs.values()) await output.sync()
  }

  /** Ends the outputs: all is on the disk, under the names that they have until they are whole. */
  async finishOutputs(): Promise<void> {
    for (const output of this.outputs.values()) await output.finish()
  }

  /** Makes the outputs whole, under their final names. */
  async commit(): Promise<void> {
    this.settled = true
    const outputs = [...this.outputs.values()]
    for (const [index, output] of outputs.entries()) {
      try {
        await output.commit()
      } catch (error) {
        await Promise.all(outputs.slice(index).map((left) => left.abandon(true)))
        throw error
      }
    }
  }

  /** Leaves the outputs unfinished. @param keep whether what was written stays, as `NAME.partial` */
  async abandon(keep: boolean): Promise<void> {
    if (this.settled) return
    this.settled = true
    // An output may be on its way to being opened, lines to being written. (stdout may wait for its reader for ever.)
    if (this.to !== '-') await Promise.allSettled([this.idle(), this.started, this.taking])
    await Promise.all([...this.outputs.values()].map((output) => output.abandon(keep)))
  }

  /** Takes lines that were made elsewhere, by another stage like this one. @throws SteerpipeError WRITE_FAILED */
  takeLines(made: LinesMade): Promise<void> {
    this.taking = this.copyLines(made)
    return this.taking
  }

  /**
   * Writes lines that are made already to an output. Resolves when their memory is its owner's again.
   *
   * @throws SteerpipeError WRITE_FAILED
   */
  async writeLines(path: string, lines: Buffer): Promise<void> {
    await this.takeLines({ path, lines, points: [], onDone: () => {}, here: true })
    const output = this.outputs.get(path)
    if (output instanceof LinesOutput) await output.settled()
  }

  private async copyLines({ path, lines, points, onDone, here }: LinesMade): Promise<void> {
    await this.start()
    if (this.settled) return // whoever works elsewhere may not know yet
    const output = await this.output(path)
    if (!(output instanceof LinesOutput)) throw new Error('this output takes records only')
    let at = 0
    for (const { bytes, leftOut, isShared } of points) {
      if (bytes > at)
        await output.copy(lines.subarray(at, bytes), bytes === lines.length ? onDone : undefined, here)
      at = bytes
      const point = await output.pointFor()
      leftOut.at.set(path, isShared ? { ...point, shared: true } : point)
    }
    if (at < lines.length) await output.copy(lines.subarray(at), onDone, here)
    else if (lines.length === 0) onDone()
  }

  /**
   * Opens the outputs. Every one that can be known is there from the start, so that it exists at the end, if only
   * empty.
   */
  start(): Promise<void> {
    this.started ??= this.openAll()
    return this.started
  }

  private async openAll(): Promise<void> {
    const paths = this.parts ? (this.context.parts ?? []).map((part) => this.pathFor(part)) : [this.to]
    // An earlier run may have come upon parts that nobody has declared.
    for (const path of new Set([...paths, ...this.from.keys()])) {
      if (this.settled) return // whoever works elsewhere may not know yet
      await this.output(path)
    }
  }

  private async output(path: string): Promise<Output> {
    let output = this.outputs.get(path)
    if (output === undefined) {
      output = (await this.context.openOutput?.(path)) ?? (await this.newOutput(path))
      this.outputs.set(path, output)
    }
    return output
  }

  private newOutput(path: string): Promise<Output> {
    const { overwrite, inOrder, syncs = true, writesHere = false } = this.context
    if (path !== '-' && overwrite !== true && existsSync(path) && !isSpecial(path)) throw outputExists(path)
    const from = this.from.get(path)
    return openOutput(path, { from, checksum: inOrder === true, syncs, here: writesHere })
  }

  private async writeTo(path: string, records: readonly AnyRecord[]): Promise<void> {
    const output = await this.output(path)
    await output.write(linesOf(records, this.ascii))
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // A run says itself what becomes of its outputs.
    const ended = this.context.commitLater === true ? Promise.resolve() : this.abandon(true)
    ended.then(
      () => callback(error),
      (failure: Error) => callback(error ?? failure),
    )
  }
}

/** Lines that were made elsewhere, for one output. */
export interface LinesMade {
  readonly path: string
  readonly lines: Buffer
  /** Where among them records belong that were left out, in order. */
  readonly points: readonly LeftOutPoint[]
  /** Called when the lines' memory is its owner's again. */
  readonly onDone: () => void
  /** As for `Sink.write`. */
  readonly here: boolean
}

/** Where among lines a record belongs that was left out. */
export interface LeftOutPoint {
  /** Bytes of the lines that stand before it. */
  readonly bytes: number
  readonly leftOut: LeftOut
  /** Something else that was made of the same record stands right before it. */
  readonly isShared: boolean
}

/** The error for an output that is there already. */
export function outputExists(path: string): SteerpipeError {
  return new SteerpipeError('OUTPUT_EXISTS', {
    found: 'this output is there already',
    place: { input: path },
  })
}

/** Lets through what belongs to a part. */
const requirePart = (): Core<AnyRecord, AnyRecord> => (record, emit) => {
  if (record.part === null) {
    throw new SteerpipeError('WRONG_RECORD', {
      found: 'a record that belongs to no part, for an output with `${part}` in its name',
      expected: 'a stage that sets parts, such as `split`',
      fix: 'Leave `${part}` out of the path, or add the stage.',
    })
  }
  emit(record)
}

const isSamePlace = (place: Place, other: Place | undefined): boolean =>
  other !== undefined && !isBehind(place, other) && !isBehind(other, place)

function groupByPart(records: readonly AnyRecord[]): Map<string, AnyRecord[]> {
  const parts = new Map<string, AnyRecord[]>()
  for (const record of records) {
    const part = record.part ?? ''
    const list = parts.get(part)
    if (list) list.push(record)
    else parts.set(part, [record])
  }
  return parts
}
