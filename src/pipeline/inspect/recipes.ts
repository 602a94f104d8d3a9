import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { findInputs } from '../inputs.js'
import { loadFile } from '../load.js'

/** Where definitions are kept. */
const FOLDER = 'pipelines'

/** The file of a recipe, if it is in the working folder. */
export function recipeFile(name: string): string | undefined {
  const file = join(FOLDER, `${name}.yaml`)
  return existsSync(file) ? file : undefined
}

/**
 * How the recipe of a data set is run over a file: as one of the files of its `source`, or, if it takes one file, in
 * the place of that.
 *
 * @returns arguments of `steerpipe`; undefined if there is no such recipe, or it takes more than this file
 */
export async function dataSetRecipe(name: string, path: string): Promise<string[] | undefined> {
  const file = recipeFile(name)
  if (file === undefined) return undefined
  const out = ['--set', `out=data/${name}`]
  let only: string | undefined
  // Files may lie in folders of the source.
  for (const source of [dirname(path), dirname(dirname(path))]) {
    const { pipeline, errors } = await loadFile(file, { env: {}, set: new Map([['source', source]]) })
    if (pipeline === undefined || errors.length > 0) return undefined
    const { inputs, errors: missing } = await findInputs(pipeline)
    const files = inputs.flatMap(({ sources }) => sources.map(({ from }) => normalize(from)))
    if (missing.length === 0 && files.includes(normalize(path))) {
      return ['run', file, '--set', `source=${source}`, ...out]
    }
    if (files.length === 1) only = inputs[0].name
  }
  return only === undefined ? undefined : ['run', file, '--input', `${only}=${path}`, ...out]
}
