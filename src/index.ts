/**
 * The public surface of steerpipe: the stages as Transform streams, what flows between them, and errors.
 */
export { CATALOGUE, type ErrorCode, type Place, SteerpipeError } from './errors.js'
export { Counters } from './observe/counters.js'
export {
  type Attribute,
  type AttributeInput,
  HELPSTEER_ATTRIBUTES,
  OASST_ATTRIBUTES,
  STEERLM_ATTRIBUTES,
} from './records/attributes.js'
export { type AnyRecord, Batch, toObject } from './records/batch.js'
export type { Conversation, Score, Turn } from './records/conversation.js'
export { decode, encode, type JsonText } from './records/json-text.js'
export type { JsonRecord } from './records/record.js'
export type { Sample } from './records/sample.js'
export { type Composed, compose } from './stages/compose.js'
export {
  type AnnotateEnvironment,
  type AnnotateOptions,
  annotate,
  type DedupeOptions,
  dedupe,
  type FilterOptions,
  filter,
  type LabelFormatOptions,
  type LengthOptions,
  type LimitOptions,
  labelFormat,
  length,
  limit,
  map,
  objects,
  type ParseOptions,
  type ParseSettings,
  parse,
  type RegressionExpandOptions,
  type RepeatOptions,
  regressionExpand,
  repeat,
  type SampleOptions,
  type ShuffleOptions,
  type SkipOptions,
  type SplitOptions,
  sample,
  shuffle,
  skip,
  split,
  type TemplateOptions,
  template,
  type WriteSettings,
  write,
} from './stages/factories.js'
export {
  defineStage,
  type MapContext,
  type MapDefinition,
  type MapFunction,
  type Mapped,
} from './stages/map-definition.js'
export type { OnError, StageSettings } from './stages/policy.js'
export type { Wire } from './stages/spec.js'
export type { EndStage, PassingStage, TypedStage } from './stages/typed.js'
export { source } from './storage/source.js'
