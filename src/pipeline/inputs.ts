import { existsSync, statSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { quote, SteerpipeError } from '../errors.js'
import { isRemote, readAddress } from '../storage/remote/address.js'
import { hubEndpoint } from '../storage/remote/hub-settings.js'
import type { Revisions } from '../storage/remote/index.js'
import type { DeadLetter } from './dead-letter.js'
import type { Input, Pipeline, Source } from './pipeline.js'
import { fillInput, hasUnset } from './references.js'

/** A source with its files. */
export interface OpenSource extends Source {
  /** Paths, `-`, or a remote address; several for a pattern, sorted. */
  readonly files: readonly string[]
  /** The files hold records that were set aside: which of them are of this source. Undefined for data. */
  readonly holds?: ((letter: DeadLetter) => boolean) | undefined
  /** The files that these were read from, if that is known. */
  readonly readFrom?: readonly string[] | undefined
}

/** An input with the files of its sources. */
export interface OpenInput extends Input {
  readonly sources: readonly OpenSource[]
}

/** The inputs' files, and what is wrong with them: those that do not exist. Sources with an unset var have none. */
export async function findInputs(
  pipeline: Pipeline,
): Promise<{ inputs: OpenInput[]; errors: SteerpipeError[] }> {
  const errors: SteerpipeError[] = []
  const inputs: OpenInput[] = []
  for (const input of pipeline.inputs) {
    const sources: OpenSource[] = []
    for (const source of input.sources) {
      const from = fillInput(source.from, input.name)
      const files = hasUnset(source.from) ? [] : await filesOf(from, source, errors)
      sources.push({ ...source, from, files })
    }
    inputs.push({ ...input, sources })
  }
  return { inputs, errors: [...errors, ...stdinErrors(inputs)] }
}

async function filesOf(from: string, { place }: Source, errors: SteerpipeError[]): Promise<string[]> {
  if (from === '-') return [from]
  if (isRemote(from)) {
    const error = addressError(from)
    if (error) errors.push(error.at(place ?? { input: from }))
    return [from]
  }
  const refuse = (found: string, fix?: string) => {
    errors.push(new SteerpipeError('NO_SUCH_INPUT', { found, fix, place: place ?? { input: from } }))
    return []
  }
  if (existsSync(from)) {
    if (!statSync(from).isDirectory()) return [from]
    return refuse(
      `the input ${from} is a folder`,
      `Name its files, or a pattern such as \`${from.replace(/\/$/, '')}/*.jsonl\`.`,
    )
  }
  if (from.trim() === '') return refuse(`the input ${quote(from)} is no path`)
  if (!/[*?[\]{}]/.test(from)) return refuse(`the input ${from} does not exist`)
  const { glob } = await import('tinyglobby')
  const files = await glob(from, { dot: false, expandDirectories: false, absolute: isAbsolute(from) })
  if (files.length === 0) return refuse(`no file matches the pattern ${from}`)
  // By code unit, so that the order does not hang on the system or the language.
  return files.sort()
}

/** What is wrong with an address, as far as one can see without opening it. */
function addressError(text: string): SteerpipeError | undefined {
  try {
    readAddress(text, hubEndpoint())
    return undefined
  } catch (error) {
    if (error instanceof SteerpipeError) return error
    throw error
  }
}

/** stdin can be read once only. */
function stdinErrors(inputs: readonly OpenInput[]): SteerpipeError[] {
  const [, ...more] = inputs.flatMap(({ sources }) => sources.filter(({ from }) => from === '-'))
  return more.map(
    ({ place }) =>
      new SteerpipeError('DEFINITION_INVALID', {
        found: 'stdin (`-`) is an input already',
        fix: 'It can be read once only: keep it in a file, and name that.',
        place: place ?? { input: '-' },
      }),
  )
}

/**
 * The inputs, with each address bound to what it means now: of a data set on the hub, to a commit.
 *
 * @param revisions commits that are known already; those that were asked for are added
 * @param note told what a person should know
 * @throws SteerpipeError for the first one that cannot be had
 */
export async function locateInputs(
  inputs: readonly OpenInput[],
  revisions: Revisions,
  note: (line: string) => void,
): Promise<readonly OpenInput[]> {
  const isAway = inputs.some(({ sources }) => sources.some(({ files }) => files.some(isRemote)))
  if (!isAway) return inputs
  const { locate } = await import('../storage/remote/index.js')
  const located: OpenInput[] = []
  for (const input of inputs) {
    const sources: OpenSource[] = []
    for (const source of input.sources) {
      const files: string[] = []
      for (const file of source.files) {
        try {
          files.push(isRemote(file) ? await locate(file, revisions, note) : file)
        } catch (error) {
          throw error instanceof SteerpipeError ? error.at(source.place ?? { input: file }) : error
        }
      }
      sources.push({ ...source, files })
    }
    located.push({ ...input, sources })
  }
  return located
}
