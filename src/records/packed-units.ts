/** Gives memory that units were packed into before, and that nobody needs any more; undefined if there is none. */
export type PackMemory = () => ArrayBuffer | undefined

/** What packed records name by number. */
export interface UnitNames {
  readonly parts: readonly (string | null)[]
  readonly inputs: readonly string[]
  readonly notes: readonly string[]
}

/**
 * Units one after the other, with all that it takes to unpack them. They can be sent to another thread, `bytes` as what
 * is handed over.
 */
export interface PackedUnits {
  readonly bytes: ArrayBuffer
  /** How many of the bytes are units. */
  readonly length: number
  readonly units: number
  readonly records: number
  /** How many of the units are what was made of a record ahead. */
  readonly ahead: number
  /** Whether the records of a unit are bound. */
  readonly binds: boolean
  readonly names: UnitNames
}
