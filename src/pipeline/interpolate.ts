import { isScalar, Scalar, visit } from 'yaml'
import { SteerpipeError } from '../errors.js'
import { suggestion } from '../suggest.js'
import { LATER, literal } from './references.js'
import type { YamlFile } from './yaml-file.js'

/** A var's value as a definition has it. */
export type VarValue = string | number | boolean | null

/** A text in pieces: what stands as it is, and the names that a value is still to be found for. */
type Pieces = readonly (string | { readonly name: string })[]

/** Where a text comes from that the definition itself does not give: `--set`, or an environment variable or default. */
export type Outside = 'set' | 'other'

/** What a var stands for. */
type Var =
  | { readonly kind: 'typed'; readonly value: number | boolean }
  | { readonly kind: 'text'; readonly pieces: Pieces; readonly outside: Outside | undefined }
  /** It hangs on vars that have no value. */
  | { readonly kind: 'unset'; readonly on: readonly string[] }

/** Says that a name means nothing, or that a reference cannot be read. */
type Complain = (found: string, fix?: string) => void

/** More than any path or expression needs: vars that each stand twice in the next one would double and double. */
const MAX_CHARACTERS = 100_000
const MAX_PIECES = 1000

/** `$${` for a plain `${`; a reference; a `${` that is neither. */
const REFERENCE = /(\$\$\{)|\$\{([^{}:]+)(?::-([^}]*))?\}|\$\{[^{}\s]{0,30}\}?/g

/** What names stand for: a definition's vars, with what was set. */
export class Scope {
  private readonly vars = new Map<string, Var>()

  /** @param names the names of all vars, also of those that are not defined yet */
  constructor(
    readonly names: readonly string[],
    private readonly env: Readonly<Record<string, string | undefined>>,
  ) {}

  /** A var with a value from outside: text, in which nothing is a reference. */
  set(name: string, text: string): void {
    this.vars.set(name, { kind: 'text', pieces: [text], outside: 'set' })
  }

  /** A var with the value that the definition gives; it may use the vars before it. */
  define(name: string, value: VarValue, complain: Complain): void {
    if (value === null) this.vars.set(name, { kind: 'unset', on: [name] })
    else if (typeof value === 'string') this.vars.set(name, this.resolve(value, complain))
    else this.vars.set(name, { kind: 'typed', value })
  }

  /** A text with its references resolved. One that is nothing but a reference keeps the var's type. */
  resolve(text: string, complain: Complain): Var {
    const pieces: (string | { name: string })[] = []
    const unset: string[] = []
    let known = true
    let outside: Outside | undefined
    let end = 0
    for (const match of text.matchAll(REFERENCE)) {
      const [found, escaped, name, fallback] = match
      pieces.push(text.slice(end, match.index))
      end = match.index + found.length
      if (escaped !== undefined) pieces.push('${')
      else if (name !== undefined && LATER.has(name)) pieces.push({ name })
      else {
        const meant = this.lookUp(found, name, fallback, complain)
        const whole = found.length === text.length
        if (meant.kind === 'typed') {
          if (whole) return meant
          pieces.push(String(meant.value))
        } else if (meant.kind === 'text') {
          pieces.push(...meant.pieces)
          outside = whole ? meant.outside : undefined
        } else {
          known = false
          unset.push(...meant.on)
        }
      }
      if (pieces.length > MAX_PIECES || lengthOf(pieces) > MAX_CHARACTERS) {
        complain('with its references filled in this is too long', 'Write less, or fewer references.')
        return { kind: 'unset', on: [] }
      }
    }
    pieces.push(text.slice(end))
    return known ? { kind: 'text', pieces, outside } : { kind: 'unset', on: unset }
  }

  /** What a reference stands for. */
  private lookUp(
    found: string,
    name: string | undefined,
    fallback: string | undefined,
    complain: Complain,
  ): Var {
    // A mistake is told once, here: what hangs on it is treated as if it had no value yet.
    const mistake = (what: string, fix?: string): Var => {
      complain(what, fix)
      return { kind: 'unset', on: [] }
    }
    if (name === undefined) {
      const fix = 'Write `${name}` or `${name:-default}`; `$${` is a plain `${`.'
      return mistake(`\`${found}\` is no reference`, fix)
    }
    if (fallback?.includes('${'))
      return mistake(`\`${found}\` has a reference in its default`, 'Give a default that is plain text.')
    const standIn: Var | undefined =
      fallback === undefined ? undefined : { kind: 'text', pieces: [fallback], outside: 'other' }
    if (name.startsWith('env.')) {
      const key = name.slice('env.'.length)
      const value = Object.hasOwn(this.env, key) ? this.env[key] : undefined
      if (value !== undefined) return { kind: 'text', pieces: [value], outside: 'other' }
      return (
        standIn ??
        mistake(
          `the environment has no \`${key}\``,
          `Set it, or write \`\${${name}:-default}\` for what to take without it.`,
        )
      )
    }
    const known = this.vars.get(name)
    if (known && (known.kind !== 'unset' || standIn === undefined)) return known
    if (standIn) return standIn
    if (this.names.includes(name)) {
      const fix = `Put \`${name}\` above what uses it: a var may use those before it.`
      return mistake(`\`${found}\` is not known yet`, fix)
    }
    return mistake(`\`${found}\` is not known${suggestion(name, this.names)}`)
  }
}

const lengthOf = (pieces: Pieces): number =>
  pieces.reduce((sum, piece) => sum + (typeof piece === 'string' ? piece.length : 0), 0)

/** Pieces as text: references that are left for the run stay references, and nothing else looks like one. */
function render(pieces: Pieces): string {
  let text = ''
  let plain = ''
  for (const piece of pieces) {
    if (typeof piece === 'string') plain += piece
    else {
      text += `${literal(plain)}\${${piece.name}}`
      plain = ''
    }
  }
  return text + literal(plain)
}

/** What came of interpolation. */
export interface Interpolated {
  readonly errors: readonly SteerpipeError[]
  /** Scalars that are wholly a text from outside, which is read as the option's type wants, with where it is from. */
  readonly texts: ReadonlyMap<unknown, Outside>
  /** Vars without a value that are used. */
  readonly unset: ReadonlySet<string>
}

/**
 * Fills in `${name}` and `${name:-default}` in the scalar values of a definition, but for its `vars`. `$${name}`
 * stands for `${name}` itself. Texts with vars that have no value stay as they are.
 */
export function interpolate(file: YamlFile, scope: Scope): Interpolated {
  const errors: SteerpipeError[] = []
  const texts = new Map<unknown, Outside>()
  const unset = new Set<string>()
  visit(file.document, {
    Pair(_key, pair, path) {
      // Only at the root: path holds the document and its map.
      return path.length === 2 && isScalar(pair.key) && pair.key.value === 'vars' ? visit.SKIP : undefined
    },
    Alias(key, alias) {
      // A scalar is copied to where it is used, so that it has a place of its own, and one in `vars` is filled in.
      const target = file.target(alias)
      if (key === 'key' || !isScalar(target)) return undefined
      const copy = new Scalar(target.value)
      if (alias.range) copy.range = alias.range
      const outside = texts.get(target)
      if (outside !== undefined) texts.set(copy, outside)
      return copy
    },
    Scalar(key, node) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) return
      const place = file.placeAt(node.range?.[0] ?? 0)
      const complain: Complain = (found, fix) =>
        errors.push(new SteerpipeError('UNKNOWN_NAME', { found, fix, place }))
      const meant = scope.resolve(node.value, complain)
      if (meant.kind === 'unset') for (const name of meant.on) unset.add(name)
      else node.value = meant.kind === 'typed' ? meant.value : render(meant.pieces)
      if (meant.kind === 'text' && meant.outside !== undefined) texts.set(node, meant.outside)
    },
  })
  return { errors, texts, unset }
}
