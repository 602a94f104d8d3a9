import type { JsonRecord } from '../../records/record.js'
import { type Member, RecordShape, Shape, type TypeName } from './shape.js'

/** What was seen of a field. */
export interface Field {
  /** Where it is: `prompt`, `conversations[].from`; `*` stands for any name. */
  readonly name: string
  /** How many of the objects that may have it do. */
  readonly count: number
  readonly of: number
  readonly types: Readonly<Partial<Record<TypeName, number>>>
  /** Of numbers: the least and the greatest, as they are written. */
  readonly range?: readonly [least: string, most: string]
  /** Of lists: the shortest and the longest. */
  readonly length?: readonly [shortest: number, longest: number]
  /** Of lists: what is in them. */
  readonly elements?: readonly TypeName[]
  /** Of texts that have a handful of values: these. */
  readonly values?: readonly string[]
  /** One of its texts, numbers or booleans, as JSON, shortened. */
  readonly example?: string
  /** Of an object whose keys are names of their own: these, as far as they are told apart. */
  readonly keys?: readonly string[]
  /** It holds the likes of what it is in, as the replies of a reply do. */
  readonly isNested?: true
}

/** An object with as many members alike is a map: what it holds is told once. */
const MAP_MEMBERS = 5

/** As many texts must have been seen for their values to be told. */
const VALUES_FROM = 10

/** The fields of some records, nested ones behind those that they are in. */
export function fieldsOf(records: readonly JsonRecord[]): { fields: Field[]; isCut: boolean } {
  const shape = new RecordShape()
  for (const record of records) shape.take(record)
  const fields: Field[] = []
  addMembers(fields, shape.root.members, records.length, '', new Set([shape.root]))
  return { fields, isCut: shape.isCut }
}

/**
 * @param of how many objects may have them
 * @param above what the object is in, so that what holds the likes of itself has an end
 */
function addMembers(
  fields: Field[],
  members: ReadonlyMap<string, Member>,
  of: number,
  prefix: string,
  above: ReadonlySet<Shape>,
): void {
  for (const [key, { count, shape }] of members) {
    const name = prefix + spelledKey(key)
    const isNested = above.has(shape)
    fields.push(describe(name, count, of, shape, isNested))
    if (!isNested) addInside(fields, shape, name, new Set([...above, shape]))
  }
}

/** What is in an object, or in the objects of a list. */
function addInside(fields: Field[], shape: Shape, name: string, above: ReadonlySet<Shape>): void {
  const map = asMap(shape)
  if (map === undefined) addMembers(fields, shape.members, shape.types.get('object') ?? 0, `${name}.`, above)
  else {
    fields.push(describe(`${name}.*`, map.count, map.count, map.shape, false))
    addInside(fields, map.shape, `${name}.*`, above)
  }
  if (shape.element !== undefined) addInside(fields, shape.element, `${name}[]`, above)
}

function describe(name: string, count: number, of: number, shape: Shape, isNested: boolean): Field {
  const { least, most, shortest, longest, element, values, example } = shape
  const texts = shape.types.get('text') ?? 0
  const keys = asMap(shape) === undefined ? undefined : [...shape.members.keys()]
  const hasValues = values !== undefined && values.size > 0 && texts >= VALUES_FROM && texts > values.size
  return {
    name,
    count,
    of,
    types: Object.fromEntries(shape.types),
    ...(least && most && { range: [least.json, most.json] as const }),
    ...(shortest !== undefined && longest !== undefined && { length: [shortest, longest] as const }),
    ...(element && { elements: [...element.types.keys()] }),
    ...(hasValues && { values: [...values].sort() }),
    ...(example !== undefined && { example }),
    ...(keys !== undefined && { keys }),
    ...(isNested && { isNested }),
  }
}

/** The members of an object as one, if they are many and alike: numbers, or objects. */
function asMap(shape: Shape): Member | undefined {
  if (shape.members.size < MAP_MEMBERS) return undefined
  const kinds = new Set([...shape.members.values()].flatMap(({ shape: { types } }) => [...types.keys()]))
  const isNumbers = [...kinds].every((kind) => kind === 'integer' || kind === 'number')
  const isObjects = kinds.size === 1 && kinds.has('object')
  if (!isNumbers && !isObjects) return undefined
  const all = { count: 0, shape: new Shape() }
  for (const { count, shape: each } of shape.members.values()) {
    all.count += count
    all.shape.add(each)
  }
  return all
}

/** A key as part of a field's name. */
const spelledKey = (key: string): string =>
  /^[\p{L}\p{N}_-]{1,60}$/u.test(key) ? key : JSON.stringify(key.slice(0, 60))
