import { annotateSpec } from './annotate.js'
import { dedupeSpec } from './dedupe.js'
import { filterSpec } from './filter.js'
import { labelFormatSpec } from './label-format.js'
import { lengthSpec } from './length.js'
import { limitSpec } from './limit.js'
import { mapSpec } from './map.js'
import { parseSpec } from './parse.js'
import { regressionExpandSpec } from './regression-expand.js'
import { repeatSpec } from './repeat.js'
import { sampleSpec } from './sample.js'
import { shuffleSpec } from './shuffle.js'
import { skipSpec } from './skip.js'
import type { StageSpec } from './spec.js'
import { splitSpec } from './split.js'
import { templateSpec } from './template.js'
import { writeSpec } from './write.js'

/** Every stage, in the order in which data goes through them. A new stage is a file and a line here. */
export const STAGES: readonly StageSpec[] = [
  parseSpec,
  templateSpec,
  annotateSpec,
  labelFormatSpec,
  regressionExpandSpec,
  filterSpec,
  dedupeSpec,
  lengthSpec,
  shuffleSpec,
  splitSpec,
  repeatSpec,
  limitSpec,
  skipSpec,
  sampleSpec,
  mapSpec,
  writeSpec,
]

/** The names of the stages. */
export const STAGE_NAMES: readonly string[] = STAGES.map((spec) => spec.name)

/** The stage of a name, if there is one. */
export function findStage(name: string): StageSpec | undefined {
  return STAGES.find((spec) => spec.name === name)
}
