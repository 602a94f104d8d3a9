import type { JsonText } from './json-text.js'
import { type JsonRecord, KeySet } from './record.js'

/** How many names are remembered, and how long they may be. */
const MOST_NAMES = 64
const LONGEST_NAME = 64

/**
 * Reads the names in small objects that are much alike, such as those of scores: one that was read before is not made
 * and hashed anew, and whether one is repeated is known without a map for each object. (`label-format` over 300 MB with
 * five scores a record, processor time: 1.16 → 1.06 s, labels put in without a list of all members among it.)
 */
export class KnownNames {
  private readonly known = new KeySet()
  /** The object that each of them was seen in last. */
  private readonly seenIn: number[] = []
  private object = 0
  private distinct = true

  /** Begins with another object. */
  begin(): void {
    this.object++
    this.distinct = true
  }

  /** Whether no name of the object was read twice, as far as one can tell: false if that is not known. */
  get areDistinct(): boolean {
    return this.distinct
  }

  /** The key at `at` on the tape of a record, in the canonical spelling. */
  read(record: JsonRecord, at: number): JsonText {
    const { known, seenIn, object } = this
    const { text, respell } = record.block
    const start = record.startOf(at)
    const length = record.endOf(at) - start
    let number = known.match(text, start, length)
    if (number < 0) {
      const name = record.key(at)
      // Of names that can be spelled in several ways one does not know whether they are others.
      if (respell || known.all.length >= MOST_NAMES || length > LONGEST_NAME) {
        this.distinct = false
        return name
      }
      // A copy: the key is a slice, which would keep its whole chunk in memory.
      number = known.add(Buffer.from(name, 'latin1').toString('latin1') as JsonText) // the same text
    }
    if (seenIn[number] === object) this.distinct = false
    seenIn[number] = object
    return known.all[number]
  }
}
