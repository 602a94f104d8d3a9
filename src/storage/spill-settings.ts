/** How much a stage may hold in memory, and where the rest goes. */
export interface SpillSettings {
  /** Bytes of memory for everything that is held. */
  readonly memory: number
  /** The folder of the spill file; default the system's for temporary files. */
  readonly folder?: string | undefined
  /** Hold the line that each record was read from, too, whatever was made of it since. Default false. */
  readonly keepLines?: boolean | undefined
}
