import type * as z from 'zod'
import { SteerpipeError } from '../errors.js'
import { annotateSpec } from './annotate.js'
import { dedupeSpec } from './dedupe.js'
import { filterSpec } from './filter.js'
import { labelFormatSpec } from './label-format.js'
import { lengthSpec } from './length.js'
import { limitSpec } from './limit.js'
import { MapStage } from './map.js'
import { type MapDefinition, type MapFunction, mapDefinition } from './map-definition.js'
import { ObjectsStage } from './objects.js'
import { parseSpec } from './parse.js'
import type { StageSettings } from './policy.js'
import { regressionExpandSpec } from './regression-expand.js'
import { repeatSpec } from './repeat.js'
import { sampleSpec } from './sample.js'
import { shuffleSpec } from './shuffle.js'
import { skipSpec } from './skip.js'
import { type StageContext, stageOptions, type Wire } from './spec.js'
import { splitSpec } from './split.js'
import { templateSpec } from './template.js'
import type { EndStage, PassingStage, TypedStage } from './typed.js'
import { writeSpec } from './write.js'

export type ParseOptions = z.input<typeof parseSpec.options>
export type TemplateOptions = z.input<typeof templateSpec.options>
export type AnnotateOptions = z.input<typeof annotateSpec.options>
export type LabelFormatOptions = z.input<typeof labelFormatSpec.options>
export type RegressionExpandOptions = z.input<typeof regressionExpandSpec.options>
export type ShuffleOptions = z.input<typeof shuffleSpec.options>
export type SplitOptions = z.input<typeof splitSpec.options>
export type FilterOptions = z.input<typeof filterSpec.options>
export type DedupeOptions = z.input<typeof dedupeSpec.options>
export type LengthOptions = z.input<typeof lengthSpec.options>
export type RepeatOptions = z.input<typeof repeatSpec.options>
export type LimitOptions = z.input<typeof limitSpec.options>
export type SkipOptions = z.input<typeof skipSpec.options>
export type SampleOptions = z.input<typeof sampleSpec.options>

/** How `parse` is set up in a script, beside its options. */
export interface ParseSettings extends StageSettings {
  /** The name of the input in errors. Default `stream`. */
  readonly input?: string
}

/** How `write` is set up in a script, beside its options. */
export interface WriteSettings extends StageSettings {
  /** Replace files that are there already. Default false. */
  readonly overwrite?: boolean
  /** The parts whose files shall exist at the end, if only empty; for `${part}` in the path. */
  readonly parts?: readonly string[]
}

/**
 * Bytes to batches of records.
 *
 * @param options `format` (`jsonl`, `json`, `lines`; default `jsonl`), `path`, `field`, `group`, `maxLineBytes`
 * @throws SteerpipeError BAD_OPTION; the stream fails with NOT_UTF8, JSON_SYNTAX, NOT_AN_OBJECT, TOO_DEEP,
 *   LINE_TOO_LONG, NO_SUCH_PATH, GROUP_INCOMPLETE
 */
export function parse(options?: ParseOptions, settings: ParseSettings = {}): TypedStage<never, 'json'> {
  return parseSpec.create(stageOptions(parseSpec, options), settings) as TypedStage<never, 'json'>
}

/**
 * Rows of a data set to conversations with scores.
 *
 * @param options `dataset` or `mapping`; `splitTurns`, `labels`, `round`, `attributes`, `system`, `speakers`, `group`
 * @throws SteerpipeError BAD_OPTION; the stream fails with MISSING_FIELD, WRONG_TYPE, BAD_SCORE, BAD_TREE,
 *   WRONG_RECORD, GROUP_INCOMPLETE
 */
export function template(
  options: TemplateOptions & { dataset: 'conversations' },
  settings?: StageSettings,
): TypedStage<'json', 'conversation'>
export function template(options: TemplateOptions, settings?: StageSettings): TypedStage<'json', 'scored'>
export function template(
  options: TemplateOptions,
  settings: StageSettings = {},
): TypedStage<'json', 'scored' | 'conversation'> {
  return templateSpec.create(stageOptions(templateSpec, options), settings) as TypedStage<'json', 'scored'>
}

/** How `annotate` is set up in a script, beside its options. */
export interface AnnotateEnvironment extends StageSettings {
  /** Where the key for the server is looked up. Default: the process's environment. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/**
 * Conversations scored by a reward server: the scores become labels.
 *
 * @param options `server` (an address, or several), `protocol` (default `kserve-v2`), `model`, `attributes`, `heads`,
 *   `turns`, `round`, `keep`, `maxChars` (code points), `onLong`, `maxInFlight`, `maxBatch` (texts), `requestTimeout`,
 *   `waitReady` (seconds, or such as `'500ms'`), `cache`, `apiKeyEnv`; and `system`, `systemPrompt`, `tokens` of the text
 * @throws SteerpipeError BAD_OPTION, SERVER_DENIED (no key in the environment); the stream fails with
 *   SERVER_UNREACHABLE, SERVER_WRONG, SERVER_DENIED, SERVER_FAILING, and for single records with SERVER_REFUSED,
 *   SCORES_UNUSABLE, TEXT_TOO_LONG, NOT_SENDABLE, WRONG_RECORD, MISSING_FIELD, WRONG_TYPE, UNLABELLED_SCORES
 */
export function annotate(
  options: AnnotateOptions,
  settings: AnnotateEnvironment = {},
): TypedStage<'json' | 'conversation', 'conversation'> {
  return annotateSpec.create(stageOptions(annotateSpec, options), settings) as TypedStage<
    'json' | 'conversation',
    'conversation'
  >
}

/**
 * The scores of each turn to its label.
 *
 * @param options `attributes`, `round`, `range`
 * @throws SteerpipeError BAD_OPTION; the stream fails with WRONG_RECORD, MISSING_FIELD, WRONG_TYPE, BAD_SCORE,
 *   OUT_OF_RANGE
 */
export function labelFormat(
  options?: LabelFormatOptions,
  settings: StageSettings = {},
): TypedStage<'json' | 'scored' | 'conversation', 'conversation'> {
  return labelFormatSpec.create(stageOptions(labelFormatSpec, options), settings) as TypedStage<
    'json' | 'scored' | 'conversation',
    'conversation'
  >
}

/**
 * Labelled turns to regression samples.
 *
 * @param options `attributes`, `range`, `system`, `systemPrompt`, `tokens`
 * @throws SteerpipeError BAD_OPTION; the stream fails with WRONG_RECORD, MISSING_FIELD, WRONG_TYPE, BAD_LABEL,
 *   UNLABELLED_SCORES, OUT_OF_RANGE
 */
export function regressionExpand(
  options?: RegressionExpandOptions,
  settings: StageSettings = {},
): TypedStage<'json' | 'conversation', 'sample'> {
  return regressionExpandSpec.create(stageOptions(regressionExpandSpec, options), settings) as TypedStage<
    'json' | 'conversation',
    'sample'
  >
}

/**
 * Records in random order.
 *
 * @param options `seed` (default 10), `algorithm` (`python` or `buckets`, default `python`), `memory` (bytes, or such
 *   as `'256MB'`, which is the default), `folder`
 * @throws SteerpipeError BAD_OPTION; the stream fails with MEMORY_FULL, WRITE_FAILED
 */
export function shuffle(options?: ShuffleOptions, settings: StageSettings = {}): PassingStage {
  return shuffleSpec.create(stageOptions(shuffleSpec, options), settings) as PassingStage
}

/**
 * Puts records into parts: sets their `part`.
 *
 * @param options `parts` (fractions by name), `by` (`count`, `prompt`, `conversation`, `record` or a field; default
 *   `count`), `seed` (default 10), `memory` (default `'256MB'`), `folder`
 * @throws SteerpipeError BAD_OPTION; the stream fails with MISSING_FIELD, WRONG_RECORD, WRONG_TYPE, WRITE_FAILED
 */
export function split(options: SplitOptions, settings: StageSettings = {}): PassingStage {
  return splitSpec.create(stageOptions(splitSpec, options), settings) as PassingStage
}

/**
 * The records for which an expression holds.
 *
 * @param options `where` (an expression in CEL), `match` (`all` or `any` record of a group, default `all`), `name`
 *   (what dropped records are counted under, default the expression), `attributes`
 * @throws SteerpipeError BAD_OPTION, BAD_EXPRESSION; the stream fails with FILTER_FAILED, WRONG_RECORD,
 *   MISSING_FIELD, WRONG_TYPE, BAD_LABEL, BAD_SCORE
 */
export function filter(options: FilterOptions, settings: StageSettings = {}): PassingStage {
  return filterSpec.create(stageOptions(filterSpec, options), settings) as PassingStage
}

/**
 * Each record once: the first of those that are the same.
 *
 * @param options `by` (`conversation`, `record`, `prompt` or a field, default `conversation`), `memory` (bytes, or such
 *   as `'256MB'`, which is the default)
 * @throws SteerpipeError BAD_OPTION; the stream fails with MEMORY_FULL, MISSING_FIELD, WRONG_RECORD, WRONG_TYPE
 */
export function dedupe(options?: DedupeOptions, settings: StageSettings = {}): PassingStage {
  return dedupeSpec.create(stageOptions(dedupeSpec, options), settings) as PassingStage
}

/**
 * Conversations that are not too long.
 *
 * @param options `maxChars` (Unicode code points), `maxTurns`, one of them at least; `on` (`drop` or `cut-turns`,
 *   default `drop`)
 * @throws SteerpipeError BAD_OPTION; the stream fails with WRONG_RECORD, MISSING_FIELD, WRONG_TYPE
 */
export function length(options: LengthOptions, settings: StageSettings = {}): PassingStage {
  return lengthSpec.create(stageOptions(lengthSpec, options), settings) as PassingStage
}

/**
 * Each record, or group of records, several times in a row.
 *
 * @param options `times`, at least 1
 * @throws SteerpipeError BAD_OPTION
 */
export function repeat(options: RepeatOptions, settings: StageSettings = {}): PassingStage {
  return repeatSpec.create(stageOptions(repeatSpec, options), settings) as PassingStage
}

/**
 * The first records, and the rest of the group that the last of them belongs to. What comes after them is taken and
 * dropped: a source is not told to stop.
 *
 * @param options `count`, 0 or more
 * @throws SteerpipeError BAD_OPTION
 */
export function limit(options: LimitOptions, settings: StageSettings = {}): PassingStage {
  return limitSpec.create(stageOptions(limitSpec, options), settings) as PassingStage
}

/**
 * All but the first records, and the rest of the group that the last of these belongs to.
 *
 * @param options `count`, 0 or more
 * @throws SteerpipeError BAD_OPTION
 */
export function skip(options: SkipOptions, settings: StageSettings = {}): PassingStage {
  return skipSpec.create(stageOptions(skipSpec, options), settings) as PassingStage
}

/**
 * A random part of the records, in their order.
 *
 * @param options `fraction`, 0 to 1; `seed`, default 10
 * @throws SteerpipeError BAD_OPTION
 */
export function sample(options: SampleOptions, settings: StageSettings = {}): PassingStage {
  return sampleSpec.create(stageOptions(sampleSpec, options), settings) as PassingStage
}

/**
 * Records through a function of your own, as plain objects. See `defineStage` for what it may be given besides.
 *
 * @param stage a function from a record to one, several (a list) or none (null), or to a promise of these; or what
 *   `defineStage` gives. Types are believed: say what the records are.
 * @throws SteerpipeError BAD_OPTION; the stream fails with MAP_FAILED, or with what the function throws if it is a
 *   SteerpipeError
 */
export function map<In extends object = Record<string, unknown>, Out extends object = object>(
  stage: MapFunction<In, Out> | MapDefinition<In, Out>,
  settings: StageSettings = {},
): TypedStage<Wire, 'json'> {
  const definition = mapDefinition(
    stage,
    (found) =>
      new SteerpipeError('BAD_OPTION', {
        found: `\`map\` was given ${found}`,
        expected: 'a function, or what `defineStage` gives',
        fix: 'For a module, import it and give what it exports.',
        stage: 'map',
      }),
  )
  return new MapStage(() => definition, settings) as TypedStage<Wire, 'json'>
}

/**
 * Records to bytes, as JSON Lines; with `to`, records to a file and on to the next stage.
 *
 * @param options `to`: the file, or `-` for stdout; `${part}` in it gives each part a file of its own; `ascii` (default
 *   false)
 * @throws SteerpipeError BAD_OPTION; the stream fails with OUTPUT_EXISTS, WRITE_FAILED
 */
export function write(
  options?: { to?: undefined; ascii?: boolean | undefined },
  settings?: WriteSettings,
): EndStage
export function write(
  options: { to: string; ascii?: boolean | undefined },
  settings?: WriteSettings,
): PassingStage
export function write(
  options?: { to?: string | undefined; ascii?: boolean | undefined },
  settings: WriteSettings = {},
): EndStage | PassingStage {
  const context: StageContext = settings
  return writeSpec.create(stageOptions(writeSpec, options), context) as EndStage | PassingStage
}

/**
 * Batches to plain JavaScript objects, one by one: the step before a Transform of your own. Our stages take plain
 * objects again. What `JSON.parse` loses is lost: digits of big integers, `3.0` (it becomes `3`), repeated keys;
 * so are parts and units.
 */
export function objects(): EndStage {
  return new ObjectsStage() as EndStage
}
