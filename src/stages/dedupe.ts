import * as z from 'zod'
import { SteerpipeError } from '../errors.js'
import { crypto } from '../lazy-node.js'
import type { AnyRecord } from '../records/batch.js'
import { DigestSet } from '../records/digest-set.js'
import { recordKey } from './record-key.js'
import { ALL_WIRES, memoryOption, stageSpec } from './spec.js'
import { type Memory, type Selection, UnitStage } from './unit-stage.js'

const options = z.strictObject({
  by: z
    .string()
    .min(1)
    .default('conversation')
    .describe(
      'What is compared: `conversation` (system prompt, speakers and texts of all turns; labels do not count), `record` (the whole line), `prompt` (the text of the first turn, or a row’s field `prompt`), or a field of the record that was read; dots lead inside.',
    ),
  memory: memoryOption.describe(
    'How much memory the hashes may take, such as `256MB` for some 14 million records. Default: 256MB.',
  ),
})

/** Each record once. */
export const dedupeSpec = stageSpec({
  name: 'dedupe',
  summary: 'each record once: the first of those that are the same',
  description:
    'Of each record the first 128 bits of a SHA-256 are kept, some 18 bytes a record, and two records count as the same when these are: among 100 million different records the chance that any two are taken for one is below 1 in 10^22. A group (a preference pair) is compared as a whole. Records that are no conversations are compared by their whole line, unless `by` names a field; a record without that field is an error. Over the stated memory it stops, and says so.',
  options,
  main: 'by',
  accepts: ALL_WIRES,
  emits: (input) => input,
  memory: () => 'all',
  keepsOrder: true,
  counts: () => true,
  free: ['memory'],
  examples: [
    { title: 'Each conversation once, whatever its labels', yaml: 'dedupe' },
    { title: 'One response to each prompt', yaml: 'dedupe: prompt' },
    { title: 'By an identifier', yaml: 'dedupe: { by: meta.id, memory: 1GB }' },
  ],
  create: ({ by, memory }, context) => new UnitStage('dedupe', context, new FirstOnly(recordKey(by), memory)),
})

class FirstOnly implements Selection {
  readonly reason = 'dedupe'
  /** All that was seen is too much to be kept. */
  readonly memory: Memory = { save: () => undefined, restore: () => {} }
  private readonly seen: DigestSet

  constructor(
    private readonly key: (record: AnyRecord) => string,
    private readonly bytes: number,
  ) {
    this.seen = new DigestSet(bytes)
  }

  /** @throws SteerpipeError MEMORY_FULL, and what is wrong with a record */
  times(records: readonly AnyRecord[], start: number, end: number): number {
    const added = this.seen.add(
      crypto().hash('sha256', Buffer.from(this.unitKey(records, start, end), 'latin1'), 'buffer'),
    )
    if (added !== undefined) return added ? 1 : 0
    throw new SteerpipeError('MEMORY_FULL', {
      found: `the hashes of ${this.seen.size} different records fill the memory of ${this.bytes} bytes`,
      expected: 'some 18 bytes for each record that differs from those before it',
      fix: 'Raise `memory`.',
    })
  }

  private unitKey(records: readonly AnyRecord[], start: number, end: number): string {
    if (end - start === 1) return this.key(records[start])
    let keys = ''
    for (let i = start; i < end; i++) {
      const key = this.key(records[i])
      // With its length, so that it is clear where each one ends.
      keys += `${key.length}:${key}`
    }
    return keys
  }
}
