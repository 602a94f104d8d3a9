import type * as z from 'zod'
import { labelFormatSpec } from './label-format.js'
import { limitSpec } from './limit.js'
import { ObjectsStage } from './objects.js'
import { parseSpec } from './parse.js'
import type { StageSettings } from './policy.js'
import { regressionExpandSpec } from './regression-expand.js'
import { repeatSpec } from './repeat.js'
import { sampleSpec } from './sample.js'
import { skipSpec } from './skip.js'
import { type StageContext, stageOptions } from './spec.js'
import { templateSpec } from './template.js'
import type { EndStage, PassingStage, TypedStage } from './typed.js'
import { writeSpec } from './write.js'

export type ParseOptions = z.input<typeof parseSpec.options>
export type TemplateOptions = z.input<typeof templateSpec.options>
export type LabelFormatOptions = z.input<typeof labelFormatSpec.options>
export type RegressionExpandOptions = z.input<typeof regressionExpandSpec.options>
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
 * @param options `dataset` or `mapping`; `attributes`, `system`, `speakers`, `group`
 * @throws SteerpipeError BAD_OPTION; the stream fails with MISSING_FIELD, WRONG_TYPE, BAD_SCORE, WRONG_RECORD,
 *   GROUP_INCOMPLETE
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
 * Records to bytes, as JSON Lines; with `to`, records to a file and on to the next stage.
 *
 * @param options `to`: the file, or `-` for stdout; `${part}` in it gives each part a file of its own
 * @throws SteerpipeError BAD_OPTION; the stream fails with OUTPUT_EXISTS, WRITE_FAILED
 */
export function write(options?: { to?: undefined }, settings?: WriteSettings): EndStage
export function write(options: { to: string }, settings?: WriteSettings): PassingStage
export function write(
  options?: { to?: string | undefined },
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
