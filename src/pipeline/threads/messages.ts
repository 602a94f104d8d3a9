/** What goes between the main thread and the others. All of it can be cloned; large memory is handed over. */
import { inspect } from 'node:util'
import { type ErrorCode, type Place, SteerpipeError } from '../../errors.js'
import type { SavedCounters } from '../../observe/counters.js'
import type { HashState } from '../../records/bytes.js'
import type { PackedUnits } from '../../records/packed-units.js'
import type { OnError } from '../../stages/policy.js'

/** A stage, as another thread can make it anew. */
export interface StagePlan {
  readonly name: string
  /** After validation. */
  readonly options: Readonly<Record<string, unknown>>
  /** The parts that are declared before it. */
  readonly parts: readonly string[] | undefined
}

/** A row of stages behind `parse`, and how records go through them. */
export interface RowPlan {
  readonly maxLineBytes: number
  readonly stages: readonly StagePlan[]
  readonly onError: OnError
  /** Hand over what is left out, not only its count. */
  readonly setAside: boolean
  /** Tell the errors of what is left out. */
  readonly tells: boolean
  /** Note where in the outputs belongs what is left out. */
  readonly inOrder: boolean
  /** Runs a module of the user's. */
  readonly hasUserCode: boolean
}

/** A region of a file, to be read by whoever works on it: the lines that begin in it. */
export interface RegionTask {
  readonly kind: 'region'
  readonly input: string
  /** The descriptor, which all threads share. */
  readonly file: number
  /** Where reading begins, in bytes of the file. */
  readonly from: number
  /** The region begins somewhere in a line, or right behind one: what comes before the next line is not its own. */
  readonly isInside: boolean
  /**
   * Where it ends: a line that begins here is its last one. Undefined for the end of the file, wherever that is by
   * then.
   */
  readonly to: number | undefined
  /** Bytes that the file had when it was opened: where it ends before, it was cut. */
  readonly size: number
  /** The hash of what is before it in its cell; undefined if nobody wants to know what was read. */
  readonly hash: HashState | undefined
}

/** Whole lines, in memory that is handed over. */
export interface LinesTask {
  readonly kind: 'lines'
  readonly input: string
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Bytes of the stream before them. */
  readonly from: number
}

/** Units that a stage has held, in memory that is handed over. */
export interface UnitsTask {
  readonly kind: 'units'
  readonly packed: PackedUnits
  /** How many units the stream has before them, and in all. */
  readonly before: number | null
  readonly total: number | null
  /** What becomes of a record may hang on those before it, which were given before. */
  readonly isTied: boolean
}

export type Task = RegionTask | LinesTask | UnitsTask

/** A task, with memory to write into. */
export interface TaskMessage {
  readonly task: Task
  readonly memory: ArrayBuffer[]
}

/** The memory that is handed over with a task. */
export function memoryOf(task: Task): ArrayBuffer[] {
  if (task.kind === 'lines') return [task.bytes.buffer]
  return task.kind === 'units' ? [task.packed.bytes] : []
}

/** An error on its way to another thread. */
export interface SavedError {
  readonly code: ErrorCode
  readonly found: string
  readonly expected: string | undefined
  readonly fix: string
  readonly place: Place | undefined
  readonly stage: string | undefined
  readonly cause: unknown
  readonly tries: number
}

/** Lines that a stage has made for one of its outputs. */
export interface MadeLines {
  /** The stage's number in the row. */
  readonly stage: number
  readonly path: string
  /** Undefined if it has made none. */
  readonly lines: Uint8Array<ArrayBuffer> | undefined
}

/** What was left out. Lines in its place are counted from the task's first one. */
export interface SavedLeftOut {
  readonly error: SavedError | null
  readonly isPartner: boolean
  readonly place: Place | undefined
  readonly isRecord: boolean
  readonly line: string | null
  /** Where it belongs in what was made for the outputs, by their paths. */
  readonly at: readonly (readonly [path: string, bytes: number, isShared: boolean])[]
}

/** How far a region was read. */
export interface ReadRegion {
  /** Where its last line ends, in bytes of the file; undefined if no line begins in it. */
  readonly end: number | undefined
  /** Its lines. */
  readonly lines: number
  /** What the cells of the hash come to that were ended in it, from the first one on. */
  readonly cells: readonly Uint8Array[]
  /** How far the hash has come at the end of its last line, but for the cells before. */
  readonly hash: HashState | undefined
  /** Where the file ended, if it did. Of one that was cut, the line that it ends in was not read. */
  readonly fileEnd: number | undefined
}

/** What has become of a task. */
export interface TaskResult {
  /** What `parse` has counted, then each stage. */
  readonly counters: readonly SavedCounters[]
  readonly made: readonly MadeLines[]
  readonly leftOut: readonly SavedLeftOut[]
  /** The errors of what was left out, if they are to be told. */
  readonly told: readonly SavedError[]
  /** What ended the row behind the good records before it. */
  readonly error: SavedError | null
  readonly read: ReadRegion
  /** Memory for lines that was not needed. */
  readonly memory: readonly ArrayBuffer[]
  /** That of the lines or units that were handed over. */
  readonly input: ArrayBuffer | undefined
}

/** What a thread says before all else: that it has loaded what it needs. */
export const UP = 'up'

/** What a thread answers: a result, or a failure that is a defect or the system's. */
export type Answer = { readonly result: TaskResult } | { readonly failure: unknown }

/** An error as it can be cloned. */
export function saveError(error: SteerpipeError): SavedError {
  const { code, found, expected, fix, place, stage, cause, tries } = error
  return { code, found, expected, fix, place, stage, cause: cloneable(cause), tries }
}

/** The error again. @param linesBefore lines of the input before the task's first one */
export function errorFrom(saved: SavedError, linesBefore: number): SteerpipeError {
  return new SteerpipeError(saved.code, { ...saved, place: placeFrom(saved.place, linesBefore) })
}

/** A place with its line counted from the start of the input. */
export function placeFrom(place: Place | undefined, linesBefore: number): Place | undefined {
  return place?.line === undefined ? place : { ...place, line: place.line + linesBefore }
}

/** What the user's code threw may be anything. */
function cloneable(cause: unknown): unknown {
  try {
    return structuredClone(cause)
  } catch {
    return inspect(cause)
  }
}
