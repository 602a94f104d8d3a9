import { type Place, quote } from '../errors.js'
import { suggestion } from '../suggest.js'

/** What a function of the user's is told beside the record. */
export interface MapContext {
  /** The part that the record belongs to; what is returned stays in it. */
  readonly part: string | null
  /** Where the record was read. */
  readonly place: Place
  /** Counts something that the report at the end shall tell. */
  note(what: string): void
}

/** What is made of one record: one, several, or none. */
export type Mapped<Out extends object> = Out | readonly Out[] | null | undefined

/** A function of the user's. What it throws is the error of its record. */
export type MapFunction<In extends object, Out extends object> = (
  record: In,
  context: MapContext,
) => Mapped<Out> | Promise<Mapped<Out>>

/** A stage of the user's: what `map` runs. */
export interface MapDefinition<In extends object, Out extends object> {
  /** Called for one record at a time, in order; a promise is waited for before the next record. */
  readonly map: MapFunction<In, Out>
  /**
   * Promises that nothing is kept from one record to the next and nothing outside is changed, so that records may
   * be worked on in any order, elsewhere than on the main thread, and that a run that was stopped can be gone on with
   * in the middle of an input. Default false.
   */
  readonly pure?: boolean
  /** What records for which nothing is returned are counted under. Default `map`. */
  readonly name?: string
}

/** A definition whose records are whatever the module says they are. */
export type AnyMapDefinition = MapDefinition<never, object>

/**
 * Defines a stage of your own, for the default export of a module that `map` names, or for `map()` in a script.
 * It does nothing but give the function its types.
 *
 * @example
 * export default defineStage<Row, Row>({
 *   name: 'empty answers',
 *   map: (row) => (row.response.trim() === '' ? null : row),
 * })
 */
export function defineStage<In extends object = Record<string, unknown>, Out extends object = In>(
  definition: MapDefinition<In, Out>,
): MapDefinition<In, Out> {
  return definition
}

const KEYS: readonly string[] = ['map', 'pure', 'name'] satisfies (keyof AnyMapDefinition)[]

/** What a value lacks to be a definition; undefined if it is one. Modules may be written without types. */
function definitionMistake(value: unknown): string | undefined {
  if (value === undefined) return 'nothing'
  if (typeof value !== 'object' || value === null)
    return `a value of type ${value === null ? 'null' : typeof value}`
  const given = new Map<string, unknown>(Object.entries(value))
  if (typeof given.get('map') !== 'function') return 'an object without a function `map`'
  for (const key of given.keys()) {
    if (!KEYS.includes(key)) return `a stage with the unknown key ${quote(key)}${suggestion(key, KEYS)}`
  }
  const pure = given.get('pure')
  if (pure !== undefined && typeof pure !== 'boolean') return 'a stage whose `pure` is neither true nor false'
  const name = given.get('name')
  if (name !== undefined && (typeof name !== 'string' || name === ''))
    return 'a stage whose `name` is no text'
  return undefined
}

/**
 * A function, or a definition, as a definition.
 *
 * @param refuse makes the error for anything else; it is told what was found
 * @throws what `refuse` makes
 */
export function mapDefinition(value: unknown, refuse: (found: string) => Error): AnyMapDefinition {
  // That the function takes the records and gives objects is seen when it is called.
  if (typeof value === 'function') return { map: value as AnyMapDefinition['map'] }
  const mistake = definitionMistake(value)
  if (mistake !== undefined) throw refuse(mistake)
  return value as AnyMapDefinition // looked at above
}
