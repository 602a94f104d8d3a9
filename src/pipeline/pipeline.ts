import type { Place } from '../errors.js'
import type { StageSpec } from '../stages/spec.js'
import type { ReaderSettings } from '../storage/readers.js'

/** A stage as it stands in a pipeline: its definition and its options after validation. */
export interface StageUse {
  readonly spec: StageSpec
  readonly options: Readonly<Record<string, unknown>>
  /** Some options hang on a var that has no value: what follows from them is not known. */
  readonly incomplete: boolean
  /** Where in the definition it stands. */
  readonly place: Place | undefined
}

/** One source of an input: a file, or several behind a pattern. */
export interface Source {
  /** A path, a pattern, or `-` for stdin. */
  readonly from: string
  readonly place: Place | undefined
  /** How its bytes are read; undefined for the pipeline's own way. */
  readonly parse: StageUse | undefined
  /** Its stages, before those of the input and of the pipeline. */
  readonly stages: readonly StageUse[]
}

/** What a pipeline is run over once. */
export interface Input {
  readonly name: string
  /** One after the other, in this order. */
  readonly sources: readonly Source[]
  /** Its stages, before those of the pipeline. */
  readonly stages: readonly StageUse[]
}

/** A pipeline after its definition was read: nothing in it has to be looked up any more. */
export interface Pipeline {
  readonly name: string
  readonly description: string
  readonly inputs: readonly Input[]
  /** How bytes are read, unless a source says otherwise. */
  readonly parse: StageUse
  /** The stages after `parse`, for every input. */
  readonly stages: readonly StageUse[]
  /** Replace outputs that are there already. */
  readonly overwrite: boolean
}

/** The options of a `parse`, for its reader. */
export function readerSettings(use: StageUse): ReaderSettings {
  return use.options as unknown as ReaderSettings // the schema of parse has exactly these
}
