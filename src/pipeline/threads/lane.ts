import { readSync } from 'node:fs'
import { SteerpipeError } from '../../errors.js'
import { Counters } from '../../observe/counters.js'
import { Batch } from '../../records/batch.js'
import { ByteWriter } from '../../records/byte-writer.js'
import { CELL_BYTES } from '../../records/bytes.js'
import type { MakeAhead } from '../../records/direct.js'
import type { LeftOut } from '../../records/left-out.js'
import { Mark } from '../../records/mark.js'
import type { PackedUnits } from '../../records/packed-units.js'
import { RawLines } from '../../records/raw-lines.js'
import { Tape } from '../../records/tape.js'
import { ErrorPolicy, type StageSettings } from '../../stages/policy.js'
import type { Stage } from '../../stages/stage.js'
import { findStage } from '../../stages/table.js'
import { Intake } from '../../stages/units.js'
import { CollectedOutput } from '../../storage/collected-output.js'
import { readError } from '../../storage/input.js'
import { JsonLinesReader } from '../../storage/json-lines.js'
import { unpack, unpackMixed } from '../../storage/packed-units.js'
import { RawUnits } from '../../storage/raw-units.js'
import type { Scan } from '../../storage/record-reader.js'
import { type DirectRow, directRow } from '../direct/row.js'
import {
  type LinesTask,
  type MadeLines,
  memoryOf,
  type ReadRegion,
  type RegionTask,
  type RowPlan,
  type SavedError,
  type SavedLeftOut,
  saveError,
  type Task,
  type TaskResult,
  type UnitsTask,
} from './messages.js'

/**
 * Bytes that are read, and scanned, at a time: a region as a rule. (In two halves the regression recipe takes a tenth
 * longer: much of what a batch costs it costs whatever its size.)
 */
const READ_BYTES = CELL_BYTES

/** Bytes that are read behind a region, to find the end of its last line. */
const BEHIND_BYTES = 16 * 1024

/** Bytes that memory for lines begins with: what a usual region is written as. */
const ROOM_BYTES = 1024 * 1024

const LINE_END = 0x0a

/** An output of a stage of the row. */
interface Collected {
  readonly stage: number
  readonly output: CollectedOutput
}

/**
 * A row of stages, from bytes to lines, on a thread of its own. Tasks come one after the other; nothing that one of
 * them has left behind is there for the next.
 */
export class Lane {
  private readonly parsed = new Counters()
  private readonly policy: ErrorPolicy
  private readonly intake: Intake
  private readonly stages: readonly Stage[]
  private readonly outputs: Collected[] = []
  /** Of the records of a task: a new one for each would be most of a thread's garbage. */
  private readonly tape = new Tape()
  /** The row from bytes to bytes, if there is such a way. */
  private readonly direct: DirectRow | undefined
  private readonly rawUnits = new RawUnits()
  private reader: JsonLinesReader | undefined
  /** What the reader reads. */
  private input = ''
  private memory: ArrayBuffer[] = []
  private leftOut: LeftOut[] = []
  private told: SavedError[] = []
  /** What ended the row, if something has. */
  private failure: SteerpipeError | undefined

  constructor(private readonly plan: RowPlan) {
    const settings: StageSettings = {
      onError: plan.onError,
      setAside: plan.setAside,
      ...(plan.tells && { onLeftOut: (error) => this.told.push(saveError(error)) }),
    }
    this.policy = new ErrorPolicy(this.parsed, settings)
    this.intake = new Intake('parse', this.parsed, this.policy, 1)
    this.stages = plan.stages.map(({ name, options, parts }, number) => {
      const spec = findStage(name)
      if (spec === undefined) throw new Error(`there is no stage ${name}`)
      return spec.create(options, {
        ...settings,
        ...(parts && { parts }),
        commitLater: true,
        inOrder: plan.inOrder,
        openOutput: async (path) => this.open(path, number),
      })
    })
    // Where what is left out has its place among the lines, only the stages know.
    if (!plan.setAside) this.direct = directRow(this.stages, (stage, path) => this.linesOf(stage, path))
  }

  private open(path: string, stage: number): CollectedOutput {
    const output = new CollectedOutput(path, () => {
      const memory = this.memory.pop()
      return new ByteWriter(memory ? Buffer.from(memory) : ROOM_BYTES)
    })
    this.outputs.push({ stage, output })
    return output
  }

  /** What the lines of an output of a stage are written into. */
  private linesOf(of: Stage, path: string): ByteWriter {
    const found = this.outputs.find(({ stage, output }) => this.stages[stage] === of && output.path === path)
    if (found === undefined) throw new Error('a stage without this output')
    return found.output.lines
  }

  /**
   * Works on a task.
   *
   * @param memory to write lines into; it need not be enough
   * @returns what has become of it, an error of the data included
   * @throws what is a defect, or the system's
   */
  run(task: Task, memory: ArrayBuffer[]): Promise<TaskResult> {
    return this.doing(memory, memoryOf(task).at(0), async () => {
      const read = await this.work(task)
      if (this.plan.setAside) await this.passMark()
      return read
    })
  }

  private async work(task: Task): Promise<ReadRegion> {
    if (task.kind === 'region') return this.readRegion(task)
    if (task.kind === 'lines') return this.readLines(task)
    await this.giveUnits(task)
    return NOTHING_READ
  }

  /** Has the stages do what they do at the end, for whoever has had all tasks done here. As {@link run}. */
  end(memory: ArrayBuffer[]): Promise<TaskResult> {
    return this.doing(memory, undefined, async () => {
      for (const [index, stage] of this.stages.entries())
        await stage.workEnd((batch) => this.through(index + 1, batch))
      return NOTHING_READ
    })
  }

  /** What has become of some work. @param input memory that was handed over with it */
  private async doing(
    memory: ArrayBuffer[],
    input: ArrayBuffer | undefined,
    work: () => Promise<ReadRegion>,
  ): Promise<TaskResult> {
    this.memory = memory
    this.tape.length = 0
    let error: SteerpipeError | null = null
    let read: ReadRegion = NOTHING_READ
    try {
      read = await work()
    } catch (failure) {
      if (!(failure instanceof SteerpipeError)) throw failure
      error = failure
    }
    return this.result(input, read, error)
  }

  /** Makes lines of records before it is their turn, if the stages' work is such. */
  get makeAhead(): MakeAhead | undefined {
    return this.direct?.makeAhead
  }

  /** Reads the lines that begin in a region. */
  private async readRegion(task: RegionTask): Promise<ReadRegion> {
    const { file, from, to = Number.POSITIVE_INFINITY, hash } = task
    const cells: Uint8Array[] = []
    const reader = this.begin(task, task.isInside, hash, cells)
    const readTo = (end: number | undefined, lines: number, fileEnd?: number): ReadRegion => ({
      end,
      lines: end === undefined ? 0 : lines,
      cells,
      hash: hash && reader.hashState,
      fileEnd,
    })
    let { isInside } = task
    for (let at = from; ; ) {
      // The end of the last line comes with the last piece, as a rule.
      const left = to - at
      const wanted = left > READ_BYTES ? READ_BYTES : Math.max(left, 0) + BEHIND_BYTES
      const room = reader.room(wanted)
      const count = readAt(file, room, at, task.input)
      if (count === 0) {
        // Half a line is no record, and nothing is said of it either.
        if (at < task.size) return readTo(undefined, 0, at)
        const scan = reader.end()
        this.reader = undefined // its memory may go to another one
        const read = readTo(isInside ? undefined : at, reader.lines, at)
        await this.take(scan)
        return read
      }
      const lineEnd = endOfLine(room.subarray(0, count), left)
      const used = lineEnd < 0 ? count : lineEnd
      isInside &&= !room.subarray(0, used).includes(LINE_END)
      await this.fill(reader, used)
      at += used
      if (lineEnd >= 0) return readTo(at, reader.position?.lines ?? 0)
      // No line begins in it: the one that it lies in is another region's.
      if (isInside && at >= to) return readTo(undefined, 0)
    }
  }

  private async readLines(task: LinesTask): Promise<ReadRegion> {
    const { bytes, from } = task
    const reader = this.begin(task, false, undefined)
    for (let at = 0; at < bytes.length; at += READ_BYTES) {
      const piece = bytes.subarray(at, at + READ_BYTES)
      reader.room(piece.length).set(piece)
      await this.fill(reader, piece.length)
    }
    // The last line of a stream may have no end.
    const rest = reader.end()
    this.reader = undefined // its memory may go to another one
    const { lines } = reader
    await this.take(rest)
    return { ...NOTHING_READ, end: from + bytes.length, lines }
  }

  private async giveUnits({ packed, before, total, isTied }: UnitsTask): Promise<void> {
    const { direct, rawUnits } = this
    await direct?.begin(before, total)
    if (direct !== undefined && packed.ahead > 0) return this.giveMixed(packed, total, direct)
    const raw = !isTied && direct?.pays() === true ? rawUnits.read(packed) : undefined
    if (direct === undefined || raw === undefined) {
      // What a stage holds for later needs a tape that the next task does not use.
      const batch = unpack(packed, isTied ? undefined : this.tape)
      batch.before = before
      batch.total = total
      return this.give(batch)
    }
    await direct.work(raw, (index) => this.give(rawUnits.batchOf(packed, index)))
  }

  /** Has the stages work on those records of which nothing was made ahead. */
  private async giveMixed(packed: PackedUnits, total: number | null, direct: DirectRow): Promise<void> {
    for (const each of unpackMixed(packed)) {
      if (each instanceof Batch) {
        each.total = total
        await this.give(each)
      } else {
        if (this.holdsBack) await this.release()
        direct.take(each, each.lines)
      }
    }
  }

  private get holdsBack(): boolean {
    for (const stage of this.stages) if (stage.holdsBack) return true
    return false
  }

  /** Ends what stages hold back: what was made ahead stands by itself. */
  private async release(): Promise<void> {
    for (const [index, stage] of this.stages.entries())
      await stage.release((batch) => this.through(index + 1, batch))
  }

  private begin(
    { input, from }: RegionTask | LinesTask,
    isInside: boolean,
    hash: RegionTask['hash'],
    cells?: Uint8Array[],
  ): JsonLinesReader {
    if (this.reader === undefined || this.input !== input) {
      this.input = input
      this.reader = new JsonLinesReader({ input, maxLineBytes: this.plan.maxLineBytes, tape: this.tape })
    }
    this.reader.begin({ bytes: from, lines: 0 }, isInside, hash, cells)
    return this.reader
  }

  /** Works on bytes that were put into the reader's room. */
  private async fill(reader: JsonLinesReader, count: number): Promise<void> {
    if (this.direct?.pays() !== true) return this.take(reader.filled(count))
    await this.direct.begin(null, null)
    const read = reader.filledRaw(count)
    if (!(read instanceof RawLines)) return this.take(read)
    this.parsed.in += read.count
    this.parsed.out += read.count
    await this.direct.work(read, (index) => {
      read.go(index)
      return this.give(new Batch([reader.recordAt(read)]))
    })
    reader.doneWith(read)
  }

  /** Gives what was read to the first stage. Resolves when that is done with it. */
  private async take(scan: Scan): Promise<void> {
    const batch = this.intake.take(scan)
    batch.leftOut = this.policy.taken()
    await this.give(batch)
  }

  /**
   * Resolves when the row is done with a batch. The stages are not connected: what streams do for a batch takes some
   * 0.05 ms, a twentieth of what its records take. @throws SteerpipeError behind the good records
   */
  private async give(batch: Batch): Promise<void> {
    if (this.failure) throw this.failure
    await this.through(0, batch)
  }

  private async through(stage: number, batch: Batch): Promise<void> {
    if (stage < this.stages.length)
      return this.stages[stage].work(batch, (made) => this.through(stage + 1, made))
    for (const each of batch.leftOut) this.leftOut.push(each)
    if (batch.error === null) return
    this.failure = batch.error
    throw batch.error
  }

  /** What stages have kept back of what was left out has its place by then. */
  private passMark(): Promise<void> {
    const last = new Batch([])
    last.mark = new Mark(true)
    return this.give(last)
  }

  private result(input: ArrayBuffer | undefined, read: ReadRegion, error: SteerpipeError | null): TaskResult {
    const made: MadeLines[] = this.outputs.map(({ stage, output }) => ({
      stage,
      path: output.path,
      lines: linesOf(output),
    }))
    const { leftOut, told, memory } = this
    this.leftOut = []
    this.told = []
    this.memory = []
    return {
      counters: [this.parsed, ...this.stages.map(({ counters }) => counters)].map((each) => each.take()),
      made,
      leftOut: leftOut.map(saveLeftOut),
      told,
      error: error && saveError(error),
      read,
      memory,
      input,
    }
  }

  /** Ends the row. What it is at goes on to its end, and comes to nothing. */
  close(): void {
    for (const stage of this.stages) stage.destroy()
  }
}

const NOTHING_READ: ReadRegion = { end: undefined, lines: 0, cells: [], hash: undefined, fileEnd: undefined }

/** What an output has collected. A writer's memory is all of its buffer, from the start. */
function linesOf(output: CollectedOutput): MadeLines['lines'] {
  const lines = output.take()
  return lines && new Uint8Array(lines.buffer as ArrayBuffer, lines.byteOffset, lines.length) // never shared memory
}

const saveLeftOut = ({ error, isPartner, place, isRecord, line, at }: LeftOut): SavedLeftOut => ({
  error: error && saveError(error),
  isPartner,
  place,
  isRecord,
  line,
  at: [...at].map(([path, { bytes, shared }]) => [path, bytes, shared === true] as const),
})

function readAt(file: number, into: Buffer, at: number, input: string): number {
  try {
    return readSync(file, into, 0, into.length, at)
  } catch (error) {
    throw readError(error, input, false, at)
  }
}

/** Where the first line ends that does so at `from` or behind it; -1 if none does. */
function endOfLine(bytes: Buffer, from: number): number {
  if (from >= bytes.length) return -1
  const at = bytes.indexOf(LINE_END, Math.max(from, 0))
  return at < 0 ? -1 : at + 1
}
