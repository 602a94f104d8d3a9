import { suggestion } from '../suggest.js'
import { RESERVED_VARS } from './definition.js'
import { Scope, type VarValue } from './interpolate.js'
import type { Mistakes } from './mistakes.js'
import { isMap } from './problems.js'

/** What a definition's vars are read with. */
export interface VarSettings {
  /** Values from outside. */
  readonly set?: ReadonlyMap<string, string>
  /** For `${env.NAME}`. */
  readonly env: Readonly<Record<string, string | undefined>>
}

/** The vars of a definition, with what was set; a var may use those above it. */
export function readVars(given: unknown, { set, env }: VarSettings, mistakes: Mistakes): Scope {
  const vars = isMap(given) ? given : {}
  const scope = new Scope(Object.keys(vars), env)
  for (const [name, value] of Object.entries(vars)) {
    const path = ['vars', name]
    if (RESERVED_VARS.includes(name)) {
      mistakes.invalid(`the var \`${name}\` has the name of something that is always there`, path, {
        key: true,
      })
    }
    const text = set?.get(name)
    if (text !== undefined) scope.set(name, text)
    else {
      scope.define(name, isVarValue(value) ? value : null, (found, fix) =>
        mistakes.add('UNKNOWN_NAME', { found, fix, place: mistakes.file.placeOf(path) }),
      )
    }
  }
  for (const name of set?.keys() ?? []) {
    if (scope.names.includes(name)) continue
    mistakes.add('USAGE', {
      found: `\`--set ${name}=…\`: the definition has no such var${suggestion(name, scope.names)}`,
      expected: scope.names.join(', ') || 'no vars',
      fix: 'Set one of its vars, or add it to `vars`.',
      place: { input: mistakes.file.file },
    })
  }
  return scope
}

/** Anything else is refused with the definition; until then it counts as a var without a value. */
const isVarValue = (value: unknown): value is VarValue =>
  value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
