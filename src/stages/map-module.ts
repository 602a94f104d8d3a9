import { realpathSync, statSync } from 'node:fs'
import { dirname, isAbsolute, relative, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { SteerpipeError } from '../errors.js'
import { type AnyMapDefinition, mapDefinition } from './map-definition.js'
import type { OptionMistake } from './spec.js'

const EXPECTED = '`export default` with a function, or with what `defineStage` gives'
const INSTALL =
  'Install steerpipe in the module’s folder or one above it (`npm install steerpipe`), or export a plain function, which needs no import.'

/**
 * The stage that a module exports.
 *
 * @param path from the working folder
 * @param folders where it must lie, or below them, all links followed; undefined: anywhere
 * @throws SteerpipeError MAP_MODULE
 */
export async function loadModule(path: string, folders?: readonly string[]): Promise<AnyMapDefinition> {
  const refuse = (found: string, more: { expected?: string; fix?: string; cause?: unknown } = {}) =>
    new SteerpipeError('MAP_MODULE', { found: `the module ${path} ${found}`, ...more })
  let exported: { readonly default?: unknown }
  try {
    const file = statSync(path, { throwIfNoEntry: false })
    if (file === undefined) throw refuse('does not exist')
    if (file.isDirectory()) throw refuse('is a folder', { expected: 'a file' })
    const real = realpathSync(path)
    if (folders && !folders.some((folder) => isBelow(real, realpathSync(folder)))) {
      throw refuse(`lies outside the folder of the pipeline file, at ${real}`, {
        expected: 'a module beside the pipeline file or below',
        fix: `Put it there, or allow its folder: \`--allow ${dirname(real)}\`.`,
      })
    }
    // The path that was looked at: a link may lead elsewhere by now.
    exported = await import(pathToFileURL(real).href)
  } catch (error) {
    if (error instanceof SteerpipeError) throw error
    const [said] = (error instanceof Error ? error.message : String(error)).split('\n')
    throw refuse(`cannot be loaded: ${said}`, {
      fix: said.includes("'steerpipe'") ? INSTALL : 'Mend the module; `node FILE` shows where it fails.',
      cause: error,
    })
  }
  if (!('default' in exported)) throw refuse('has no default export', { expected: EXPECTED })
  return mapDefinition(exported.default, (found) =>
    refuse(`has ${found} as its default export`, { expected: EXPECTED }),
  )
}

function isBelow(path: string, folder: string): boolean {
  const way = relative(folder, path)
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}

/** What is wrong with the module, before anything runs. @param folders as of {@link loadModule} */
export async function checkModule(path: string, folders?: readonly string[]): Promise<OptionMistake[]> {
  try {
    await loadModule(path, folders)
    return []
  } catch (error) {
    if (!(error instanceof SteerpipeError)) throw error
    const { code, found, expected, fix } = error
    return [{ option: 'module', code, found, expected, fix }]
  }
}
