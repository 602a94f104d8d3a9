import * as z from 'zod'
import { type ErrorCode, SteerpipeError } from '../errors.js'
import { type AttributeInput, attributesFrom, STEERLM_ATTRIBUTES } from '../records/attributes.js'
import type { JsonText } from '../records/json-text.js'
import type { PackMemory } from '../records/packed-units.js'
import type { Output } from '../storage/output.js'
import { suggestion } from '../suggest.js'
import type { StageSettings } from './policy.js'
import type { Stage } from './stage.js'

/**
 * What flows between two stages: `json` (records of a shape not yet known), `scored` (conversations whose scores
 * are not yet labels), `conversation` (with labels) or `sample`.
 */
export type Wire = 'json' | 'scored' | 'conversation' | 'sample'

/** Every wire: for stages that leave records as they are. */
export const ALL_WIRES: readonly Wire[] = ['json', 'scored', 'conversation', 'sample']

/** What a stage holds in memory: a few batches, as much as its option `memory` says, or something for each record. */
export type MemoryClass = 'constant' | 'window' | 'all'

/** A use of a stage in a pipeline file, for help and the README; tests lint each one. */
export interface Example {
  readonly title: string
  /** The stage as it stands in the list of `stages`. */
  readonly yaml: string
}

/** What a stage is told by the pipeline that it stands in. */
export interface StageContext extends StageSettings {
  /** The parts that stages before it declare. */
  readonly parts?: readonly string[]
  /** The environment, for keys and proxies; `annotate` only. Default: the process's. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** The name of the input, for places; `parse` only. */
  readonly input?: string
  /** Replace outputs that are there already; `write` only. */
  readonly overwrite?: boolean
  /** Whether outputs are flushed to the disk before they get their names; `write` only. Default true. */
  readonly syncs?: boolean
  /** Whether files are written by this thread itself, which waits for that meanwhile. Default false. */
  readonly writesHere?: boolean
  /** Leave it to the run to make outputs whole, when all of its stages have finished; `write` only. */
  readonly commitLater?: boolean
  /** Records come in the order in which they were read, so that those that were left out have a place; `write` only. */
  readonly inOrder?: boolean
  /** Opens an output otherwise than as a new file; undefined for one that is to be new. `write` only. */
  readonly openOutput?: ((path: string) => Promise<Output> | undefined) | undefined
  /**
   * Asked when what is held is given, whether that is to be packed, for threads to unpack: undefined if not, else what
   * gives memory for it. `shuffle` only.
   */
  readonly packs?: () => PackMemory | undefined
  /** The file in which answers are kept until the run is whole; `annotate` only. */
  readonly journal?: string
}

/**
 * The definition of a stage: the one source of its validation, types, flags, help, JSON Schema and page in the
 * README. Option names are camelCase here and in scripts, kebab-case in pipeline files and flags.
 */
export interface StageSpec<Options extends z.ZodObject = z.ZodObject> {
  readonly name: string
  /** One line, without a full stop. */
  readonly summary: string
  /** What else one should know, in sentences. */
  readonly description: string
  readonly options: Options
  /** The option that may stand alone as a string. */
  readonly main?: string
  readonly accepts: readonly Wire[]
  readonly emits: (input: Wire, options: z.output<Options>) => Wire
  readonly memory: (options: z.output<Options>) => MemoryClass
  readonly keepsOrder: boolean
  readonly examples: readonly [Example, ...Example[]]
  /** Whether neighbours may stand apart behind it: what belongs together must be bound before. */
  readonly separates?: boolean
  /** Options that do not change what comes out: another time they may differ. */
  readonly free?: readonly (keyof z.output<Options>)[]
  /** Whether what becomes of a record hangs on those before it. */
  readonly counts?: (options: z.output<Options>) => boolean
  /**
   * Whether what becomes of a record hangs on nothing but that record, so that any thread can see to it. Default: it
   * does not.
   */
  readonly alone?: (options: z.output<Options>) => boolean | Promise<boolean>
  /** Of a stage of which that is so for those records, as `parse` gives them, that have a member: its name. Undefined: none. */
  readonly aloneWith?: (options: z.output<Options>) => JsonText | undefined
  /** Options that are paths from the folder of the pipeline file. */
  readonly paths?: readonly string[]
  /**
   * The same stage, which loads code from these folders and what is below them only: for code that a pipeline file
   * names. Only of stages that load code.
   */
  readonly within?: (folders: readonly string[]) => StageSpec<Options>
  /** What can only be seen by looking further than at the options themselves. */
  readonly check?: (options: z.output<Options>) => OptionMistake[] | Promise<OptionMistake[]>
  /** The parts that the stage puts records into. */
  readonly parts?: (options: z.output<Options>) => readonly string[] | undefined
  readonly create: (options: z.output<Options>, context: StageContext) => Stage
}

/** Something wrong with an option. */
export interface OptionMistake {
  readonly option: string
  readonly code: ErrorCode
  readonly found: string
  readonly expected?: string | undefined
  readonly fix?: string | undefined
  /** Where in the option's text, in characters. */
  readonly at?: number | undefined
}

/** Checks nothing at run time: it ties the types of a spec's options together. */
export function stageSpec<Options extends z.ZodObject>(spec: StageSpec<Options>): StageSpec<Options> {
  return spec
}

/** A stage's options after validation, with defaults. @throws SteerpipeError BAD_OPTION */
export function stageOptions<Options extends z.ZodObject>(
  spec: StageSpec<Options>,
  given: z.input<Options> | undefined,
): z.output<Options> {
  const result = spec.options.safeParse(given ?? {}, { reportInput: true })
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw new SteerpipeError('BAD_OPTION', {
    found: describeIssue(issue, Object.keys(spec.options.shape)),
    fix: `\`steerpipe ${spec.name} --help\` shows the options; in scripts their names are camelCase. What is not of the stage itself (\`onError\`, \`overwrite\`) goes into the second argument.`,
    stage: spec.name,
  })
}

/** A zod issue as a sentence, with the nearest known name where a name is unknown. */
export function describeIssue(issue: z.core.$ZodIssue, known: readonly string[]): string {
  const path = issue.path.map(String).join('.')
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.map((key) => `\`${key}\`${path ? '' : suggestion(key, known)}`)
    return `unknown option ${names.join(', ')}${path ? ` in \`${path}\`` : ''}`
  }
  const { input } = issue
  const near =
    issue.code === 'invalid_value' && typeof input === 'string'
      ? `, found \`${input}\`${suggestion(input, issue.values.map(String))}`
      : ''
  const said = issue.code === 'invalid_key' ? issue.issues[0].message : issue.message
  const message = said[0].toLowerCase() + said.slice(1) + near
  return path ? `\`${path}\`: ${message}` : message
}

/** The option `group`: how many neighbouring records are one unit. */
export const groupOption = z
  .int()
  .min(1)
  .default(1)
  .describe('How many neighbouring records belong together, such as 2 for preference pairs.')

/** The option `seed`. */
export const seedOption = z
  .int()
  .default(10)
  .describe('An integer; the same seed gives the same result. Default 10, the seed of the original tools.')

// Without the flag `i`, which JSON Schema does not have.
const MEMORY_SIZE = /^(\d+(?:\.\d+)?) ?([kKmMgG][iI]?)?[bB]?$/

const UNITS: Readonly<Record<string, number>> = {
  k: 1e3,
  m: 1e6,
  g: 1e9,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
}

function bytesOf(size: string): number {
  const [, number, unit = ''] = MEMORY_SIZE.exec(size) ?? []
  return Math.floor(Number(number) * (UNITS[unit.toLowerCase()] ?? 1))
}

const memorySize = z
  .union([z.int(), z.string().regex(MEMORY_SIZE, 'write it as `256MB`')])
  .transform((size) => (typeof size === 'number' ? size : bytesOf(size)))
  .refine((bytes) => bytes >= 1_000_000, 'less than `1MB` is too little')

/** The option `memory`: bytes, or a number with a unit. Bytes after validation. */
export const memoryOption = memorySize.prefault('256MB')

/** The option `cache`, likewise. */
export const cacheOption = memorySize.prefault('64MB')

const DURATION = /^(\d+(?:\.\d+)?) ?(ms|s|m|min|h)?$/

const MILLISECONDS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
}

/** A length of time: seconds, or a number with a unit. Milliseconds after validation. */
export const durationOption = z
  .union([z.number().positive(), z.string().regex(DURATION, 'write it as `30s`, `500ms` or `5m`')])
  .transform((given) => {
    const [, number, unit = 's'] = DURATION.exec(String(given)) ?? []
    return Number(number) * MILLISECONDS[unit]
  })

/** The option `folder`: where a stage puts what does not fit into memory. */
export const folderOption = z
  .string()
  .min(1)
  .optional()
  .describe(
    'The folder for what does not fit into memory. Default: the system’s for temporary files (`TMPDIR`).',
  )

const attributeName = z
  .string()
  .min(1)
  .regex(/^[^,:]*$/, 'an attribute name cannot hold `,` or `:`, which separate the parts of a label')

const attributeSchema = z.union([
  attributeName,
  z
    .strictObject({
      name: attributeName,
      min: z.number().optional().describe('Lowest score. Default 0.'),
      max: z.number().optional().describe('Highest score. Default 4.'),
      sentinel: z.number().optional().describe('Stands where a sample has no score. Default -100.'),
    })
    .refine((attribute) => (attribute.min ?? 0) <= (attribute.max ?? 4), 'min is greater than max'),
])

/** The option `attributes`: names in the order of labels and vectors. */
export const attributesOption = z
  .array(attributeSchema)
  .min(1)
  .refine(
    (list) => new Set(list.map((a) => (typeof a === 'string' ? a : a.name))).size === list.length,
    'an attribute is named twice',
  )
  .transform((list: AttributeInput[]) => attributesFrom(list))
  .prefault([...STEERLM_ATTRIBUTES])
  .describe(
    'The attributes, in the order of labels and vectors: names, or `{ name, min, max, sentinel }`. Default: the nine of SteerLM. A definition names them once, at its top.',
  )

/** The option `range`: what to do with a score outside its attribute's range. */
export const rangeOption = z
  .enum(['keep', 'error', 'clamp'])
  .default('keep')
  .describe('What to do with a score outside its attribute’s range.')
