import { cat } from './cat.mjs'
import { checkpoints } from './checkpoints.mjs'
import { curate } from './curate.mjs'
import { helpsteer2, helpsteer2Gz } from './helpsteer2.mjs'
import { memory } from './memory.mjs'
import { oasst } from './oasst.mjs'
import { pipe } from './pipe.mjs'
import { regression } from './regression.mjs'
import { shuffle } from './shuffle.mjs'
import { startup } from './startup.mjs'

/**
 * All jobs by their names, in the order in which they run.
 *
 * @type {Record<string, (bench: import('../contestants.mjs').Bench) => import('../report.mjs').Finding>}
 */
export const JOBS = {
  regression,
  cat,
  'helpsteer2-gz': helpsteer2Gz,
  oasst,
  curate,
  pipe,
  helpsteer2,
  shuffle,
  memory,
  startup,
  checkpoints,
}
