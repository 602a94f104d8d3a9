import { suggestion } from '../suggest.js'
import type { Mistakes } from './mistakes.js'
import { isMap } from './problems.js'
import { literal } from './references.js'

/** What takes the place of something that a definition says. */
export interface Replacements {
  /** Paths of inputs, by the input's name. */
  readonly inputs?: ReadonlyMap<string, string>
  /** The path of the last `write` of the stages; `${input}` and `${part}` in it are what they are in a definition. */
  readonly output?: string
}

/**
 * Puts other paths into a definition. This comes before its vars are filled in: what is replaced needs no value.
 *
 * @param given the definition as it is written
 */
export function replacePaths(
  given: Readonly<Record<string, unknown>>,
  { inputs, output }: Replacements,
  mistakes: Mistakes,
): void {
  for (const [name, path] of inputs ?? []) replaceInput(given.inputs, name, path, mistakes)
  if (output !== undefined) replaceOutput(given.stages, output, mistakes)
}

function replaceInput(inputs: unknown, name: string, path: string, mistakes: Mistakes): void {
  const names = isMap(inputs) ? Object.keys(inputs) : ['input']
  if (!names.includes(name)) {
    mistakes.add('USAGE', {
      found: `\`--input ${name}=…\`: the definition has no such input${suggestion(name, names)}`,
      expected: names.join(', '),
      fix: 'Name one of its inputs.',
      place: { input: mistakes.file.file },
    })
    return
  }
  const at = isMap(inputs) ? ['inputs', name] : ['inputs']
  const input = isMap(inputs) ? inputs[name] : inputs
  if (!isMap(input)) mistakes.file.put(at, literal(path))
  // One source may stand where several were to be interleaved.
  else mistakes.file.put([...at, 'from'], 'order' in input ? [literal(path)] : literal(path))
}

function replaceOutput(stages: unknown, output: string, mistakes: Mistakes): void {
  const list: readonly unknown[] = Array.isArray(stages) ? stages : []
  const last = list.findLastIndex((entry) => entry === 'write' || (isMap(entry) && 'write' in entry))
  if (last < 0) {
    mistakes.add('USAGE', {
      found: '`--output`: the definition has no `write` for all of its inputs',
      fix: 'Change the path in the definition, or put it into a var.',
      place: { input: mistakes.file.file },
    })
    return
  }
  const to = output.replaceAll(/\$\{(?!input\}|part\})/g, (found) => literal(found))
  const entry = list[last]
  if (!isMap(entry)) mistakes.file.put(['stages', last], { write: to })
  else mistakes.file.put(['stages', last, 'write', ...(isMap(entry.write) ? ['to'] : [])], to)
}
