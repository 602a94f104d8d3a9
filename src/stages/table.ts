import { labelFormatSpec } from './label-format.js'
import { limitSpec } from './limit.js'
import { parseSpec } from './parse.js'
import { regressionExpandSpec } from './regression-expand.js'
import { repeatSpec } from './repeat.js'
import { sampleSpec } from './sample.js'
import { skipSpec } from './skip.js'
import type { StageSpec } from './spec.js'
import { templateSpec } from './template.js'
import { writeSpec } from './write.js'

/** Every stage, in the order in which data goes through them. A new stage is a file and a line here. */
export const STAGES: readonly StageSpec[] = [
  parseSpec,
  templateSpec,
  labelFormatSpec,
  regressionExpandSpec,
  repeatSpec,
  limitSpec,
  skipSpec,
  sampleSpec,
  writeSpec,
]

/** The names of the stages. */
export const STAGE_NAMES: readonly string[] = STAGES.map((spec) => spec.name)

/** The stage of a name, if there is one. */
export function findStage(name: string): StageSpec | undefined {
  return STAGES.find((spec) => spec.name === name)
}
