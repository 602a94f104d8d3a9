import { type ErrorCode, type ErrorDetails, SteerpipeError } from '../errors.js'
import { type Problem, told } from './problems.js'
import type { YamlFile, YamlPath } from './yaml-file.js'

/** What was found to be wrong with a definition. */
export class Mistakes {
  readonly errors: SteerpipeError[] = []

  constructor(readonly file: YamlFile) {}

  add(code: ErrorCode, details: ErrorDetails): void {
    this.errors.push(new SteerpipeError(code, details))
  }

  /** A mistake in the form of the definition. @param key whether it is the key at the path that is wrong */
  invalid(
    found: string,
    path: YamlPath,
    { expected, key = false }: { expected?: string; key?: boolean } = {},
  ): void {
    const place = key ? this.file.placeOfKey(path) : this.file.placeOf(path)
    this.add('DEFINITION_INVALID', { found, expected, fix: 'Mend this line of the definition.', place })
  }

  /** What validation found in the value at a path. */
  take(problems: readonly Problem[], path: YamlPath): void {
    for (const problem of problems) {
      const at = [...path, ...problem.path]
      this.invalid(told(at.join('.'), problem), at, {
        key: problem.key !== 'right',
        ...(problem.expected !== undefined && { expected: problem.expected }),
      })
    }
  }
}

/** Errors in the order of the file, each once: what an alias stands for may be looked at more than once. */
export function inOrder(errors: readonly SteerpipeError[]): SteerpipeError[] {
  const once = new Map(errors.map((error) => [error.message, error]))
  return [...once.values()].sort((a, b) => line(a) - line(b) || column(a) - column(b))
}

const line = ({ place }: SteerpipeError): number => place?.line ?? 0
const column = ({ place }: SteerpipeError): number => place?.column ?? 0
