/** A record that is left to the stages costs several times what it costs them among others: of how many one may be that. */
const MOST_OTHERS = 1 / 16

/** How many times it is not worth it before that is looked at again. */
const PAUSE = 15

/** Whether it is worth it to go from bytes to bytes, going by how many of the records before were left to the stages. */
export class Worth {
  /** For how many times more it is not. */
  private paused = 0

  /** Whether it is for the next records. To be asked once for each lot of them. */
  pays(): boolean {
    return this.paused === 0 || --this.paused === 0
  }

  /** Told how many of some records were left. */
  tell(left: number, records: number): void {
    if (left > Math.max(1, records * MOST_OTHERS)) this.paused = PAUSE
  }
}
