import * as z from 'zod'
import { SteerpipeError } from '../errors.js'
import { Batch } from '../records/batch.js'
import { PythonRandom } from '../records/python-random.js'
import { HoldingStage } from './holding-stage.js'
import { ALL_WIRES, folderOption, memoryOption, type StageContext, seedOption, stageSpec } from './spec.js'

const options = z.strictObject({
  seed: seedOption,
  algorithm: z
    .enum(['python', 'buckets'])
    .default('python')
    .describe(
      '`python`: the order that Python’s `random.seed(seed); random.shuffle(list)` gives, with 12 bytes of memory for each record (or group). `buckets`: a random number for each record and a sort by it, on the disk: any size within `memory`.',
    ),
  memory: memoryOption.describe(
    'How much memory the stage may use, such as `64MB` or `2GB`; what does not fit goes to a file. Default: `256MB`.',
  ),
  folder: folderOption,
})

/** Records in random order. */
export const shuffleSpec = stageSpec({
  name: 'shuffle',
  summary: 'records in random order, reproducible from a seed',
  description:
    'Both algorithms give each order the same chance, and the same order for the same seed, whatever the `memory`. Groups stay together. Records are held back until the input has ended: up to a quarter of `memory` in memory, else in a file, from which `python` reads here and there, as its order wants, and `buckets` piece by piece, which is better where the file is larger than the system’s memory. The file has no name, so that nothing stays behind however the run ends. `source` in a later `filter` is the record as it came here.',
  options,
  accepts: ALL_WIRES,
  emits: (input) => input,
  memory: ({ algorithm }) => (algorithm === 'python' ? 'all' : 'window'),
  keepsOrder: false,
  separates: true,
  examples: [
    { title: 'As the original tools do', yaml: 'shuffle: { seed: 10, algorithm: python }' },
    { title: 'Any size within 64 MB', yaml: 'shuffle: { seed: 10, algorithm: buckets, memory: 64MB }' },
  ],
  create: (given, context) => new ShuffleStage(given, context),
})

/** Bytes of a record's number and of where it is held, for Python's order. */
const INDEX_BYTES = 12

/** Holds all units, and gives them in the order of a rank for each. */
class ShuffleStage extends HoldingStage {
  private readonly random: PythonRandom
  private readonly python: boolean
  private readonly memory: number

  constructor({ seed, algorithm, memory, folder }: z.output<typeof options>, context: StageContext) {
    super('shuffle', context, { memory, folder, byKey: algorithm === 'buckets' })
    this.random = new PythonRandom(seed)
    this.python = algorithm === 'python'
    this.memory = memory
  }

  protected override async handle(batch: Batch): Promise<Batch> {
    this.counters.in += batch.records.length
    const held = await this.hold(batch, this.python ? undefined : () => this.random.next())
    const full = this.python && this.held * INDEX_BYTES > this.memory / 2
    return full ? Batch.failed(this.tooMany()) : held
  }

  protected override async *finish(): AsyncGenerator<Batch> {
    const order = this.python ? this.spill.inOrderOf(this.shuffled()) : this.spill.inOrderOfKeys()
    for await (const batch of order) {
      batch.total = this.held
      this.counters.out += batch.records.length
      yield batch
    }
  }

  /** The numbers of the units, as Python shuffles them. */
  private shuffled(): Uint32Array {
    const numbers = Uint32Array.from({ length: this.held }, (_, unit) => unit)
    this.random.shuffle(numbers)
    return numbers
  }

  private tooMany(): SteerpipeError {
    return new SteerpipeError('MEMORY_FULL', {
      found: `the index of ${this.held} records takes more than half of the ${this.memory} bytes of \`memory\``,
      fix: `Raise \`memory\` (${INDEX_BYTES * 2} bytes a record), or use \`algorithm: buckets\`, which needs no index.`,
      stage: 'shuffle',
    })
  }
}
