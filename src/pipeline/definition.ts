import * as z from 'zod'
import { attributesOption } from '../stages/spec.js'

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()])

/** What is in a list of stages hangs on the stages: the loader looks at each, and the JSON Schema says what it may be. */
const stageList = z.array(z.unknown())

const sourceEntry = z.union([
  z.string(),
  z.strictObject({
    from: z.string().describe('A path, a pattern, or `-` for stdin.'),
    stages: stageList.optional().describe('Stages for this source only, before all others.'),
    weight: z
      .number()
      .positive()
      .max(1e9)
      .optional()
      .describe(
        'With `order: interleave`: how likely the next record comes from here, against the others. Default 1.',
      ),
  }),
])

/** An input with more to say than where it comes from. */
const fullInput = z.strictObject({
  from: z
    .union([z.string(), z.array(sourceEntry).min(1)])
    .describe('A path, a pattern, `-` for stdin, or a list of them.'),
  stages: stageList.optional().describe('Stages for this input only, before the common ones.'),
  order: z
    .enum(['concat', 'interleave'])
    .optional()
    .describe(
      'How the records of the sources come: `concat`, one source after the other (default), or `interleave`, each next record, or group of records, from a source drawn at random in proportion to the weights, until all are at their end.',
    ),
  seed: z
    .int()
    .optional()
    .describe('With `order: interleave`: an integer; the same seed gives the same order. Default 10.'),
})

/** What stands for an input: a path, a pattern, a list of them, or that with more to say. */
export const inputSchema = z.union([z.string(), z.array(sourceEntry).min(1), fullInput])

/** What the fields of an input, and of an entry of its list, may be: for the JSON Schema. */
export const INPUT_FIELDS = fullInput.shape
export const ENTRY_FIELDS = sourceEntry.options[1].shape

/** An input with more to say than where it comes from, as it was read. */
export type FullInput = z.output<typeof fullInput>

/** One of an input's sources. */
export type SourceEntry = z.output<typeof sourceEntry>

/** What a pipeline file holds, as far as one can say without knowing its stages. */
export const definitionSchema = z.strictObject({
  name: z.string().min(1).describe('What the pipeline is called.'),
  description: z.string().optional().describe('What it is for, in a line.'),
  vars: z
    .record(z.string().regex(/^[A-Za-z_][\w-]*$/, 'a name is letters, digits, `_` and `-`'), scalar)
    .optional()
    .describe('Names for `${name}` and their values; null for what `--set` must give.'),
  attributes: attributesOption.optional().describe('The attributes, for every stage that uses them.'),
  inputs: z
    .union([z.string(), z.array(sourceEntry).min(1), z.record(z.string().min(1), inputSchema)])
    .describe('What the stages are run over, once for each; `${input}` is its name.'),
  stages: stageList.min(1).describe('The stages, in order.'),
  overwrite: z.boolean().optional().describe('Replace outputs that are there already. Default false.'),
})

/** The keys that a definition may have at its top. */
export const DEFINITION_KEYS: readonly string[] = Object.keys(definitionSchema.shape)

/** The names of the vars and of what is always there must not meet. */
export const RESERVED_VARS: readonly string[] = ['input', 'part', 'env']
