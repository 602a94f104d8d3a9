import type { TransformCallback } from 'node:stream'
import * as z from 'zod'
import { SteerpipeError } from '../errors.js'
import { Batch } from '../records/batch.js'
import { openReader } from '../storage/readers.js'
import type { RecordReader } from '../storage/record-reader.js'
import { groupOption, type StageContext, stageSpec } from './spec.js'
import { Stage } from './stage.js'
import { Intake } from './units.js'

const options = z.strictObject({
  format: z
    .enum(['jsonl', 'json', 'lines'])
    .default('jsonl')
    .describe(
      'What the bytes are: JSON Lines, one JSON document that holds the records, or plain text with a record a line.',
    ),
  path: z
    .string()
    .optional()
    .describe(
      'With `format: json`, where the records are: keys joined by dots. Default: the document itself.',
    ),
  field: z.string().default('text').describe('With `format: lines`, the field that holds the line.'),
  group: groupOption,
  maxLineBytes: z
    .int()
    .min(1)
    .default(64 * 1024 * 1024)
    .describe('A longer line, or record of a document, is a bad record.'),
})

/** What `parse` is told. */
export type ParseSettings = z.output<typeof options>

/** Bytes to records. */
export const parseSpec = stageSpec({
  name: 'parse',
  summary: 'bytes to records',
  description:
    'Checks that the bytes are UTF-8 and legal JSON, exactly as `JSON.parse` does (nesting up to 100,000 levels), and notes where the values stand; nothing is decoded that nobody asks for. A byte order mark, blank lines and carriage returns at line ends are allowed. Gzip is recognised by its first bytes wherever steerpipe opens the file itself. `json` goes through stream-json, at some 10 to 80 MB/s: right for one big array, not for JSON Lines.',
  options,
  main: 'format',
  accepts: [],
  emits: () => 'json',
  memory: () => 'constant',
  keepsOrder: true,
  free: ['maxLineBytes'],
  examples: [
    { title: 'JSON Lines', yaml: 'parse' },
    { title: 'One document with the records inside', yaml: 'parse: { format: json, path: data.rows }' },
    { title: 'A prompt a line', yaml: 'parse: { format: lines, field: prompt }' },
  ],
  create: (given, context) => new ParseStage(given, context),
})

class ParseStage extends Stage {
  private readonly settings: ParseSettings
  private readonly input: string
  private reader: RecordReader | undefined
  private readonly intake: Intake

  constructor(settings: ParseSettings, context: StageContext) {
    super('parse', context)
    this.settings = settings
    this.input = context.input ?? 'stream'
    this.intake = new Intake('parse', this.counters, this.policy, settings.group)
  }

  protected override takeOther(chunk: unknown, encoding: BufferEncoding, callback: TransformCallback): void {
    this.queue(async () => {
      // The source starts its next read before this chunk is worked on.
      await new Promise(setImmediate)
      const bytes = bytesOf(chunk, encoding)
      if (bytes === undefined) return this.handleBatch(Batch.failed(notBytes(chunk)))
      this.reader ??= await openReader(this.settings, this.input)
      await this.handleBatch(this.intake.take(await this.reader.read(bytes)))
    }, callback)
  }

  /** Batches come from `takeOther` only; what is in them is ready. */
  protected override handle(batch: Batch): Batch {
    return batch
  }

  protected override async finish(): Promise<Batch> {
    if (!this.reader) return new Batch([])
    const batch = this.intake.take(await this.reader.end())
    batch.error ??= this.intake.end() ?? null
    return batch
  }
}

function bytesOf(chunk: unknown, encoding: BufferEncoding): Uint8Array | undefined {
  if (typeof chunk === 'string') return Buffer.from(chunk, encoding)
  return chunk instanceof Uint8Array ? chunk : undefined
}

function notBytes(chunk: unknown): SteerpipeError {
  return new SteerpipeError('PLAIN_OBJECT', {
    found: `a value of type ${typeof chunk} was written into parse()`,
    expected: 'bytes or text',
    fix: 'Leave `parse()` out where the stream carries objects already: the other stages take them.',
    stage: 'parse',
  })
}
