import * as z from 'zod'
import { SteerpipeError } from '../errors.js'
import type { Counters } from '../observe/counters.js'
import { Batch } from '../records/batch.js'
import type { PackedUnits } from '../records/packed-units.js'
import { PythonRandom } from '../records/python-random.js'
import { KeyedSpill } from '../storage/keyed-spill.js'
import { NumberedSpill } from '../storage/numbered-spill.js'
import { HoldingStage } from './holding-stage.js'
import { ALL_WIRES, folderOption, memoryOption, type StageContext, seedOption, stageSpec } from './spec.js'
import type { RawIntake } from './stage.js'

const options = z.strictObject({
  seed: seedOption,
  algorithm: z
    .enum(['python', 'buckets'])
    .default('python')
    .describe(
      '`python`: the order that Python’s `random.seed(seed); random.shuffle(list)` gives, with 8 bytes of memory for each record (or group). `buckets`: a random number for each record and a sort by it, on the disk: any size within `memory`.',
    ),
  memory: memoryOption.describe(
    'How much memory the stage may use, such as `64MB` or `2GB`; what does not fit goes to a file. Default: `256MB`.',
  ),
  folder: folderOption,
})

type ShuffleSettings = z.output<typeof options>

/** Records in random order. */
export const shuffleSpec = stageSpec({
  name: 'shuffle',
  summary: 'records in random order, reproducible from a seed',
  description:
    'Both algorithms give each order the same chance, and the same order for the same seed, whatever the `memory`. Groups stay together. Records are held back until the input has ended: in memory up to a quarter of `memory`, and beyond that in a file, from which `python` reads here and there, as its order wants, and `buckets` piece by piece, which is better where the file is larger than the system’s memory. The file has no name, so that nothing stays behind however the run ends. `source` in a later `filter` is the record as it came here.',
  options,
  accepts: ALL_WIRES,
  emits: (input) => input,
  memory: ({ algorithm }) => (algorithm === 'python' ? 'all' : 'window'),
  keepsOrder: false,
  counts: () => true,
  free: ['memory', 'folder'],
  separates: true,
  examples: [
    { title: 'As the original tools do', yaml: 'shuffle: { seed: 10, algorithm: python }' },
    { title: 'Any size within 64 MB', yaml: 'shuffle: { seed: 10, algorithm: buckets, memory: 64MB }' },
  ],
  create: (given, context) =>
    given.algorithm === 'python' ? new PythonShuffle(given, context) : new BucketShuffle(given, context),
})

/** Bytes of a record's number and of where it is held, for Python's order. */
const INDEX_BYTES = 8

/** The order in which Python shuffles a list: it is known when the last record has come. */
class PythonShuffle extends HoldingStage {
  private readonly records: NumberedSpill

  constructor(
    private readonly settings: ShuffleSettings,
    private readonly context: StageContext,
  ) {
    const records = new NumberedSpill({ ...settings, keepLines: context.setAside })
    super('shuffle', context, records)
    this.records = records
  }

  protected override async handle(batch: Batch): Promise<Batch> {
    this.counters.in += batch.records.length
    return this.unlessTooMany(await this.hold(batch))
  }

  override get rawIntake(): RawIntake {
    return {
      lines: async (lines, origin, makeAhead) =>
        this.unlessTooMany(await this.holdRaw(lines, origin, makeAhead)),
      batch: (batch) => this.handle(batch),
    }
  }

  private unlessTooMany(held: Batch): Batch {
    return this.held * INDEX_BYTES > this.settings.memory / 2 ? Batch.failed(this.tooMany()) : held
  }

  protected override async *finish(): AsyncGenerator<Batch> {
    const numbers = new Uint32Array(this.held)
    for (let unit = 0; unit < numbers.length; unit++) numbers[unit] = unit
    new PythonRandom(this.settings.seed).shuffle(numbers)
    const { records, context } = this
    const memory = context.packs?.()
    if (memory) yield* packedBatches(records.inOrderPacked(numbers, memory), this.held, this.counters)
    else yield* countedBatches(records.inOrder(numbers), this.held, this.counters)
  }

  private tooMany(): SteerpipeError {
    const { memory } = this.settings
    return new SteerpipeError('MEMORY_FULL', {
      found: `the index of ${this.held} records takes more than half of the ${memory} bytes of \`memory\``,
      fix: `Raise \`memory\` (${INDEX_BYTES * 2} bytes a record), or use \`algorithm: buckets\`, which needs no index.`,
      stage: 'shuffle',
    })
  }
}

/** A random number for each record, and a sort by it. */
class BucketShuffle extends HoldingStage {
  private readonly records: KeyedSpill

  constructor(
    settings: ShuffleSettings,
    private readonly context: StageContext,
  ) {
    const records = new KeyedSpill({ ...settings, keepLines: context.setAside })
    const random = new PythonRandom(settings.seed)
    super('shuffle', context, {
      add: (units, start, end) => records.add(units, start, end, random.next()),
      addRaw: (lines, origin, makeAhead) => records.addRaw(lines, origin, random.next(), makeAhead),
      flush: (batch) => records.flush(batch),
      close: () => records.close(),
    })
    this.records = records
  }

  protected override handle(batch: Batch): Promise<Batch> {
    this.counters.in += batch.records.length
    return this.hold(batch)
  }

  override get rawIntake(): RawIntake {
    return {
      lines: (lines, origin, makeAhead) => this.holdRaw(lines, origin, makeAhead),
      batch: (batch) => this.handle(batch),
    }
  }

  protected override async *finish(): AsyncGenerator<Batch> {
    const { records, context } = this
    const memory = context.packs?.()
    if (memory) yield* packedBatches(records.inOrderPacked(memory), this.held, this.counters)
    else yield* countedBatches(records.inOrder(), this.held, this.counters)
  }
}

/** Batches that know how many units there are in all. */
async function* countedBatches(
  batches: AsyncIterable<Batch>,
  total: number,
  counters: Counters,
): AsyncGenerator<Batch> {
  for await (const batch of batches) {
    batch.total = total
    counters.out += batch.records.length
    yield batch
  }
}

/** The same for threads, which also have to know how many units stand before a batch. */
async function* packedBatches(
  all: AsyncIterable<PackedUnits>,
  total: number,
  counters: Counters,
): AsyncGenerator<Batch> {
  let before = 0
  for await (const packed of all) {
    const batch = new Batch([])
    batch.packed = packed
    batch.total = total
    batch.before = before
    before += packed.units
    counters.out += packed.records
    yield batch
  }
}
