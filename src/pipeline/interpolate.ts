import { isScalar, type Scalar, visit } from 'yaml'
import { SteerpipeError } from '../errors.js'
import { suggestion } from '../suggest.js'
import type { YamlFile } from './yaml-file.js'

/** A var's value. */
export type VarValue = string | number | boolean | null

/** What names stand for. */
export interface Scope {
  /** The definition's vars, with what was set. A null one has no value yet. */
  readonly vars: ReadonlyMap<string, VarValue>
  /** The vars whose value came from outside, as text. */
  readonly texts: ReadonlySet<string>
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Names that are filled in later: for each input, and for each part. */
const LATER = new Set(['input', 'part'])

const REFERENCE = /\$(\$?)\{([^}:]*)(:-([^}]*))?\}/g

/** Whether a text still has a reference in it that only a value from outside can fill. */
export function hasUnset(value: unknown): boolean {
  if (typeof value !== 'string') return false
  return [...value.matchAll(REFERENCE)].some((match) => match[1] === '' && !LATER.has(match[2]))
}

/** `${input}` and `${part}` for people, in a path. */
export function fillInput<T>(value: T, input: string): T {
  if (typeof value === 'string') return value.replaceAll('${input}', input) as T
  if (Array.isArray(value)) return value.map((item) => fillInput(item, input)) as T
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fillInput(item, input)])) as T
  }
  return value
}

/** What came of interpolation. */
export interface Interpolated {
  readonly errors: SteerpipeError[]
  /** Scalars that are wholly a text from outside, which is read as the option's type wants. */
  readonly texts: ReadonlySet<unknown>
  /** Vars without a value that are used. */
  readonly unset: ReadonlySet<string>
}

/**
 * Fills in `${name}` and `${name:-default}` in the scalar values of a definition, but for its `vars`. A scalar
 * that is nothing but one reference keeps the var's type. `$${name}` stands for `${name}` itself. References to
 * vars that are null stay as they are.
 */
export function interpolate(file: YamlFile, scope: Scope): Interpolated {
  const errors: SteerpipeError[] = []
  const texts = new Set<unknown>()
  const unset = new Set<string>()
  visit(file.document, {
    Pair(_key, pair, path) {
      // Only at the root: path holds the document and its map.
      return path.length === 2 && isScalar(pair.key) && pair.key.value === 'vars' ? visit.SKIP : undefined
    },
    Scalar(key, node) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) return
      const filled = fill(node.value, scope, unset, (found, fix) => {
        errors.push(
          new SteerpipeError('UNKNOWN_NAME', { found, fix, place: file.placeAt(node.range?.[0] ?? 0) }),
        )
      })
      if (filled.text) texts.add(node)
      ;(node as Scalar).value = filled.value
    },
  })
  return { errors, texts, unset }
}

/** A text with its references filled in. */
export function fill(
  text: string,
  scope: Scope,
  unset: Set<string>,
  complain: (found: string, fix?: string) => void,
): { value: VarValue; text: boolean } {
  const whole = /^\$\{([^}:]*)(:-([^}]*))?\}$/.exec(text)
  if (whole && !LATER.has(whole[1])) {
    const value = lookUp(whole[1], whole[3], scope, complain)
    if (value === undefined) return { value: text, text: false }
    if (value === null) {
      unset.add(whole[1])
      return { value: text, text: false }
    }
    return { value, text: scope.texts.has(whole[1]) || whole[1].startsWith('env.') || value === whole[3] }
  }
  const value = text.replace(
    REFERENCE,
    (reference, escaped: string, name: string, _: string, fallback?: string) => {
      if (escaped) return reference.slice(1)
      if (LATER.has(name)) return reference
      const found = lookUp(name, fallback, scope, complain)
      if (found === null) unset.add(name)
      return found === undefined || found === null ? reference : String(found)
    },
  )
  return { value, text: false }
}

/** A name's value; null if it has none yet; undefined if there is no such name. */
function lookUp(
  name: string,
  fallback: string | undefined,
  scope: Scope,
  complain: (found: string, fix?: string) => void,
): VarValue | undefined {
  if (name.startsWith('env.')) {
    const value = scope.env[name.slice(4)] ?? fallback
    if (value === undefined) {
      complain(
        `the environment has no \`${name.slice(4)}\``,
        `Set it, or write \`\${${name}:-default}\` for what to take without it.`,
      )
    }
    return value
  }
  const value = scope.vars.get(name)
  if (value === undefined || value === null) {
    if (fallback !== undefined) return fallback
    if (value === undefined)
      complain(`\`\${${name}}\` is not known${suggestion(name, [...scope.vars.keys()])}`)
  }
  return value
}
