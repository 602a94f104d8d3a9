import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import { SteerpipeError } from '../errors.js'
import { systemMessage } from '../storage/input.js'
import { DefinitionReader } from './definition-reader.js'
import { interpolate } from './interpolate.js'
import { inOrder, Mistakes } from './mistakes.js'
import type { Pipeline } from './pipeline.js'
import { isMap } from './problems.js'
import { type Replacements, replacePaths } from './replace.js'
import { readVars, type VarSettings } from './vars.js'
import { YamlFile } from './yaml-file.js'

/** What a definition is read with: values for vars, and what takes the place of what it says. */
export interface LoadSettings extends VarSettings, Replacements {
  /** Folders that `map` may load modules from beside the definition's own. */
  readonly allow?: readonly string[]
}

/** A definition that was read. */
export interface Loaded {
  /** What could be made out; to be run only if there are no errors. */
  readonly pipeline: Pipeline | undefined
  /** Everything that is wrong, in the order of the file. */
  readonly errors: readonly SteerpipeError[]
  /** Vars that are used and have no value. */
  readonly unset: readonly SteerpipeError[]
}

/** More bytes than any pipeline file needs. What YAML makes of them takes some forty times as many. */
const MAX_BYTES = 1024 * 1024

/** Reads a pipeline file. Mistakes in it are in the result, not thrown. */
export async function loadFile(path: string, settings: LoadSettings): Promise<Loaded> {
  let bytes: Buffer
  try {
    // One byte more is enough to tell.
    bytes = Buffer.concat(await createReadStream(path, { end: MAX_BYTES }).toArray())
  } catch (error) {
    const said = error instanceof Error ? systemMessage(error) : String(error)
    const found = `the pipeline file cannot be read: ${said}`
    const fix = 'Give the path of a pipeline file; `steerpipe list` shows those of this folder.'
    return failed(new SteerpipeError('NO_SUCH_INPUT', { found, fix, place: { input: path }, cause: error }))
  }
  if (bytes.length > MAX_BYTES) {
    const found = `a pipeline file of more than ${MAX_BYTES} bytes`
    const fix = 'Is this a data file? Those are the `inputs` of a pipeline file.'
    return failed(new SteerpipeError('DEFINITION_SYNTAX', { found, fix, place: { input: path } }))
  }
  if (!isUtf8(bytes)) {
    const found = 'the pipeline file is not UTF-8'
    const fix = 'Convert it, for example with `iconv -f latin1 -t utf-8`.'
    return failed(new SteerpipeError('DEFINITION_SYNTAX', { found, fix, place: { input: path } }))
  }
  return loadText(path, new TextDecoder().decode(bytes), settings) // which leaves a byte order mark out
}

/** Reads the text of a pipeline file. */
export function loadText(path: string, text: string, settings: LoadSettings): Loaded {
  const file = new YamlFile(path, text)
  const syntax = file.syntaxErrors()
  if (syntax.length > 0) return { pipeline: undefined, errors: inOrder(syntax), unset: [] }
  try {
    return loadDefinition(file, settings)
  } catch (error) {
    if (!(error instanceof SteerpipeError)) throw error
    return failed(error)
  }
}

function loadDefinition(file: YamlFile, settings: LoadSettings): Loaded {
  const mistakes = new Mistakes(file)
  const raw = file.toJS()
  if (!isMap(raw)) {
    const expected = 'a map with `name`, `inputs` and `stages`'
    mistakes.invalid(raw === null ? 'the file is empty' : 'this is no pipeline', [], { expected })
    return { pipeline: undefined, errors: mistakes.errors, unset: [] }
  }
  replacePaths(raw, settings, mistakes)
  const scope = readVars(raw.vars, settings, mistakes)
  const { errors, texts, unset } = interpolate(file, scope)
  mistakes.errors.push(...errors)
  const given = file.toJS()
  const pipeline = new DefinitionReader(
    isMap(given) ? given : {},
    mistakes,
    texts,
    settings.allow ?? [],
  ).pipeline()
  return {
    pipeline,
    errors: inOrder(mistakes.errors),
    unset: inOrder([...unset].map((name) => unsetError(file, name))),
  }
}

const failed = (error: SteerpipeError): Loaded => ({ pipeline: undefined, errors: [error], unset: [] })

function unsetError(file: YamlFile, name: string): SteerpipeError {
  return new SteerpipeError('VAR_UNSET', {
    found: `the var \`${name}\` has no value`,
    fix: `Give it one: \`--set ${name}=…\`.`,
    place: file.placeOfKey(['vars', name]),
  })
}
