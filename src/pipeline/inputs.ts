import { existsSync, statSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { quote, SteerpipeError } from '../errors.js'
import { isRemote } from '../storage/input.js'
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
  if (from === '-' || isRemote(from)) return [from]
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

/** The error for an address that cannot be opened yet, for each one among the inputs. */
export function remoteErrors(inputs: readonly OpenInput[]): SteerpipeError[] {
  return inputs.flatMap((input) =>
    input.sources.flatMap(({ files, place }) =>
      files.filter(isRemote).map(
        (file) =>
          new SteerpipeError('HUB_ADDRESS', {
            found: `${file} is an address, and addresses cannot be opened yet`,
            place,
          }),
      ),
    ),
  )
}
