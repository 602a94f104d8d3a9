import * as z from 'zod'
import { SteerpipeError } from '../errors.js'
import { crypto } from '../lazy-node.js'
import type { Counters } from '../observe/counters.js'
import { type AnyRecord, Batch } from '../records/batch.js'
import { type Direct, LEFT } from '../records/direct.js'
import { NumberedSpill } from '../storage/numbered-spill.js'
import { HoldingStage } from './holding-stage.js'
import type { ErrorPolicy } from './policy.js'
import { type RawKey, type RawSpan, rawRecordKey, recordKey } from './record-key.js'
import { ALL_WIRES, folderOption, memoryOption, type StageContext, seedOption, stageSpec } from './spec.js'
import { Stage } from './stage.js'

const partName = z
  .string()
  .min(1)
  .regex(/^(?!\.{1,2}$)[^/\\\0]+$/, 'a part is a piece of a file’s name')
  // JavaScript puts keys that are numbers first, so that the order in which they are named would be lost.
  .regex(/\D/, 'a part’s name is not a number alone: write `fold-1`, not `1`')

const options = z
  .strictObject({
    parts: z
      .record(partName, z.number().gt(0).max(1))
      .refine((parts) => Object.keys(parts).length > 0, 'no part is named')
      .describe(
        'The parts in their order, each with its fraction of the records, such as `{ train: 0.95, val: 0.05 }`; together they are 1.',
      ),
    by: z
      .string()
      .min(1)
      .default('count')
      .describe(
        'What decides. `count`: the first records, or groups, go to the first part, and so on, cut as Python’s `int(n * fraction)` has it. Else a hash, so that what has the same value goes to the same part, also when there is more data another time: `prompt` is the first turn’s text (of a row its `prompt`), `conversation` all that is said, `record` the whole record, and any other name a field of the record, with dots into inner ones.',
      ),
    seed: seedOption.describe('With a hash: another seed makes another division. Default: 10.'),
    memory: memoryOption.describe(
      'With `by: count`: how much memory the stage may use for the records that it holds back. Default: `256MB`.',
    ),
    folder: folderOption,
  })
  .superRefine(({ parts }, context) => {
    const sum = Object.values(parts).reduce((total, fraction) => total + fraction, 0)
    if (Math.abs(sum - 1) < 1e-9) return
    const message = `the fractions add up to ${Number(sum.toPrecision(12))}, not to 1`
    context.addIssue({ code: 'custom', message, path: ['parts'], input: parts })
  })

type SplitOptions = z.output<typeof options>

/** Records to parts. */
export const splitSpec = stageSpec({
  name: 'split',
  summary: 'puts records into parts, such as train and val',
  description:
    '`write: out/${part}.jsonl` then gives each part a file. To cut by count the count must be known: a `shuffle` right before this stage knows it; else the records are held back (in memory, and beyond that in a file) until the input has ended. `by: prompt` keeps all responses to one prompt, and all conversations of one Open Assistant tree, on one side. Groups are never divided.',
  options,
  accepts: ALL_WIRES,
  emits: (input) => input,
  memory: ({ by }) => (by === 'count' ? 'window' : 'constant'),
  keepsOrder: true,
  counts: ({ by }) => by === 'count',
  alone: ({ by }) => by !== 'count',
  free: ['memory', 'folder'],
  parts: ({ parts }) => Object.keys(parts),
  examples: [
    { title: 'The last twentieth for validation', yaml: 'split: { parts: { train: 0.95, val: 0.05 } }' },
    {
      title: 'No prompt on both sides',
      yaml: 'split: { parts: { train: 0.9, val: 0.05, test: 0.05 }, by: prompt }',
    },
  ],
  create: (given, context) =>
    given.by === 'count' ? new CountSplit(given, context) : new HashSplit(given, context),
})

/** Where each part ends, as a fraction of the whole. The last one is 1, whatever the fractions add up to. */
function partEnds(parts: SplitOptions['parts']): [part: string, end: number][] {
  let sum = 0
  const ends = Object.entries(parts).map(([part, fraction]): [string, number] => {
    sum += fraction
    // 0.7 + 0.2 is a little less than 0.9; a first fraction must stay what Python multiplies with.
    return [part, sum === fraction ? sum : Math.round(sum * 1e12) / 1e12]
  })
  ends[ends.length - 1][1] = 1
  return ends
}

/** Says which part the unit `records[start, end)` belongs to. @throws SteerpipeError */
type PartOf = (records: readonly AnyRecord[], start: number, end: number) => string

/** The batch with each unit in its part. */
function divided(batch: Batch, partOf: PartOf, counters: Counters, policy: ErrorPolicy): Batch {
  const { records, unitEnds } = batch
  const made: AnyRecord[] = []
  const madeEnds: number[] | null = unitEnds === null ? null : []
  let ended: SteerpipeError | undefined
  let start = 0
  for (let unit = 0; start < records.length && !ended; unit++) {
    const end = unitEnds === null ? start + 1 : unitEnds[unit]
    try {
      const part = partOf(records, start, end)
      for (let i = start; i < end; i++) made.push(records[i].inPart(part))
      madeEnds?.push(made.length)
    } catch (error) {
      if (!(error instanceof SteerpipeError)) throw error
      ended = policy.take(error.at(records[start].source.place, 'split'), records.slice(start, end))
    }
    start = end
  }
  counters.out += made.length
  const result = new Batch(made, madeEnds)
  result.error = ended ?? batch.error
  return result
}

/** Cuts where the count says. */
class CountSplit extends HoldingStage {
  private readonly records: NumberedSpill
  private readonly ends: [part: string, end: number][]
  /** How many units there are, once that is known. */
  private total: number | null = null
  /** Units that have got their part. */
  private given = 0
  private current = 0

  constructor({ parts, memory, folder }: SplitOptions, context: StageContext) {
    const records = new NumberedSpill({ memory, folder, keepLines: context.setAside })
    super('split', context, records)
    this.records = records
    this.ends = partEnds(parts)
  }

  protected override handle(batch: Batch): Batch | Promise<Batch> {
    this.counters.in += batch.records.length
    this.total ??= batch.total
    this.goTo(batch.before)
    return this.total === null ? this.hold(batch) : this.divide(batch)
  }

  protected override async *finish(): AsyncGenerator<Batch> {
    if (this.total !== null) return
    this.total = this.held
    for await (const batch of this.records.inArrival()) yield this.divide(batch)
  }

  override get direct(): Direct {
    return {
      does: 'count',
      parts: this.ends.map(([part]) => part),
      begin: (before, total) => {
        this.total ??= total
        this.goTo(before)
      },
      part: () => (this.total === null ? LEFT : this.next()),
      took: () => {
        this.given++
      },
    }
  }

  /** On a thread, records come that others stand between. */
  private goTo(before: number | null): void {
    if (before === null || before === this.given) return
    this.given = before
    this.current = 0
  }

  private divide(batch: Batch): Batch {
    const partOf = () => {
      const part = this.next()
      this.given++
      return this.ends[part][0]
    }
    return divided(batch, partOf, this.counters, this.policy)
  }

  /** The number of the next unit's part. */
  private next(): number {
    const total = this.total ?? 0
    while (this.current < this.ends.length - 1) {
      // As Python's int(): the fraction of a record that may be left goes to the next part.
      if (this.given < Math.trunc(total * this.ends[this.current][1])) break
      this.current++
    }
    return this.current
  }
}

/** Bits of the hash that are used: as many as a number holds exactly, in whole bytes. */
const HASH_BYTES = 6

/** Divides by a hash of something that the records have. */
class HashSplit extends Stage {
  private readonly ends: [part: string, end: number][]
  private readonly key: (record: AnyRecord) => string
  private readonly rawKey: RawKey | undefined
  private readonly salt: string
  /** The salt, and room for a key as it lies. */
  private salted: Buffer

  constructor({ parts, by, seed }: SplitOptions, context: StageContext) {
    super('split', context)
    this.ends = partEnds(parts)
    this.key = recordKey(by)
    this.rawKey = rawRecordKey(by)
    this.salt = `${seed}:`
    this.salted = Buffer.from(this.salt)
  }

  protected override saved(): unknown {
    return null
  }

  protected override handle(batch: Batch): Batch {
    this.counters.in += batch.records.length
    return divided(batch, (records, start) => this.partOf(records[start]), this.counters, this.policy)
  }

  override get direct(): Direct | undefined {
    const { ends, rawKey } = this
    if (rawKey === undefined) return undefined
    return {
      does: 'part',
      parts: ends.map(([part]) => part),
      part: (lines) => {
        const key = rawKey(lines)
        return key === undefined ? LEFT : this.partAt(this.withSalt(lines.bytes, key))
      },
    }
  }

  /** The first record speaks for its unit: the others answer the same prompt. */
  private partOf(first: AnyRecord): string {
    return this.ends[this.partAt(Buffer.from(this.salt + this.key(first), 'latin1'))][0]
  }

  private withSalt(bytes: Uint8Array, { start, end }: RawSpan): Buffer {
    const { salt } = this
    const length = salt.length + (end - start)
    if (length > this.salted.length) {
      this.salted = Buffer.allocUnsafeSlow(2 * length)
      this.salted.write(salt)
    }
    this.salted.set(bytes.subarray(start, end), salt.length)
    return this.salted.subarray(0, length)
  }

  /** The number of the part of what has this key behind the salt. */
  private partAt(salted: Buffer): number {
    const digest = crypto().hash('sha256', salted) // a `Hash` takes twice as long
    const point = Number.parseInt(digest.slice(0, 2 * HASH_BYTES), 16) / 2 ** (8 * HASH_BYTES)
    const found = this.ends.findIndex(([, end]) => point < end)
    return found < 0 ? this.ends.length - 1 : found
  }
}
