import { conversations } from './conversations.js'
import type { DataSet } from './dataset.js'
import { helpsteer } from './helpsteer.js'
import { helpsteer2 } from './helpsteer2.js'
import { helpsteer2Preference } from './helpsteer2-preference.js'
import { oasst } from './oasst.js'

/** The built-in data sets by name. */
export const DATA_SETS = {
  helpsteer,
  helpsteer2,
  'helpsteer2-preference': helpsteer2Preference,
  oasst,
  conversations,
} as const satisfies Record<string, DataSet>

/** The name of a built-in data set. */
export type DataSetName = keyof typeof DATA_SETS

/** The names, for options and messages. */
export const DATA_SET_NAMES = Object.keys(DATA_SETS) as [DataSetName, ...DataSetName[]]
