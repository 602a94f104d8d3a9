import * as z from 'zod'
import type { Place } from '../errors.js'
import { ALL_WIRES, type StageSpec } from '../stages/spec.js'
import type { ReaderSettings } from '../storage/readers.js'
import { fillInput } from './references.js'

/** A stage as it stands in a pipeline: its definition and its options after validation. */
export interface StageUse {
  readonly spec: StageSpec
  readonly options: Readonly<Record<string, unknown>>
  /** The options are wrong, or hang on a var that has no value: what follows from them is not known. */
  readonly incomplete: boolean
  /** Where in the definition it stands. */
  readonly place: Place | undefined
  /** Where an option of it stands, or, with `at`, a character of its text: undefined where that cannot be told. */
  readonly placeOf: (option: string, at?: number) => Place | undefined
}

/**
 * Stands for a stage that cannot be made out, so that nothing is said about what hangs on it. A pipeline with it is
 * looked at, never run.
 */
export const UNKNOWN_STAGE: StageSpec = {
  name: '?',
  summary: '',
  description: '',
  options: z.strictObject({}),
  accepts: ALL_WIRES,
  emits: (input) => input,
  memory: () => 'constant',
  keepsOrder: true,
  examples: [{ title: '', yaml: '' }],
  create: () => {
    throw new Error('a pipeline with mistakes in it cannot run')
  },
}

/** The use of such a stage. */
export function unknownStage(place: Place | undefined): StageUse {
  return { spec: UNKNOWN_STAGE, options: {}, incomplete: true, place, placeOf: () => place }
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
  /** How likely it is drawn, where the sources are interleaved. Default 1. */
  readonly weight?: number
}

/** How the records of several sources are mixed. */
export interface Interleave {
  readonly seed: number
}

/** What a pipeline is run over once. */
export interface Input {
  readonly name: string
  readonly sources: readonly Source[]
  /** The records of the sources are mixed; undefined for one source after the other. */
  readonly interleave?: Interleave
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

/** The options of a `parse` for an input, for its reader. */
export function readerSettings(use: StageUse, input: string): ReaderSettings {
  return fillInput(use.options, input) as unknown as ReaderSettings // the schema of parse has exactly these
}

/** How many neighbouring records are one unit to all of the stages. */
export function unitOf(uses: readonly StageUse[]): number {
  const groups = uses.map(({ options: { group } }) => (typeof group === 'number' ? group : 1))
  return groups.reduce((unit, group) => (unit * group) / commonDivisor(unit, group), 1)
}

const commonDivisor = (a: number, b: number): number => (b === 0 ? a : commonDivisor(b, a % b))
